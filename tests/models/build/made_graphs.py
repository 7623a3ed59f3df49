"""Small graphs with random weights, one for each kind of node, for the tests of the builder."""

from __future__ import annotations

import numpy as np

from models.build.graph import (
    Binary,
    Conv,
    DepthwiseConv,
    Graph,
    Leaky,
    Mean,
    Node,
    Pad,
    Pool,
    Prelu,
    Reshape,
    Unary,
    Upsample,
)

SIZE_PX = 16


def graph_of_every_node(seed: int) -> Graph:
    """(1, 16, 16, 3) to two outputs, through each kind of node at least once."""
    random = np.random.default_rng(seed)
    nodes: tuple[Node, ...] = (
        Pad("padded", "picture", 1, 1, 1, 1),
        Conv("first", "padded", "w1", "b1", stride=2, padding="valid"),
        Prelu("bent", "first", "slopes"),
        DepthwiseConv("deep", "bent", "w2", "b2", activation="relu"),
        Conv("wide", "deep", "w3", "b3"),
        Binary("sum", "wide", "bent", "add", activation="relu"),
        Unary("kept", "sum", "relu6"),
        Pool("half", "kept", "max", (2, 2), stride=2),
        Upsample("double", "half"),
        Binary("difference", "double", "sum", "sub"),
        Pool("mean", "difference", "average", (8, 8)),
        Mean("whole", "difference"),
        Binary("both", "mean", "whole", "add"),
        Leaky("leaked", "both", -1.5),
        Unary("gate", "leaked", "logistic"),
        Binary("gated", "difference", "gate", "mul"),
        Binary("scaled", "gated", "factors", "mul"),
        Binary("highest", "scaled", "gated", "maximum"),
        Unary("positive", "highest", "relu"),
        Reshape("flat", "positive", (1, 64, 8)),
        Conv("odd", "highest", "w4", "b4", stride=2, padding="same", activation="relu6"),
    )
    constants = {
        "w1": random.normal(0, 0.01, (8, 3, 3, 3)),
        "b1": random.normal(0, 0.5, 8),
        "slopes": random.uniform(-0.2, 0.9, (1, 1, 8)),
        "w2": random.normal(0, 0.4, (1, 3, 3, 8)),
        "b2": random.normal(0, 0.1, 8),
        "w3": random.normal(0, 0.5, (8, 1, 1, 8)),
        "b3": random.normal(0, 0.1, 8),
        "factors": random.uniform(0.5, 1.5, (1, 1, 8)),
        "w4": random.normal(0, 0.3, (4, 3, 3, 8)),
        "b4": random.normal(0, 0.1, 4),
    }
    return Graph(
        name="every-node",
        input="picture",
        input_shape=(1, SIZE_PX, SIZE_PX, 3),
        nodes=nodes,
        constants={name: value.astype(np.float32) for name, value in constants.items()},
        outputs=("flat", "odd"),
    )
