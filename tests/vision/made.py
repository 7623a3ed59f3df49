"""Made faces, pictures and networks: what a stage sees is known to the pixel, and the networks answer to it.

A made person `k` is a square whose blue channel is exactly BLUE + k over grain in the other two. The detector's
network finds such squares and answers as YuNet does; the embedder's reads the blue and answers with the
person's own direction.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge.devices import TensorSpec
from edge.errors import ModelRejected, PackShapeMismatch
from edge.formats.pack import DetectorSize, DetectorSpec, EmbedderSpec, NetworkInput
from edge.records import FaceBox
from edge.vision.gallery import Gallery
from edge.vision.memory import LockedBuffer

BLUE = 200
PEOPLE_MAX = 16
WIDTH_PX, HEIGHT_PX = 192, 128
ALIGNED_PX = 32
DIMENSION = 32
STRIDES = (8, 16, 32)
POINTS = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]], np.float32)
"""Five landmarks in fractions of a face's box, and of the aligned face."""


def detector_spec(width_px: int = WIDTH_PX, height_px: int = HEIGHT_PX) -> DetectorSpec:
    size = NetworkInput(width_px=width_px, height_px=height_px, channels="bgr")
    built = DetectorSize(input=size, files={})
    return DetectorSpec(decoder="yunet", face_min_px=16, score_min=0.6, nms_iou=0.3, sizes=(built,))


def embedder_spec(size_px: int = ALIGNED_PX, dimension: int = DIMENSION) -> EmbedderSpec:
    size = NetworkInput(width_px=size_px, height_px=size_px, channels="bgr")
    return EmbedderSpec(input=size, dimension=dimension, alignment=POINTS.round(3).tolist(), files={})


def face_at(
    left_px: float, top_px: float, width_px: float = 40.0, height_px: float | None = None, frame_id: int = 0
) -> FaceBox:
    """A frontal face in a box."""
    size = np.array([width_px, width_px if height_px is None else height_px], np.float32)
    points = POINTS * size + np.array([left_px, top_px], np.float32)
    return FaceBox(frame_id, left_px, top_px, float(size[0]), float(size[1]), 0.9, points)


def picture(*people: tuple[int, int, int, int], size: tuple[int, int] = (WIDTH_PX, HEIGHT_PX)) -> NDArray[np.uint8]:
    """uint8 BGR with people (k, left, top, width), the last in front; grain from a fixed seed."""
    width, height = size
    image = np.random.default_rng(5).integers(60, 180, (height, width, 3), np.uint8)
    for k, left, top, wide in people:
        image[max(top, 0) : top + wide, max(left, 0) : left + wide, 0] = BLUE + k
    return image


def template_of(k: int) -> NDArray[np.float32]:
    """The direction of person k, float32 (DIMENSION,): no two people are alike."""
    vector = np.zeros(DIMENSION, np.float32)
    vector[k] = 1
    return vector


def entry_of(k: int) -> str:
    """The entry id of person k."""
    return f"{k:032x}"


def gallery_of(*people: int) -> Gallery:
    """A gallery of made people."""
    buffer = LockedBuffer(len(people) * DIMENSION * 4)
    templates = buffer.array("f4", (len(people), DIMENSION))
    for row, k in enumerate(people):
        templates[row] = template_of(k)
    return Gallery([entry_of(k) for k in people], templates, buffer)


class YuNetOutputs:
    """Twelve outputs in an order of their own, nothing found until `put`."""

    def __init__(self, width_px: int, height_px: int, seed: int = 3) -> None:
        kinds = [(stride, name) for stride in STRIDES for name in ("cls", "obj", "box", "points")]
        order = np.random.default_rng(seed).permutation(len(kinds))
        self._kinds = [kinds[i] for i in order]
        self.columns = {stride: width_px // stride for stride in STRIDES}
        widths = {"cls": 1, "obj": 1, "box": 4, "points": 10}
        self.arrays = {
            (stride, name): np.zeros((1, (width_px // stride) * (height_px // stride), widths[name]), np.float32)
            for stride, name in kinds
        }

    def put(self, stride: int, face: FaceBox, cls: float = 0.9, obj: float = 0.9) -> int:
        """Encode a face in the cell of its centre, as the paper's decoding inverts; the cell's number."""
        x, y = face.left_px + face.width_px / 2, face.top_px + face.height_px / 2
        column, row = int(x // stride), int(y // stride)
        cell = row * self.columns[stride] + column
        extent = np.log([face.width_px / stride, face.height_px / stride])
        self.arrays[stride, "cls"][0, cell] = cls
        self.arrays[stride, "obj"][0, cell] = obj
        self.arrays[stride, "box"][0, cell] = [x / stride - column, y / stride - row, *extent]
        self.arrays[stride, "points"][0, cell] = (face.landmarks / stride - [column, row]).reshape(-1)
        return cell

    def in_order(self) -> tuple[NDArray[np.float32], ...]:
        return tuple(self.arrays[kind] for kind in self._kinds)

    def specs(self) -> tuple[TensorSpec, ...]:
        return tuple(TensorSpec(array.shape, "float32", 0.0, 0) for array in self.in_order())


class SeeingDetector:
    """Implements Model for a detector: finds made people; keeps what it was shown last."""

    def __init__(self, width_px: int = WIDTH_PX, height_px: int = HEIGHT_PX) -> None:
        self._size = (width_px, height_px)
        self.inputs = (TensorSpec((1, height_px, width_px, 3), "uint8", 0.0, 0),)
        self.outputs = YuNetOutputs(*self._size).specs()
        self.fails_after: int | None = None
        self.runs = 0

    def run(self, tensor: NDArray[np.uint8] | NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        if tensor.shape != self.inputs[0].shape:
            raise PackShapeMismatch(f"{tensor.shape} given")
        self.runs += 1
        if self.fails_after is not None and self.runs > self.fails_after:
            raise ModelRejected("the detector's network fails, as told")
        outputs = YuNetOutputs(*self._size)
        for face in made_people(tensor[0]):
            outputs.put(8, face)
        return outputs.in_order()


def made_people(image: NDArray[np.generic]) -> list[FaceBox]:
    """The made people in a picture, by their blue."""
    found = []
    for k in range(PEOPLE_MAX):
        rows, columns = np.nonzero(image[:, :, 0] == BLUE + k)
        if len(rows) >= 64:
            left, top = int(columns.min()), int(rows.min())
            found.append(face_at(left, top, int(columns.max()) + 1 - left, int(rows.max()) + 1 - top))
    return found


class SeeingEmbedder:
    """Implements Model for an embedder: knows made people; remembers every array it handed out."""

    def __init__(self, size_px: int = ALIGNED_PX, dimension: int = DIMENSION) -> None:
        self.inputs = (TensorSpec((1, size_px, size_px, 3), "uint8", 0.0, 0),)
        self.outputs = (TensorSpec((1, dimension), "float32", 0.0, 0),)
        self.handed_out: list[NDArray[np.float32]] = []
        self.fails_after: int | None = None

    def run(self, tensor: NDArray[np.uint8] | NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        if tensor.shape != self.inputs[0].shape:
            raise PackShapeMismatch(f"{tensor.shape} given")
        if self.fails_after is not None and len(self.handed_out) >= self.fails_after:
            raise ModelRejected("the embedder's network fails, as told")
        blue = round(float(np.median(tensor[0, 12:20, 12:20, 0])))
        vector = 3 * template_of(min(max(blue - BLUE, 0), DIMENSION - 1))
        self.handed_out.append(vector)
        return (vector.reshape(1, -1),)


def residue(arrays: Sequence[NDArray[np.float32]]) -> int:
    """How many of the arrays still hold something."""
    return sum(bool(array.any()) for array in arrays)
