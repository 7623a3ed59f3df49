"""Residual streams: tensors joined by ADD and by gates, whose channels can be scaled together or not at all.

Every convolution that writes into a stream divides its filters, every one that reads it multiplies its weights. In
between stand only nodes that are positively homogeneous, f(s x) = s f(x) for s > 0, channel by channel.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.build.graph import Binary, Conv, DepthwiseConv, Graph, Leaky, Mean, Node, Pad, Pool, Prelu, Unary, Upsample
from models.build.shapes import shapes_of


@dataclass(frozen=True)
class Stream:
    """Tensors in the order in which they are made; the first is its name. writers, readers: the convolutions."""

    tensors: tuple[str, ...]
    writers: tuple[Conv | DepthwiseConv, ...]
    readers: tuple[Conv | DepthwiseConv, ...]


def streams_of(graph: Graph) -> tuple[Stream, ...]:
    """Every stream with a sum of two tensors in it that convolutions alone write and read."""
    joins = _joins(graph)
    found: list[Stream] = []
    seen: set[str] = set()
    for node in graph.nodes:
        if isinstance(node, Binary) and node.kind == "add" and node.output not in seen:
            tensors = _tied(joins, node.output)
            seen |= tensors
            stream = _closed(graph, tensors)
            if stream is not None:
                found.append(stream)
    return tuple(found)


def tied_by(graph: Graph, node: Node) -> tuple[str, ...]:
    """The tensors whose channels a node passes on as they are, its output first; none where it is no such node."""
    match node:
        case Binary(kind="mul", activation="none" | "relu"):
            return (node.output, node.left)
        case Binary(kind="add" | "sub" | "maximum", activation="none" | "relu"):
            return (node.output, node.left, node.right) if node.right not in graph.constants else ()
        case Unary(kind="relu") | Leaky() | Mean() | Pad() | Pool() | Prelu() | Upsample():
            return (node.output, node.input)
        case _:
            return ()


def _joins(graph: Graph) -> dict[str, set[str]]:
    joins: dict[str, set[str]] = {}
    for node in graph.nodes:
        tied = tied_by(graph, node)
        for name in tied:
            joins.setdefault(name, set()).update(tied)
    return joins


def _tied(joins: dict[str, set[str]], start: str) -> set[str]:
    tied, waiting = set(), [start]
    while waiting:
        name = waiting.pop()
        if name not in tied:
            tied.add(name)
            waiting += joins.get(name, ())
    return tied


def _closed(graph: Graph, tensors: set[str]) -> Stream | None:
    """The stream of these tensors, unless something writes or reads one that cannot be scaled."""
    shapes = shapes_of(graph)
    if graph.input in tensors or tensors & set(graph.outputs) or len({shapes[name][-1] for name in tensors}) != 1:
        return None
    writers, readers = [], []
    for node in graph.nodes:
        reads = tensors & set(graph.inputs_of(node))
        if not reads and node.output not in tensors:
            continue
        if isinstance(node, Conv | DepthwiseConv):
            if node.output in tensors:
                if node.activation == "relu6":
                    return None
                writers.append(node)
            if reads:
                if isinstance(node, DepthwiseConv) and shapes[node.output][-1] != shapes[node.input][-1]:
                    return None
                readers.append(node)
        elif not set(tied_by(graph, node)) >= reads | {node.output} or _gates_by(node, tensors):
            return None
    order = tuple(node.output for node in graph.nodes if node.output in tensors)
    return Stream(order, tuple(writers), tuple(readers))


def _gates_by(node: Node, tensors: set[str]) -> bool:
    """Whether a tensor of the stream is itself a gate: what it multiplies would be scaled twice."""
    return isinstance(node, Binary) and node.kind == "mul" and node.right in tensors
