"""Surfaces: a part is a triangle mesh with its texture and how it shines; grids, tubes and lofts make them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float32]
Faces = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Part:
    """One surface. Front faces run clockwise on the screen as the camera sees them.

    vertices, normals: float32 (n, 3). uv: float32 (n, 2), 0..1 across the texture; u wraps, v does not.
    occlusion: float32 (n,), how much sky a vertex sees, about 0..1. faces: int32 (m, 3).
    texture: float32 (h, w, 4), linear RGB and a mask for the highlight. wrap: how far light bends round the surface.
    """

    vertices: Floats
    faces: Faces
    uv: Floats
    texture: Floats
    normals: Floats
    occlusion: Floats
    specular: float = 0.1
    gloss: float = 12.0
    wrap: float = 0.25
    two_sided: bool = False


def make_part(
    vertices: ArrayLike,
    faces: Faces,
    texture: Floats,
    uv: ArrayLike | None = None,
    occlusion: ArrayLike | None = None,
    normals: Floats | None = None,
    *,
    specular: float = 0.1,
    gloss: float = 12.0,
    wrap: float = 0.25,
    two_sided: bool = False,
) -> Part:
    """A part with what is not given worked out: normals from the faces, full sky, the texture's middle."""
    points = np.ascontiguousarray(vertices, np.float32)
    triangles = np.ascontiguousarray(faces, np.int32)
    return Part(
        vertices=points,
        faces=triangles,
        uv=np.full((len(points), 2), 0.5, np.float32) if uv is None else np.ascontiguousarray(uv, np.float32),
        texture=np.ascontiguousarray(texture, np.float32),
        normals=vertex_normals(points, triangles) if normals is None else np.ascontiguousarray(normals, np.float32),
        occlusion=(
            np.ones(len(points), np.float32) if occlusion is None else np.ascontiguousarray(occlusion, np.float32)
        ),
        specular=specular,
        gloss=gloss,
        wrap=wrap,
        two_sided=two_sided,
    )


def vertex_normals(vertices: Floats, faces: Faces) -> Floats:
    """Unit normals by area-weighted faces: float32 (n, 3)."""
    normals = np.zeros_like(vertices)
    _accumulate_normals(vertices, faces, normals)
    return normals


@njit(cache=True)
def _accumulate_normals(vertices: Floats, faces: Faces, out: Floats) -> None:
    for k in range(faces.shape[0]):
        a, b, c = faces[k, 0], faces[k, 1], faces[k, 2]
        ux = vertices[b, 0] - vertices[a, 0]
        uy = vertices[b, 1] - vertices[a, 1]
        uz = vertices[b, 2] - vertices[a, 2]
        vx = vertices[c, 0] - vertices[a, 0]
        vy = vertices[c, 1] - vertices[a, 1]
        vz = vertices[c, 2] - vertices[a, 2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for i in (a, b, c):
            out[i, 0] += nx
            out[i, 1] += ny
            out[i, 2] += nz
    for i in range(vertices.shape[0]):
        length = np.sqrt(out[i, 0] ** 2 + out[i, 1] ** 2 + out[i, 2] ** 2) + np.float32(1e-9)
        out[i, 0] /= length
        out[i, 1] /= length
        out[i, 2] /= length


def grid_faces(rows: int, columns: int, wrap: bool = True) -> Faces:
    """Two triangles a cell over a grid of vertices, row by row: int32 (m, 3). wrap: the last column joins the first."""
    row = np.arange(rows - 1)[:, None]
    column = np.arange(columns if wrap else columns - 1)[None]
    corners = (
        row * columns + column,
        row * columns + (column + 1) % columns,
        (row + 1) * columns + column,
        (row + 1) * columns + (column + 1) % columns,
    )
    a, b, c, d = (np.broadcast_to(corner, (rows - 1, column.size)).ravel() for corner in corners)
    return np.concatenate([np.stack([a, c, b], 1), np.stack([b, c, d], 1)]).astype(np.int32)


def grid_uv(rows: int, columns: int, wrap: bool = True) -> Floats:
    """Texture coordinates of such a grid: float32 (rows * columns, 2)."""
    u = np.linspace(0, 1, columns, endpoint=not wrap)
    return np.stack(np.meshgrid(u, np.linspace(0, 1, rows)), -1).reshape(-1, 2).astype(np.float32)


def tube(path: ArrayLike, radius: ArrayLike, sides: int = 6) -> tuple[Floats, Faces]:
    """A round bar along a path (n, 3); radius: one, or one for each point. Draw it two-sided."""
    points = np.asarray(path, np.float32)
    radii = np.broadcast_to(np.asarray(radius, np.float32), (len(points),))
    along = np.gradient(points, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-9
    reference = np.where(np.abs(along[:, 1:2]) < 0.9, [[0.0, 1.0, 0.0]], [[0.0, 0.0, 1.0]])
    across = np.cross(along, reference)
    across /= np.linalg.norm(across, axis=1, keepdims=True) + 1e-9
    third = np.cross(along, across)
    angle = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    ring = np.cos(angle)[None, :, None] * across[:, None] + np.sin(angle)[None, :, None] * third[:, None]
    vertices = points[:, None] + radii[:, None, None] * ring
    return vertices.reshape(-1, 3).astype(np.float32), grid_faces(len(points), sides)


def loft(
    height: ArrayLike,
    centre_x: ArrayLike,
    centre_z: ArrayLike,
    half_width: ArrayLike,
    half_depth: ArrayLike,
    sides: int = 28,
    squareness: float = 2.3,
) -> tuple[Floats, Faces]:
    """A closed wall of superellipses, one for each height (n,), from the top down."""
    y, x, z, wide, deep = (
        np.broadcast_to(np.asarray(value, np.float64), np.shape(height))[:, None]
        for value in (height, centre_x, centre_z, half_width, half_depth)
    )
    angle = np.linspace(0, 2 * np.pi, sides, endpoint=False)[None]
    cosine, sine = (np.sign(v) * np.abs(v) ** (2 / squareness) for v in (np.cos(angle), np.sin(angle)))
    vertices = np.stack([x + wide * sine, np.repeat(y, sides, 1), z + deep * cosine], -1)
    return vertices.reshape(-1, 3).astype(np.float32), grid_faces(len(y), sides)


def flat_texture(colour: ArrayLike, shine: float = 0.2) -> Floats:
    """One colour (linear RGB) all over: float32 (2, 2, 4)."""
    texture = np.empty((2, 2, 4), np.float32)
    texture[..., :3] = np.asarray(colour, np.float32)
    texture[..., 3] = shine
    return texture


def turn(yaw_rad: float, pitch_rad: float, roll_rad: float) -> Floats:
    """Rotation in model space (x right, y up, z to the viewer): yaw about y, then pitch about x, then roll about z."""
    cy, sy, cp, sp, cr, sr = (f(angle) for angle in (yaw_rad, pitch_rad, roll_rad) for f in (np.cos, np.sin))
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray(about_z @ about_x @ about_y, np.float32)
