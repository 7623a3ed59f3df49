"""Embed: templates of unit length, of the pack's dimension, or a refusal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.devices import TensorSpec
from edge.drivers.litert import choose_runtime
from edge.errors import ModelRejected, PackShapeMismatch
from edge.records import Frame
from edge.trust.packs import open_pack
from edge.vision.embed import Embedder
from edge.vision.enrol import load_networks, read_photograph
from tests.reference import reference_dir
from tests.vision.made import ALIGNED_PX, DIMENSION, SeeingEmbedder, embedder_spec

FACE = np.zeros((ALIGNED_PX, ALIGNED_PX, 3), np.uint8)


class Answering:
    """An embedder's network with a fixed answer."""

    def __init__(self, answer: np.ndarray, shape: tuple[int, ...] = (1, DIMENSION)) -> None:
        self.inputs = (TensorSpec((1, ALIGNED_PX, ALIGNED_PX, 3), "uint8", 0.0, 0),)
        self.outputs = (TensorSpec(shape, "float32", 0.0, 0),)
        self._answer = answer

    def run(self, tensor):
        assert tensor.shape == (1, ALIGNED_PX, ALIGNED_PX, 3)
        return (self._answer.reshape(self.outputs[0].shape).copy(),)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("length", [1e-3, 1.0, 1e4])
def test_template_has_unit_length_and_the_networks_direction(seed, length):
    answer = np.random.default_rng(seed).normal(0, length, DIMENSION).astype(np.float32)
    template = Embedder(Answering(answer), embedder_spec()).embed(FACE, 0.7, 12)
    assert np.linalg.norm(template.vector) == pytest.approx(1, abs=1e-6)
    assert float(template.vector @ answer) == pytest.approx(float(np.linalg.norm(answer)), rel=1e-5)
    assert (template.vector.shape, template.vector.dtype) == ((DIMENSION,), np.float32)
    assert (template.quality, template.frame_id) == (0.7, 12)


@pytest.mark.parametrize("shape", [(1, DIMENSION), (1, 1, 1, DIMENSION), (1, DIMENSION, 1, 1)])
def test_networks_that_keep_spatial_axes_are_taken(shape):
    template = Embedder(Answering(np.ones(DIMENSION, np.float32), shape), embedder_spec()).embed(FACE, 1.0, 0)
    assert template.vector.shape == (DIMENSION,)


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_an_output_without_direction_is_refused(value):
    network = Answering(np.full(DIMENSION, value, np.float32))
    with pytest.raises(ModelRejected, match="norm"):
        Embedder(network, embedder_spec()).embed(FACE, 1.0, 0)


@pytest.mark.parametrize("shape", [(1, DIMENSION + 1), (2, DIMENSION // 2), (DIMENSION,), (1, 3, DIMENSION)])
def test_network_of_another_template_size_is_refused(shape):
    with pytest.raises(PackShapeMismatch, match="outputs"):
        Embedder(Answering(np.ones(int(np.prod(shape)), np.float32), shape), embedder_spec())


def test_network_with_two_outputs_is_refused():
    network = SeeingEmbedder()
    network.outputs *= 2
    with pytest.raises(PackShapeMismatch):
        Embedder(network, embedder_spec())


def test_network_for_another_input_is_refused():
    with pytest.raises(PackShapeMismatch, match="takes"):
        Embedder(SeeingEmbedder(), embedder_spec(size_px=64))


@pytest.mark.real
def test_int8_and_float_give_nearly_the_same_template_of_a_real_face(street_pack_dir: Path):
    runtime = choose_runtime("auto", 1)
    int8, float32 = (load_networks(open_pack(street_pack_dir, each), runtime) for each in ("int8", "float32"))
    image = read_photograph(reference_dir("footage", "four-faces.jpg"))
    faces = int8.detector.detect(Frame(0, image, None, 0.0, 0.0))
    alike = []
    for face in faces:
        aligned = int8.aligner.align(image, face.landmarks)
        vectors = [networks.embedder.embed(aligned, 1.0, 0).vector for networks in (int8, float32)]
        assert [vector.shape for vector in vectors] == [(256,), (256,)]
        alike.append(float(vectors[0] @ vectors[1]))
    assert np.mean(alike) > 0.97
