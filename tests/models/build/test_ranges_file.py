"""A calibration comes back from its file as it was, and anything else is refused by name."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.drivers.litert import choose_runtime
from edge.errors import GraphInvalid
from models.build.calibrate import calibrate, int8_file
from models.build.ranges_file import ranges_bytes, read_ranges
from tests.models.build.made_graphs import SIZE_PX, graph_of_every_node
from tests.models.build.pictures import pictures
from tests.models.build.test_rewrite import embedder_like

FIELDS = {
    "format": 1,
    "graph": "made",
    "calibrated_on": "drawings",
    "silent": {"x": {"channels": [1, 4], "means": [0.5, -2.0]}},
    "scales": {"x": [1.0, 0.25]},
    "spans": {"x": {"low": -1.0, "high": 3.0, "mean": [0.1]}, "y": {"low": 0.0, "high": 1.0}},
}


@pytest.mark.parametrize("graph", [graph_of_every_node(1), embedder_like(2, silent=8)], ids=["every node", "silent"])
def test_file_gives_the_weights_that_the_calibration_gave(graph):
    found = calibrate(graph, choose_runtime("auto", 1), pictures(1, 12, SIZE_PX), lambda done, total: None)
    content = ranges_bytes(graph.name, "drawings", found)
    again = read_ranges(content, graph.name, "ranges.json")
    assert int8_file(graph, again) == int8_file(graph, found)
    assert ranges_bytes(graph.name, "drawings", again) == content


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("format", 2, "format"),
        ("graph", "other", "need those of made"),
        ("colour", "grey", "colour"),
        ("scales.x", [0.0], "scales.x"),
        ("scales.x", ["wide"], "scales.x"),
        ("silent.x.channels", [4, 1], "rising"),
        ("silent.x.means", [1.0], "a mean for each"),
        ("spans.y.low", None, "spans.y.low"),
    ],
)
def test_file_with_a_mistake_is_refused_by_name(path: str, value: object, named: str):
    fields = json.loads(json.dumps(FIELDS))
    *parents, last = path.split(".")
    place = fields
    for key in parents:
        place = place[key]
    place[last] = value
    with pytest.raises(GraphInvalid, match=rf"ranges\.json: .*{named}"):
        read_ranges(json.dumps(fields).encode(), "made", "ranges.json")


def test_number_that_is_none_is_refused():
    for number in ("NaN", "Infinity", "1e999"):
        content = json.dumps(FIELDS).replace("3.0", number).encode()
        with pytest.raises(GraphInvalid):
            read_ranges(content, "made", "ranges.json")


def test_oversized_file_is_refused():
    with pytest.raises(GraphInvalid, match="need at most"):
        read_ranges(b" " * 2_000_001, "made", "ranges.json")


@settings(max_examples=100, deadline=None)
@given(place=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_any_bytes_are_ranges_or_refused(place: int, flip: int):
    broken = bytearray(json.dumps(FIELDS).encode())
    broken[place % len(broken)] ^= flip
    try:
        found = read_ranges(bytes(broken), "made", "ranges.json")
    except GraphInvalid:
        return
    assert all(np.isfinite([span.low, span.high]).all() for span in found.spans.values())
