"""Whatever the repository's files hold, they are read or refused: nothing else ends the half that sees."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from securesystemslib.formats import encode_canonical

from edge.errors import LfrError, RepositoryFileMissing
from edge.trust.documents import canonical
from edge.trust.floor import FloorFile
from edge.trust.tuf_client import TufClient
from edge.trust.tuf_kept import KeptMetadata, read_index
from edge.trust.tuf_layout import parent_of
from tests.fake_clock import FakeClock
from tests.made_repository import MadeFleet
from tests.repository_van import STATION

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
PARSERS = (KeptMetadata.from_bytes, read_index, lambda data: parent_of(data.decode("latin1")))


@settings(max_examples=200)
@given(st.binary(max_size=64) | JSON.map(canonical), st.sampled_from(PARSERS))
def test_any_bytes_are_read_or_refused(data: bytes, parse):
    try:
        parse(data)
    except LfrError:
        return


@settings(max_examples=40, deadline=None)
@given(value=JSON.map(canonical) | st.binary(max_size=64))
def test_any_floor_file_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, value: bytes):
    path = tmp_path_factory.mktemp("floor") / "floor.json"
    path.write_bytes(value)
    try:
        FloorFile(path)
    except LfrError:
        return


def _paths(value: object, prefix: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    found = [prefix]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += _paths(inner, (*prefix, key))
    return found


@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_any_field_of_any_metadata_signed_by_its_own_key_is_read_or_refused(tmp_path_factory, data: st.DataObject):
    """Not only strangers: whoever holds the online keys may write what they like, and the half that sees goes on."""
    fleet, files = _published(tmp_path_factory)
    name = data.draw(st.sampled_from(sorted(name for name in files if name.startswith("metadata/"))))
    value = json.loads(files[name])
    path = data.draw(st.sampled_from(_paths(value["signed"])[1:]))
    inner = value["signed"]
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = data.draw(JSON)
    online = (fleet.online.snapshot, fleet.online.timestamp, fleet.online.log)
    signers = (*fleet.people.values(), *fleet.roots.values(), *online)
    message = encode_canonical(value["signed"]).encode()
    value["signatures"] = [each.sign(message).to_dict() for each in signers]
    lies = {**files, name: json.dumps(value).encode()}
    client = TufClient(tmp_path_factory.mktemp("tuf"), fleet.first_root)

    def fetch(asked: str) -> bytes:
        if asked not in lies:
            raise RepositoryFileMissing(asked)
        return lies[asked]

    try:
        verified = client.refresh(KeptMetadata(), fetch, fetch, fleet.clock.now_utc())
        verified.role(f"log.{STATION}", fetch)
    except LfrError:
        return


_ONCE: list[tuple[MadeFleet, dict[str, bytes]]] = []


def _published(tmp_path_factory: pytest.TempPathFactory) -> tuple[MadeFleet, dict[str, bytes]]:
    if not _ONCE:
        made = MadeFleet(tmp_path_factory.mktemp("repo"), FakeClock())
        made.publish_order()
        _ONCE.append((made, made.repository.files()))
    return _ONCE[0]
