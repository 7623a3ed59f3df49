"""Hair that stands off the head: a shell over the scalp, what falls from it, and a knot behind."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hwsim.street.rendered.head.hairline import beard_cover, scalp_depth, smoothstep
from hwsim.street.rendered.head.hairstyle import BeardStyle, HairStyle
from hwsim.street.rendered.head.shape import Shape
from hwsim.street.rendered.head.skull import COLUMNS, ROWS, Skull, skull_faces, skull_uv
from hwsim.street.rendered.head.texels import smooth_noise
from hwsim.street.rendered.mesh import Floats, Part, grid_faces, grid_uv, make_part

Place = Callable[[NDArray[np.float64]], Floats]
"""From a built head's coordinates to where this person has the point."""

_STRAND_ROWS, _STRAND_COLUMNS = 64, 160
_UNDER = 0.4
"""How steeply the shell dives under the skin outside the hairline."""
_CURTAIN_ROWS, _CURTAIN_COLUMNS = 14, 40
_BEARD_SHELL_MIN_CM = 0.2


def strand_texture(colour: NDArray[np.float64], rng: np.random.Generator, coiled: bool) -> Floats:
    """Hair seen close: strands along v, or coils; float32 (h, w, 4)."""
    size = (_STRAND_ROWS, _STRAND_COLUMNS)
    if coiled:
        noise = 0.9 * smooth_noise(rng, *size, 60) + 0.5 * smooth_noise(rng, *size, 26)
    else:
        strands = np.repeat(smooth_noise(rng, 8, _STRAND_COLUMNS, 8)[:1], _STRAND_ROWS, 0)
        strands = strands + 0.8 * rng.standard_normal((1, _STRAND_COLUMNS)).astype(np.float32)
        noise = 0.7 * strands + 0.25 * smooth_noise(rng, *size, 24)
    texture = np.empty((*size, 4), np.float32)
    texture[..., :3] = np.asarray(colour)[None, None] * np.clip(1 + 0.3 * noise, 0.25, 2.2)[..., None]
    texture[..., 3] = 0.25 if coiled else 0.8
    return texture


def hair_parts(
    skull: Skull, style: HairStyle, colour: NDArray[np.float64], place: Place, under_hat: bool = False
) -> list[Part]:
    """The hair of a head; none where it is bald. `under_hat` leaves only what falls below."""
    rng = np.random.default_rng(style.seed)
    texture = strand_texture(colour, rng, style.cut == "coils")
    parts = [] if style.cut == "bald" or under_hat else [_shell(skull, style, texture, place, rng)]
    if style.cut in ("bob", "long"):
        parts.append(_curtain(skull, style, texture, place, rng))
    if style.cut == "bun" and not under_hat:
        parts.append(_knot(texture, place, rng))
    return parts


def beard_parts(
    skull: Skull,
    shape: Shape,
    beard: BeardStyle,
    colour: NDArray[np.float64],
    vertices: NDArray[np.float64],
    place: Place,
) -> list[Part]:
    """A beard long enough to stand off the face; a short one is paint alone. vertices: the face as it moves."""
    if beard.cut in ("none", "moustache") or beard.length_cm < _BEARD_SHELL_MIN_CM:
        return []
    rng = np.random.default_rng(beard.seed)
    cover = beard_cover(skull.vertices, shape, beard) * beard.density
    noise = smooth_noise(rng, ROWS, COLUMNS, 28).ravel()
    low = np.clip((shape.mouth_y_cm - skull.vertices[:, 1]) / 3.0, 0.25, 1.0)
    stand = np.where(
        cover > 0.45, beard.length_cm * (cover - 0.45) * 1.8 * low * (1 + 0.3 * noise), _UNDER * (cover - 0.45)
    )
    faces = skull_faces()
    kept = faces[(cover[faces] > 0.2).any(1)]
    return [
        make_part(
            place(vertices + skull.normals * stand[:, None]), kept, strand_texture(colour, rng, True),
            skull_uv() * [5, 2], np.clip(0.78 + 0.15 * noise, 0.3, 1.1) * skull.occlusion, specular=0.06, gloss=6.0,
        )
    ]  # fmt: skip


def _shell(skull: Skull, style: HairStyle, texture: Floats, place: Place, rng: np.random.Generator) -> Part:
    x, y, z = skull.vertices.T
    slow, quick = (np.asarray(smooth_noise(rng, ROWS, COLUMNS, n).ravel(), np.float64) for n in (8, 30))
    # Rays crowd together at the crown: noise there would stand up as a spike.
    crown = smoothstep(0.0, 12.0, np.arange(ROWS, dtype=np.float64)).repeat(COLUMNS)
    slow, quick = slow * crown, quick * crown
    bearing = np.abs(np.arctan2(x, z))
    front = 1 - smoothstep(0.7, 1.0, bearing)
    gap = np.clip(np.abs(x - 2.5 * style.parting) / 2.0, 0, 1) if style.fringe_cm < 2.5 else 1.0
    fringe = style.fringe_cm * front * gap * (1 + style.fringe_slope * x / 4)
    depth = scalp_depth(skull.vertices, style) + fringe + 0.25 * slow + 0.12 * quick
    top = smoothstep(1.0, 7.0, y)
    behind = smoothstep(1.7, 2.4, bearing)
    stand = style.side_cm * (1 - behind) + style.back_cm * behind
    stand = stand + (style.top_cm - stand) * top
    if style.cut == "quiff":
        stand = stand * (1 + 0.8 * np.exp(-((x / 4.5) ** 2)) * smoothstep(1.0, 6.0, z) * top)
    stand = stand * (1 + 0.3 * style.parting * np.tanh(x / 2.5) * top)
    if style.cut in ("short", "bob", "long", "bun"):
        stand = stand * (1 - 0.45 * top * np.exp(-(((x - 2.5 * style.parting) / 0.7) ** 2)) * (z > -6))
    stand = stand * (1 - 0.9 * style.thinning * smoothstep(4.0, 8.0, y))
    rise = np.clip(depth / 2.2, 0, 1) ** 0.6
    rough = 1 + (0.15 + 0.3 * style.wave) * slow + 0.35 * style.wave * quick
    lift = np.where(depth > 0, (stand * rise * np.clip(rough, 0.3, 2.0)) + 0.06 * rise, _UNDER * depth)
    faces = skull_faces()
    kept = faces[(depth[faces] > -1.2).any(1)]
    uv = np.stack([skull_uv()[:, 0], np.clip(0.5 - y / 26, 0, 1)], 1)
    shade = np.clip(0.55 + 0.45 * np.clip(depth / 3, 0, 1) + (0.08 + 0.25 * style.wave) * quick, 0.25, 1.2)
    return make_part(
        place(skull.vertices + skull.normals * lift[:, None]),
        kept,
        texture,
        uv,
        shade,
        specular=0.22,
        gloss=9.0,
        wrap=0.2,
    )


def _curtain(skull: Skull, style: HairStyle, texture: Floats, place: Place, rng: np.random.Generator) -> Part:
    """Hair that falls from the sides and the back."""
    bearing = np.linspace(np.deg2rad(64), np.deg2rad(296), _CURTAIN_COLUMNS)
    y = np.linspace(4.5, style.length_y_cm, _CURTAIN_ROWS)
    down = ((4.5 - y) / (4.5 - style.length_y_cm))[:, None]
    half_width = float(skull.vertices[:, 0].max())
    body = style.spread * (1 + 0.8 * np.sin(down * 2.2))
    wave = (0.25 + 0.5 * style.wave) * smooth_noise(rng, _CURTAIN_ROWS, _CURTAIN_COLUMNS, 7, wrap=False)
    wide = (half_width + 0.35 + 0.75 * body) * (1 - 0.15 * down**3) + wave
    deep = (8.6 + 0.8 * body) * (1 - 0.25 * down**2) + wave
    points = np.stack(
        [wide * np.sin(bearing), np.repeat(y[:, None], _CURTAIN_COLUMNS, 1), -1.4 + deep * np.cos(bearing)], -1
    )
    shade = np.repeat(1 - 0.45 * down, _CURTAIN_COLUMNS, 1).ravel()
    uv = grid_uv(_CURTAIN_ROWS, _CURTAIN_COLUMNS, wrap=False) * [0.95, 0.8] + [0, 0.2]
    return make_part(
        place(points.reshape(-1, 3)), grid_faces(_CURTAIN_ROWS, _CURTAIN_COLUMNS, wrap=False), texture, uv, shade,
        specular=0.22, gloss=9.0, wrap=0.2, two_sided=True,
    )  # fmt: skip


def _knot(texture: Floats, place: Place, rng: np.random.Generator) -> Part:
    centre = np.array([0, rng.uniform(2, 11), -9.0])
    radius = rng.uniform(2.4, 3.6)
    uv = grid_uv(10, 16)
    bearing, height = uv[:, 0] * 2 * np.pi, (0.5 - uv[:, 1]) * np.pi
    ball = np.stack([np.cos(height) * np.sin(bearing), np.sin(height), np.cos(height) * np.cos(bearing)], 1)
    return make_part(place(centre + radius * ball), grid_faces(10, 16), texture, uv, specular=0.22, gloss=9.0)
