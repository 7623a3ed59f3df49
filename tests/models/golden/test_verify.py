"""Goldens kept, and every backend held to them and to the others."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import ValidationError

from edge.drivers.litert import choose_runtime
from edge.errors import GoldenMismatch
from edge.formats.goldens import Goldens
from models.golden.make import goldens_bytes, make_goldens
from models.golden.networks import GoldenSubject
from models.golden.report import verify_text
from models.golden.verify import NetworkReport, Run, verify_network
from tests.models.golden.subjects import lying, on, subject

PRECISIONS = ("int8", "float32")


def goldens_of(*subjects) -> Goldens:
    return make_goldens(subjects, choose_runtime("auto", 1, kernels="reference"), lambda done, total: None)


def verified(given: GoldenSubject, goldens: Goldens | None, runs: list[Run]) -> NetworkReport:
    return verify_network(given, goldens, runs, lambda: None)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_kernel_path_of_ours_is_within_tolerance_of_the_goldens_and_the_others(precision):
    given = subject(precision)
    report = verified(given, goldens_of(given), [on("reference"), on("builtin"), on("fast")])
    assert report.good
    assert report.carried
    assert [backend.backend for backend in report.backends] == ["litert-reference", "litert-builtin", "litert"]
    plain = report.backends[0]
    assert plain.golden is not None
    assert plain.golden[0].largest <= (0 if precision == "int8" else 1e-6)


def test_reference_kernels_that_no_longer_compute_the_golden_are_beyond_tolerance():
    given = subject("int8")
    lie = lying("litert-reference", 6 / 255 * 2)
    assert not verified(given, goldens_of(given), [lie]).good
    assert verified(given, None, [lie]).good


def test_backend_far_from_the_first_is_beyond_tolerance_and_named_as_the_furthest():
    report = verified(subject("int8"), None, [on("reference"), on("fast"), lying("litert+tpu", 6.0)])
    assert [backend.good for backend in report.backends] == [True, True, False]
    assert not report.good
    assert "litert+tpu" in report.apart[:2]
    assert report.apart[2] > 200
    text = verify_text([report])
    assert "BEYOND TOLERANCE" in text
    assert "furthest apart" in text


def test_float_backend_a_hundredth_off_is_beyond_tolerance():
    assert not verified(subject("float32"), None, [on("reference"), lying("litert", 0.01)]).good


def test_goldens_of_other_inputs_are_refused():
    given = subject("int8")
    other = replace(given, inputs=given.inputs[::-1])
    with pytest.raises(GoldenMismatch, match=r"conv_int8\.tflite.*lfr-models goldens"):
        verified(other, goldens_of(given), [on("reference")])


def test_network_without_a_golden_is_said_to_have_none():
    report = verified(subject("float32"), goldens_of(subject("int8")), [on("reference")])
    assert not report.carried
    assert report.good
    assert "carries no golden" in verify_text([report])


def test_goldens_are_written_and_read_as_they_are():
    made = goldens_of(subject("int8"), subject("float32"))
    assert Goldens.model_validate_json(goldens_bytes(made)) == made


@pytest.mark.parametrize(
    "change",
    [
        lambda output: output["at"].reverse(),
        lambda output: output["at"].__setitem__(-1, 10**6),
        lambda output: output["values"].pop(),
        lambda output: output.update(step=-1.0),
        lambda output: output.update(note="none"),
    ],
)
def test_goldens_that_are_none_are_refused(change):
    fields = goldens_of(subject("int8")).model_dump()
    change(fields["networks"][0]["outputs"][0])
    with pytest.raises(ValidationError):
        Goldens.model_validate(fields)


def test_two_goldens_for_the_same_weights_are_refused():
    fields = goldens_of(subject("int8")).model_dump()
    fields["networks"] *= 2
    with pytest.raises(ValidationError, match="same weights"):
        Goldens.model_validate(fields)
