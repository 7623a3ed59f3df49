"""How each tensor of a graph is written into a file: its type, its scales, and a constant's numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from models.build.graph import Graph, Shape
from models.build.shapes import shapes_of

Kind = Literal["float32", "int8", "int32"]


@dataclass(frozen=True)
class Tensor:
    """A tensor of a file. data: a constant's numbers, of `kind`; None for what the network computes.

    scales, zero_points: real = scale * (q - zero point); one of each, or one for each index of `axis`; empty for
    float32.
    """

    shape: Shape
    kind: Kind
    scales: tuple[float, ...] = ()
    zero_points: tuple[int, ...] = ()
    axis: int = 0
    data: NDArray[Any] | None = None


def float_tensors(graph: Graph) -> dict[str, Tensor]:
    """Every tensor as float32: the picture 0..255, as it comes. Raises: GraphInvalid."""
    tensors = {name: Tensor(shape, "float32") for name, shape in shapes_of(graph).items()}
    for name, constant in graph.constants.items():
        data = np.ascontiguousarray(constant, np.float32)
        tensors[name] = Tensor(data.shape, "float32", data=data)
    return tensors
