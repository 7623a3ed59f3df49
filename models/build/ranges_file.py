"""A calibration as a file: JSON of our own, one tensor a line, and back; what it must hold is checked."""

from __future__ import annotations

import json
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, model_validator

from edge.errors import GraphInvalid
from models.build.calibrate import Calibration
from models.build.quantise import Span
from models.build.silence import Silent

FILE_MAX_BYTES = 2_000_000

_Scale = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Silent(_Part):
    channels: list[Annotated[int, Field(ge=0, le=65535)]]
    means: list[FiniteFloat]

    @model_validator(mode="after")
    def _one_mean_each(self) -> _Silent:
        if len(self.channels) != len(self.means) or self.channels != sorted(set(self.channels)):
            raise ValueError("need rising channels, and a mean for each")
        return self


class _Span(_Part):
    low: FiniteFloat
    high: FiniteFloat
    mean: list[FiniteFloat] | None = None


class _File(_Part):
    format: Annotated[int, Field(ge=1, le=1)]
    graph: str
    calibrated_on: Annotated[str, Field(min_length=1, max_length=400)]
    silent: dict[str, _Silent]
    scales: dict[str, list[_Scale]]
    spans: dict[str, _Span]


def ranges_bytes(graph: str, calibrated_on: str, calibration: Calibration) -> bytes:
    """The file. graph: the network's name; calibrated_on: which pictures, for people."""
    fields = {
        "format": 1,
        "graph": graph,
        "calibrated_on": calibrated_on,
        "silent": {name: {"channels": each.channels, "means": each.means} for name, each in calibration.silent.items()},
        "scales": {name: each.tolist() for name, each in calibration.scales.items()},
        "spans": {name: _span(each) for name, each in calibration.spans.items()},
    }
    lines = []
    for key, value in fields.items():
        if isinstance(value, dict) and value:
            inner = ",\n".join(f"  {json.dumps(name)}: {json.dumps(each)}" for name, each in value.items())
            lines.append(f'"{key}": {{\n{inner}\n }}')
        else:
            lines.append(f'"{key}": {json.dumps(value)}')
    return ("{\n " + ",\n ".join(lines) + "\n}\n").encode()


def read_ranges(content: bytes, graph: str, where: str) -> Calibration:
    """A file's calibration, of the graph so named. Raises: GraphInvalid, naming the file."""
    if len(content) > FILE_MAX_BYTES:
        raise GraphInvalid(f"{where}: {len(content)} bytes, need at most {FILE_MAX_BYTES}")
    try:
        file = _File.model_validate_json(content)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()[:4])
        raise GraphInvalid(f"{where}: no ranges of a network: {faults}") from None
    if file.graph != graph:
        raise GraphInvalid(f"{where}: the ranges are of {file.graph}, need those of {graph}")
    return Calibration(
        {name: Silent(tuple(each.channels), tuple(each.means)) for name, each in file.silent.items()},
        {name: np.array(each) for name, each in file.scales.items()},
        {name: Span(e.low, e.high, None if e.mean is None else np.array(e.mean)) for name, e in file.spans.items()},
    )


def _span(span: Span) -> dict[str, object]:
    mean = {} if span.mean is None else {"mean": span.mean.tolist()}
    return {"low": span.low, "high": span.high, **mean}
