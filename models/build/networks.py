"""The upstream networks as graphs: as they came, for float32; and rewritten for int8."""

from __future__ import annotations

from edge.formats.pack import NetworkInput
from models.build.graph import Graph
from models.build.pairing import pair_columns
from models.build.read_onnx import read_onnx
from models.build.read_openvino import read_openvino
from models.build.rewrite import fold_normalisation, fuse_activations, leak

DETECTOR, EMBEDDER = "detector", "embedder"


def read_detector(onnx: bytes, shown: NetworkInput) -> Graph:
    """The detector for pictures of one size. Raises: GraphInvalid."""
    return fuse_activations(read_onnx(DETECTOR, onnx, shown.width_px, shown.height_px))


def read_embedder(xml: bytes, weights: bytes) -> Graph:
    """The embedder. Raises: GraphInvalid."""
    return read_openvino(EMBEDDER, xml, weights)


def prepare(graph: Graph) -> Graph:
    """A network in the operators that have fast int8 kernels."""
    return pair_columns(leak(fold_normalisation(graph)))
