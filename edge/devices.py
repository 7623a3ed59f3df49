"""The Protocols behind which all hardware stands; drivers implement them, mains pass them in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray


def _nothing_to_release() -> None:
    """The release of pixels that nobody else owns."""


@dataclass(frozen=True)
class CameraGeometry:
    """What a camera delivers once open. lores sizes are 0 when it has no second stream."""

    width_px: int
    height_px: int
    lores_width_px: int
    lores_height_px: int
    frames_per_s: float


@dataclass(frozen=True, eq=False)
class Capture:
    """One request of a camera. main, lores: uint8 BGR (h, w, 3), both of the same instant; lores may be None.

    taken_s: seconds on the source's time line. release: gives the buffers back; call exactly once.
    frames_skipped: frames the source passed over, unread, since the capture before this one.
    """

    main: NDArray[np.uint8]
    lores: NDArray[np.uint8] | None
    taken_s: float
    release: Callable[[], None] = _nothing_to_release
    frames_skipped: int = 0


class Camera(Protocol):
    """A source of frames: a sensor, a USB camera, a clip, a folder, a simulation."""

    name: str

    def open(self) -> CameraGeometry:
        """Start delivering; may be called again after `close`.

        Raises: CameraVanished, CameraCorrupt, CameraUnsupported.
        """

    def read(self, timeout_s: float) -> Capture | None:
        """The next frame, or None when a finite source has ended.

        Live sources return the newest frame, finite ones the next. Raises: CameraStalled when none came
        within timeout_s, CameraVanished, CameraCorrupt.
        """

    def close(self) -> None:
        """Stop and let go of the device. Harmless when not open."""


@dataclass(frozen=True)
class TensorSpec:
    """A tensor as the model file declares it: shape, numpy dtype name, quantisation (scale 0 when float)."""

    shape: tuple[int, ...]
    dtype: str
    scale: float
    zero_point: int


class Model(Protocol):
    """A loaded network, used by one thread at a time."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]

    def run(self, tensor: NDArray[np.uint8] | NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """Run on one input in real units (uint8 or float32, shape of inputs[0]); outputs in real units, float32.

        Quantising the input and dequantising the outputs is the driver's work. The returned arrays are the
        caller's own. Raises: PackShapeMismatch when the input's shape is not the model's;
        DelegateUnavailable when an accelerator fails in use.
        """


class Runtime(Protocol):
    """An inference runtime on some device. backend: library, kernels and delegate; scores differ between them."""

    name: str
    version: str
    backend: str

    def load(self, content: bytes, label: str) -> Model:
        """Load a model from its verified bytes and run it once, so that the first real frame is not the slow one.

        label: the file's name, for messages. Raises: ModelRejected, DelegateUnavailable.
        """


class Decoder(Protocol):
    """Turns a detector's raw outputs into boxes; one per network family."""

    def decode(
        self, outputs: Sequence[NDArray[np.float32]], score_min: float
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Boxes (n, 4) left, top, width, height; landmarks (n, 5, 2); scores (n,), in detector-input pixels,
        before non-maximum suppression.
        """


class SecretSlots(Protocol):
    """Two places for a secret, each of which can be destroyed, and a number that only rises.

    kind: as a deletion receipt says it (RECORDS.md 2). Every method raises VaultUnusable when the device fails.
    """

    kind: Literal["tpm-nv", "file"]

    def read(self, slot: int) -> bytes | None:
        """The 32 bytes in a slot, 0 or 1; None when there are none."""

    def write(self, slot: int, secret: bytes) -> None:
        """Put 32 bytes into an empty slot, to outlive a power cut."""

    def destroy(self, slot: int) -> None:
        """Empty a slot; harmless when it is."""

    def floor(self) -> int:
        """The highest number that was ever raised to; 0 at first."""

    def raise_floor(self, number: int) -> None:
        """Never lowers it."""
