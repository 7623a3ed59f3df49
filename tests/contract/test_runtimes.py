"""What every inference runtime must keep; run once under ai-edge-litert and once under tflite-runtime.

Imports nothing but numpy, pytest and the driver, since the second environment has nothing else.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from edge.drivers.litert import LiteRtRuntime, choose_runtime
from edge.errors import DelegateUnavailable, ModelRejected, PackShapeMismatch, RuntimeUnavailable
from tests.tiny.network import (
    CAMERA,
    INPUT_SHAPE,
    OUTPUT_SHAPE,
    SCALED,
    Quantisation,
    convolve,
    convolve_quantised,
    picture,
)

pytestmark = pytest.mark.runtime

TINY = Path(__file__).resolve().parents[1] / "tiny"
SHARED_MODELS = Path(__file__).resolve().parents[3] / "shared" / "models"
QUANTISED = {"conv_int8.tflite": CAMERA, "conv_int8_scaled.tflite": SCALED}
EVERY = ("conv_float32.tflite", *QUANTISED)


@pytest.fixture(scope="module")
def runtime() -> LiteRtRuntime:
    return choose_runtime("auto", 1)


def load(runtime: LiteRtRuntime, name: str):
    return runtime.load((TINY / name).read_bytes(), name)


def test_runtime_says_what_it_is(runtime):
    assert runtime.name in ("ai-edge-litert", "tflite-runtime")
    assert runtime.version == importlib.metadata.version(runtime.name)


def test_float_model_declares_its_tensors(runtime):
    model = load(runtime, "conv_float32.tflite")
    assert [(s.shape, s.dtype, s.scale) for s in model.inputs] == [(INPUT_SHAPE, "float32", 0.0)]
    assert [(s.shape, s.dtype, s.scale) for s in model.outputs] == [(OUTPUT_SHAPE, "float32", 0.0)]


@pytest.mark.parametrize(("name", "by"), QUANTISED.items())
def test_int8_model_declares_its_tensors(runtime, name: str, by: Quantisation):
    model = load(runtime, name)
    (image,), (features,) = model.inputs, model.outputs
    assert (image.shape, image.dtype, image.zero_point) == (INPUT_SHAPE, "int8", by.input_zero_point)
    assert image.scale == pytest.approx(by.input_scale)
    assert (features.shape, features.dtype, features.zero_point) == (OUTPUT_SHAPE, "int8", by.output_zero_point)
    assert features.scale == pytest.approx(by.output_scale)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_float_model_computes_its_network(runtime, dtype):
    model = load(runtime, "conv_float32.tflite")
    for seed in range(20):
        image = picture(seed)
        (features,) = model.run(image.astype(dtype))
        assert features.dtype == np.float32
        expected = convolve(image)
        assert 0 < expected.mean() < 6
        np.testing.assert_allclose(features, expected, atol=1e-4)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize(("name", "by"), QUANTISED.items())
def test_int8_model_computes_its_network_within_one_step(runtime, name: str, by: Quantisation, dtype):
    model = load(runtime, name)
    for seed in range(20):
        image = picture(seed)
        (features,) = model.run(image.astype(dtype))
        assert features.dtype == np.float32
        assert np.abs(features - convolve_quantised(image, by)).max() <= by.output_scale * 1.001


def test_float_input_is_rounded_and_clamped_to_the_int8_range(runtime):
    model = load(runtime, "conv_int8_scaled.tflite")
    image = np.random.default_rng(7).uniform(-200, 900, INPUT_SHAPE).astype(np.float32)
    (features,) = model.run(image)
    assert np.abs(features - convolve_quantised(image, SCALED)).max() <= SCALED.output_scale * 1.001


@pytest.mark.parametrize("name", EVERY)
def test_a_picture_that_is_a_view_into_a_larger_one_runs_the_same(runtime, name: str):
    model = load(runtime, name)
    larger = np.random.default_rng(8).integers(0, 256, (1, 16, 16, 3), np.uint8)
    view = larger[:, ::-2, 1:9, ::-1]
    np.testing.assert_array_equal(model.run(view)[0], model.run(np.ascontiguousarray(view))[0])


@pytest.mark.parametrize("name", EVERY)
def test_input_is_left_as_it_was(runtime, name: str):
    image = picture(3)
    load(runtime, name).run(image)
    np.testing.assert_array_equal(image, picture(3))


@pytest.mark.parametrize("name", EVERY)
def test_outputs_are_the_callers_own(runtime, name: str):
    model = load(runtime, name)
    (first,) = model.run(picture(1))
    kept = first.copy()
    (second,) = model.run(picture(2))
    np.testing.assert_array_equal(first, kept)
    assert not np.array_equal(first, second)
    first[:] = -1
    np.testing.assert_array_equal(second, model.run(picture(2))[0])


@pytest.mark.parametrize("name", EVERY)
def test_two_models_do_not_disturb_each_other(runtime, name: str):
    one, other = load(runtime, name), load(runtime, name)
    (before,) = one.run(picture(1))
    other.run(picture(2))
    np.testing.assert_array_equal(one.run(picture(1))[0], before)


@pytest.mark.parametrize("name", EVERY)
def test_more_threads_give_the_same_result(runtime, name: str):
    threaded = load(choose_runtime("auto", 3), name)
    np.testing.assert_allclose(threaded.run(picture(4))[0], load(runtime, name).run(picture(4))[0], atol=0.03)


@pytest.mark.parametrize(
    "shape",
    [(8, 8, 3), (1, 8, 8, 1), (1, 3, 8, 8), (2, 8, 8, 3), (1, 16, 16, 3)],
    ids=lambda s: "x".join(map(str, s)),
)
@pytest.mark.parametrize("name", EVERY)
def test_wrong_shape_is_refused_and_the_model_still_runs(runtime, name: str, shape):
    model = load(runtime, name)
    (before,) = model.run(picture(5))
    with pytest.raises(PackShapeMismatch, match=rf"{name}.*\(1, 8, 8, 3\)"):
        model.run(np.zeros(shape, np.uint8))
    np.testing.assert_array_equal(model.run(picture(5))[0], before)


@pytest.mark.parametrize("dtype", [np.float64, np.int8, np.uint16, bool])
def test_wrong_kind_of_number_is_refused(runtime, dtype):
    with pytest.raises(PackShapeMismatch, match=r"need .* uint8 or float32"):
        load(runtime, "conv_int8.tflite").run(np.zeros(INPUT_SHAPE, dtype))


class _CountedInterpreters:
    """The installed interpreter's module, with each invocation counted."""

    def __init__(self, runtime: LiteRtRuntime) -> None:
        self.invocations = 0
        counter = self

        class Counted(runtime._interpreter.Interpreter):
            def invoke(self) -> None:
                counter.invocations += 1
                super().invoke()

        self.Interpreter = Counted
        self.OpResolverType = runtime._interpreter.OpResolverType


@pytest.mark.parametrize(("kernels", "suffix"), [("fast", ""), ("builtin", "-builtin"), ("reference", "-reference")])
def test_every_kernel_path_computes_the_same_network_under_a_name_of_its_own(runtime, kernels, suffix: str):
    kind = "litert" if runtime.name == "ai-edge-litert" else runtime.name
    other = choose_runtime(kind, 1, kernels=kernels)
    assert other.backend == kind + suffix
    model = load(other, "conv_int8.tflite")
    (found,), (needed,) = model.run(picture(1)), load(runtime, "conv_int8.tflite").run(picture(1))
    assert np.abs(found - needed).max() <= 2 * model.outputs[0].scale


def test_model_has_run_once_when_loaded(runtime):
    counted = _CountedInterpreters(runtime)
    kind = "litert" if runtime.name == "ai-edge-litert" else runtime.name
    model = load(LiteRtRuntime(kind, counted, 1, None, {}), "conv_int8.tflite")
    assert counted.invocations == 1
    model.run(picture(1))
    assert counted.invocations == 2


@pytest.mark.parametrize("content", [b"", b"\0", b"GIF89a" * 200, b"\0\0\0\0TFL2" + bytes(500)])
def test_garbage_is_refused_with_the_files_name(runtime, content: bytes):
    with pytest.raises(ModelRejected, match="weights-of-nobody"):
        runtime.load(content, "weights-of-nobody")


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.99])
def test_truncated_model_is_refused_with_the_files_name(runtime, share: float):
    if runtime.name == "tflite-runtime":
        pytest.skip("tflite-runtime 2.14 crashes on a truncated file: the pack's hash check stands before it")
    content = (TINY / "conv_float32.tflite").read_bytes()
    with pytest.raises(ModelRejected, match="cut-short"):
        runtime.load(content[: int(len(content) * share)], "cut-short")


def test_model_of_an_absent_accelerator_is_refused_and_says_so(runtime):
    with pytest.raises(ModelRejected, match=r"custom_op\.tflite.*accelerator-of-nobody.*delegate"):
        load(runtime, "custom_op.tflite")


def test_edge_tpu_model_without_its_delegate_is_refused_and_says_so(runtime):
    files = sorted(SHARED_MODELS.glob("edgetpu/*.tflite"))
    if not files:
        pytest.skip("reference material models/edgetpu is not beside the project")
    for path in files:
        with pytest.raises(ModelRejected, match=r"edgetpu-custom-op.*delegate"):
            runtime.load(path.read_bytes(), path.name)


def test_missing_delegate_is_refused_by_name():
    with pytest.raises(DelegateUnavailable, match=r"libnothing\.so\.1.*check"):
        choose_runtime("auto", 1, "libnothing.so.1")


@pytest.mark.skipif(sys.platform != "linux", reason="names a Linux library")
def test_library_that_is_no_delegate_is_refused_by_name():
    with pytest.raises(DelegateUnavailable, match=r"libc\.so\.6.*not a TFLite external delegate"):
        choose_runtime("auto", 1, "libc.so.6")


def test_file_that_is_no_library_is_refused_by_name(tmp_path: Path):
    path = tmp_path / "libtext.so"
    path.write_text("no library\n")
    with pytest.raises(DelegateUnavailable, match=r"libtext\.so"):
        choose_runtime("auto", 1, str(path))


def test_runtime_that_is_not_installed_is_refused_and_says_what_to_install(runtime):
    absent = "tflite-runtime" if runtime.name == "ai-edge-litert" else "litert"
    if absent == "tflite-runtime" and importlib.util.find_spec("tflite_runtime"):
        pytest.skip("both runtimes are installed")
    with pytest.raises(RuntimeUnavailable, match="pip install"):
        choose_runtime(absent, 1)


def test_no_runtime_at_all_is_refused_and_says_what_to_install(monkeypatch):
    for module in ("ai_edge_litert", "tflite_runtime"):
        monkeypatch.setitem(sys.modules, f"{module}.interpreter", None)
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(RuntimeUnavailable, match="install ai-edge-litert"):
        choose_runtime("auto", 1)
