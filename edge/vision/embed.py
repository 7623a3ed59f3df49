"""Embed: an aligned face to a template of unit length."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.devices import Model
from edge.errors import ModelRejected, PackShapeMismatch
from edge.formats.pack import EmbedderSpec
from edge.records import Template
from edge.vision.network import check_image_input


class Embedder:
    """An embedder network."""

    def __init__(self, model: Model, spec: EmbedderSpec) -> None:
        """Raises: PackShapeMismatch when the network is not what the manifest says."""
        check_image_input(model, spec.input, "embedder")
        shapes = [output.shape for output in model.outputs]
        if len(shapes) != 1 or shapes[0][0] != 1 or int(np.prod(shapes[0])) != spec.dimension:
            raise PackShapeMismatch(f"embedder: outputs {shapes}, the manifest needs one of (1, {spec.dimension})")
        self._model = model

    def embed(self, aligned: NDArray[np.uint8], quality: float, frame_id: int) -> Template:
        """The template (float32 (d,), norm 1) of an aligned face, uint8 BGR (h, w, 3).

        Raises: ModelRejected when the network answers with nothing that has a direction.
        """
        (raw,) = self._model.run(aligned[None])
        vector = raw.reshape(-1)
        norm = float(np.linalg.norm(vector))
        if not np.isfinite(norm) or norm < 1e-6:
            raise ModelRejected(f"embedder: output of norm {norm}; the weights or the accelerator are broken")
        vector /= norm
        return Template(vector, quality, frame_id)
