"""JSON for property tests: any value, and texts that are nearly JSON."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

SAFE_INTEGERS = st.integers(min_value=-(2**53) + 1, max_value=2**53 - 1)


def values(max_leaves: int = 12) -> st.SearchStrategy[Any]:
    """Any JSON value that has a canonical form which reads back as itself."""
    floats = st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: abs(x) < 2**53 or abs(x) >= 1e21)
    leaves = st.none() | st.booleans() | SAFE_INTEGERS | floats | st.text(max_size=12)
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
        max_leaves=max_leaves,
    )


def nearly_json() -> st.SearchStrategy[bytes]:
    """Bytes that are JSON, or were before somebody laid hands on them."""
    pieces = st.lists(
        st.sampled_from([b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\", b"\\ud800", b"1e999", b"NaN", b"-0", b" "])
        | st.binary(max_size=3),
        max_size=12,
    ).map(b"".join)
    whole = values().map(lambda value: json.dumps(value, separators=(",", ":")).encode())
    return pieces | whole | st.tuples(whole, st.integers(0, 200), pieces).map(_spliced) | st.binary(max_size=64)


def _spliced(parts: tuple[bytes, int, bytes]) -> bytes:
    data, at, piece = parts
    at %= len(data) + 1
    return data[:at] + piece + data[at + len(piece) :]
