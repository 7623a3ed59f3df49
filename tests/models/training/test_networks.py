"""The networks are what their pack will say, and what is exported computes what was trained."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from edge.devices import TensorSpec  # noqa: E402
from edge.drivers.litert import choose_runtime  # noqa: E402
from edge.vision.yunet import YuNetDecoder  # noqa: E402
from models.build.tensors import float_tensors  # noqa: E402
from models.build.tflite_writer import write_tflite  # noqa: E402
from models.training.detector_loss import decode_boxes, detector_loss  # noqa: E402
from models.training.detector_net import FIELDS, DetectorNet  # noqa: E402
from models.training.detector_targets import FACE, targets_of  # noqa: E402
from models.training.embedder_net import EmbedderNet  # noqa: E402
from models.training.export import detector_graph, embedder_graph  # noqa: E402
from models.training.layers import parameter_count  # noqa: E402


def used(network):  # type: ignore[no-untyped-def]
    """With statistics of its own, as after some training."""
    torch.set_num_threads(1)
    torch.manual_seed(3)
    network.train()
    size = (64, 64) if isinstance(network, EmbedderNet) else (64, 96)
    for _ in range(2):
        network(255 * torch.rand(4, 3, *size))
    return network.eval()


def test_the_networks_keep_to_their_size() -> None:
    assert parameter_count(DetectorNet()) <= 100_000
    assert parameter_count(EmbedderNet()) <= 1_000_000


def test_an_exported_embedder_computes_the_same() -> None:
    network = used(EmbedderNet())
    graph = embedder_graph(network)
    model = choose_runtime("litert", 1).load(write_tflite(graph, float_tensors(graph)), "embedder")
    image = np.random.default_rng(1).integers(0, 256, (1, 64, 64, 3), dtype=np.uint8)
    (template,) = model.run(image)
    with torch.no_grad():
        wanted = network(torch.from_numpy(image).permute(0, 3, 1, 2).float()).numpy()
    np.testing.assert_allclose(template, wanted, atol=1e-4 * np.abs(wanted).max())


def test_an_exported_detector_computes_the_same_and_is_read_by_the_decoder() -> None:
    exported_computes_the_same(used(DetectorNet()))


def exported_computes_the_same(network: DetectorNet) -> None:
    graph = detector_graph(network, 96, 64)
    model = choose_runtime("litert", 1).load(write_tflite(graph, float_tensors(graph)), "detector")
    YuNetDecoder(96, 64, model.outputs)
    image = np.random.default_rng(1).integers(0, 256, (1, 64, 96, 3), dtype=np.uint8)
    found = {output.shape: [] for output in model.outputs}
    for spec, output in zip(model.outputs, model.run(image), strict=True):
        found[spec.shape].append(output)
    with torch.no_grad():
        wanted = network(torch.from_numpy(image).permute(0, 3, 1, 2).float())
    for output, stride in zip(wanted, (8, 16, 32), strict=True):
        cells = 96 * 64 // stride**2
        for field in ("box", "landmarks"):
            laid = output[field].permute(0, 2, 3, 1).reshape(1, cells, FIELDS[field]).numpy()
            np.testing.assert_allclose(found[(1, cells, FIELDS[field])][0], laid, atol=1e-4)
        shares = sorted(float(torch.sigmoid(output[field]).max()) for field in ("face", "fit"))
        assert sorted(float(one.max()) for one in found[(1, cells, 1)]) == pytest.approx(shares, abs=1e-5)


def test_a_detector_begun_with_one_that_refines_nothing_computes_the_same() -> None:
    given = used(DetectorNet())
    state = {name: value for name, value in given.state_dict().items() if not name.startswith("refine.")}
    begun = DetectorNet().eval()
    begun.begin_with(state)
    image = 255 * torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        for one, other in zip(begun(image), given(image), strict=True):
            for field in FIELDS:
                torch.testing.assert_close(one[field], other[field])


def test_a_refined_detector_is_exported_as_it_computes() -> None:
    network = DetectorNet()
    torch.nn.init.normal_(network.refine.pointwise.weight, std=0.05)
    exported_computes_the_same(used(network))


def test_landmarks_of_a_face_below_full_width_count_in_proportion_to_it() -> None:
    boxes = np.array([[[30, 20, 24, 26]]], np.float32)
    targets = targets_of(np.array([[FACE]], np.int8), boxes, np.zeros((1, 1, 5, 2), np.float32), 64, 96)
    with torch.no_grad():
        outputs = used(DetectorNet())(255 * torch.rand(1, 3, 64, 96))
    counted = [float(detector_loss(outputs, targets, full_px)["landmarks"]) for full_px in (0.0, 24.0, 48.0)]
    assert counted[1] == pytest.approx(counted[0])
    assert counted[2] == pytest.approx(counted[0] / 2)


def test_training_decodes_boxes_as_the_van_does() -> None:
    rng = np.random.default_rng(5)
    shapes = [(1, cells, width) for width in (1, 1, 4, 10) for cells in (96, 24, 6)]
    outputs = [rng.normal(0, 0.5, shape).astype(np.float32) for shape in shapes]
    for place in range(6):
        outputs[place] = np.full(shapes[place], 0.9 if shapes[place][1] == 96 else 0.0, np.float32)
    decoder = YuNetDecoder(96, 64, [TensorSpec(shape, "float32", 0.0, 0) for shape in shapes])
    boxes, _, _ = decoder.decode(outputs, 0.5)
    cells = torch.tensor([(column, row) for row in range(8) for column in range(12)]).float()
    wanted = decode_boxes(torch.from_numpy(outputs[6].reshape(-1, 4)), cells, 8)
    np.testing.assert_allclose(boxes, wanted.numpy(), rtol=1e-4, atol=1e-4)


def test_right_answers_cost_little_and_wrong_ones_much() -> None:
    boxes = np.array([[[30, 20, 24, 26]]], np.float32)
    landmarks = np.array([[[[36, 28], [48, 28], [42, 34], [37, 40], [47, 40]]]], np.float32)
    targets = targets_of(np.array([[FACE]], np.int8), boxes, landmarks, 64, 96)
    right, wrong = [], []
    for target, stride in zip(targets, (8, 16, 32), strict=True):
        rows, columns = 64 // stride, 96 // stride
        y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
        owns = torch.from_numpy(target.owns)[:, None]
        box = torch.stack(
            [42 / stride - x, 33 / stride - y, *(torch.full(x.shape, np.log(s / stride)) for s in (24, 26))]
        )
        marks = torch.stack(
            [v / stride - (y if axis else x) for point in landmarks[0, 0] for axis, v in enumerate(point)]
        )
        fields = {"face": 20 * owns - 10, "fit": 10 * owns, "box": box[None].float(), "landmarks": marks[None].float()}
        right.append(fields)
        wrong.append({**fields, "face": -fields["face"]})
    assert float(detector_loss(right, targets)["loss"]) < 0.05
    assert float(detector_loss(wrong, targets)["loss"]) > 5
