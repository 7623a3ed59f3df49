"""Whether a loaded network takes the picture its manifest says it takes."""

from __future__ import annotations

from edge.devices import Model
from edge.errors import PackShapeMismatch
from edge.formats.pack import NetworkInput


def check_image_input(model: Model, spec: NetworkInput, label: str) -> None:
    """Raises: PackShapeMismatch, with the shape found and the shape needed."""
    needed = (1, spec.height_px, spec.width_px, 3)
    found = [tensor.shape for tensor in model.inputs]
    if found != [needed]:
        raise PackShapeMismatch(f"{label}: takes {found}, the manifest says {needed}")
