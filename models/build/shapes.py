"""The shape of every tensor of a graph, worked out from its input; what does not fit together is refused."""

from __future__ import annotations

from edge.errors import GraphInvalid
from models.build.graph import (
    Binary,
    Conv,
    DepthwiseConv,
    Graph,
    Leaky,
    Mean,
    Node,
    Pad,
    Padding,
    Pool,
    Prelu,
    Reshape,
    Shape,
    Unary,
    Upsample,
    operands_of,
    strides_of,
)


def shapes_of(graph: Graph) -> dict[str, Shape]:
    """Tensor name to shape, the input and every node's output. Raises: GraphInvalid, naming the node."""
    if len(graph.input_shape) != 4 or graph.input_shape[0] != 1 or min(graph.input_shape) < 1:
        raise GraphInvalid(f"{graph.name}: input of shape {graph.input_shape}, need (1, height, width, channels)")
    known: dict[str, Shape] = {graph.input: graph.input_shape}
    for node in graph.nodes:
        missing = [name for name in operands_of(node) if name not in known and name not in graph.constants]
        if missing:
            raise GraphInvalid(f"{graph.name}: {node.output} needs {', '.join(missing)}, which nothing before it makes")
        if node.output in known or node.output in graph.constants:
            raise GraphInvalid(f"{graph.name}: {node.output} is made twice")
        shape = _shape_of(graph, node, known)
        if min(shape, default=0) < 1:
            raise GraphInvalid(f"{graph.name}: {node.output} would be of shape {shape}: nothing is left of it")
        known[node.output] = shape
    absent = [name for name in graph.outputs if name not in known]
    if absent or not graph.outputs:
        raise GraphInvalid(f"{graph.name}: its outputs {graph.outputs} are not all made by a node: {absent}")
    return known


def _shape_of(graph: Graph, node: Node, known: dict[str, Shape]) -> Shape:
    match node:
        case Conv() | DepthwiseConv():
            return _convolved(graph, node, known[node.input])
        case Prelu():
            shape = known[node.input]
            slopes = _constant(graph, node, node.slopes)
            _need(graph, node, slopes == (1, 1, shape[-1]), f"slopes (1, 1, {shape[-1]}), found {slopes}")
            return shape
        case Unary() | Leaky():
            return known[node.input]
        case Binary():
            _need(graph, node, node.left in known, "a tensor on the left, not a constant")
            right = graph.constants[node.right].shape if node.right in graph.constants else known[node.right]
            return _broadcast(graph, node, known[node.left], right)
        case Pool():
            rows, columns, channels = _picture(graph, node, known[node.input])
            sides = (rows, node.size[0]), (columns, node.size[1])
            height, width = (_windows(side, size, node.stride, node.padding) for side, size in sides)
            return (1, height, width, channels)
        case Mean():
            return (1, 1, 1, _picture(graph, node, known[node.input])[2])
        case Pad():
            rows, columns, channels = _picture(graph, node, known[node.input])
            _need(graph, node, min(node.top, node.bottom, node.left, node.right) >= 0, "no negative padding")
            return (1, rows + node.top + node.bottom, columns + node.left + node.right, channels)
        case Upsample():
            rows, columns, channels = _picture(graph, node, known[node.input])
            return (1, 2 * rows, 2 * columns, channels)
        case Reshape():
            _need(graph, node, _size(node.shape) == _size(known[node.input]), f"{_size(known[node.input])} numbers")
            return node.shape


def _convolved(graph: Graph, node: Conv | DepthwiseConv, shape: Shape) -> Shape:
    rows, columns, channels = _picture(graph, node, shape)
    weights, bias = _constant(graph, node, node.weights), _constant(graph, node, node.bias)
    _need(graph, node, len(weights) == 4, f"weights of four dimensions, found {weights}")
    if isinstance(node, Conv):
        filters = weights[0]
        _need(graph, node, weights[3] == channels, f"weights for {channels} channels, found {weights}")
    else:
        filters = weights[3]
        fits = weights[0] == 1 and filters % channels == 0
        _need(graph, node, fits, f"weights (1, rows, columns, a multiple of {channels}), found {weights}")
    _need(graph, node, bias == (filters,), f"a bias for each of {filters} filters")
    row_stride, column_stride = strides_of(node)
    height = _windows(rows, weights[1], row_stride, node.padding)
    width = _windows(columns, weights[2], column_stride, node.padding)
    return (1, height, width, filters)


def _constant(graph: Graph, node: Node, name: str) -> Shape:
    _need(graph, node, name in graph.constants, f"{name} as a constant")
    return graph.constants[name].shape


def _windows(length: int, size: int, stride: int, padding: Padding) -> int:
    """How many windows fit along a side (TFLite's arithmetic)."""
    return -(-length // stride) if padding == "same" else -(-(length - size + 1) // stride)


def _picture(graph: Graph, node: Node, shape: Shape) -> tuple[int, int, int]:
    _need(graph, node, len(shape) == 4, f"a picture (1, rows, columns, channels), found {shape}")
    return shape[1], shape[2], shape[3]


def _broadcast(graph: Graph, node: Node, left: Shape, right: Shape) -> Shape:
    long, short = (left, right) if len(left) >= len(right) else (right, left)
    short = (1,) * (len(long) - len(short)) + short
    fits = all(a == b or 1 in (a, b) for a, b in zip(long, short, strict=True))
    _need(graph, node, fits, f"two shapes that broadcast, found {left} and {right}")
    return tuple(max(a, b) for a, b in zip(long, short, strict=True))


def _size(shape: Shape) -> int:
    size = 1
    for side in shape:
        size *= side
    return size


def _need(graph: Graph, node: Node, fits: bool, needed: str) -> None:
    if not fits:
        raise GraphInvalid(f"{graph.name}: {node.output} ({type(node).__name__}): need {needed}")
