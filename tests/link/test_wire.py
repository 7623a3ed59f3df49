"""The pipe's messages: what is sent is what is read, and nothing else is read."""

from __future__ import annotations

import json
import os
import socket
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge import wire
from edge.errors import PeerGone, WireError
from edge.formats.commands import COMMAND_MAX_BYTES

_TEXT = st.text(max_size=wire.NAME_MAX_CHARS).filter(lambda text: text.isprintable())
_INT = st.integers(0, 2**53 - 1)
_DOCUMENT = st.binary(max_size=wire.DOCUMENT_MAX_BYTES)
_MESSAGES = st.one_of(
    st.builds(wire.OpenDeployment, _TEXT, _TEXT),
    st.builds(wire.Publish, _TEXT, _TEXT, _TEXT, _INT, _TEXT, _DOCUMENT),
    st.builds(wire.Health, _DOCUMENT),
    st.builds(wire.StateChanged, _TEXT),
    st.builds(wire.FetchFile, _INT, _TEXT, st.booleans()),
    st.builds(wire.Announce, _DOCUMENT),
    st.builds(wire.WatchFile, _TEXT),
    st.builds(wire.DropFiles, _INT, _TEXT),
    st.builds(wire.Committed, _TEXT),
    st.builds(wire.FileContent, _INT, st.binary(max_size=wire.FILE_MAX_BYTES)),
    st.builds(wire.FileAbsent, _INT, _TEXT),
    st.builds(wire.LinkStatus, st.booleans(), _INT, _INT, _TEXT),
    st.builds(wire.FileChanged, _TEXT),
    st.builds(wire.FilesDropped, _INT, _INT, _INT),
    st.builds(wire.Commanded, st.binary(max_size=COMMAND_MAX_BYTES)),
)
_ALL = (*wire.FROM_VISION, *wire.FROM_LINK)


def _raw(kind: int, header: object, payload: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack(">BI", kind, len(text)) + text + payload


@given(message=_MESSAGES)
def test_what_is_sent_is_what_is_read(message: wire.Message):
    data = wire.encode(message)
    assert len(data) <= wire.MESSAGE_MAX_BYTES
    assert wire.decode(data, _ALL) == message


@given(message=_MESSAGES)
def test_each_side_takes_only_the_kinds_of_the_other(message: wire.Message):
    wrong_side = wire.FROM_LINK if isinstance(message, wire.FROM_VISION) else wire.FROM_VISION
    with pytest.raises(WireError, match="not accepted"):
        wire.decode(wire.encode(message), wrong_side)


@given(data=st.binary(max_size=300))
def test_arbitrary_bytes_are_a_message_or_a_wire_error(data: bytes):
    try:
        message = wire.decode(data, _ALL)
    except WireError:
        return
    assert isinstance(message, _ALL)


@given(message=_MESSAGES, data=st.data())
def test_a_message_with_a_byte_changed_is_a_message_or_a_wire_error(message: wire.Message, data: st.DataObject):
    raw = bytearray(wire.encode(message))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        wire.decode(bytes(raw), _ALL)
    except WireError:
        return


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=10,
)


@given(kind=st.sampled_from([each.kind for each in _ALL]), header=_JSON, payload=st.binary(max_size=50))
def test_any_json_header_is_a_message_or_a_wire_error(kind: int, header: object, payload: bytes):
    try:
        wire.decode(_raw(kind, header, payload), _ALL)
    except WireError:
        return


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "message of 0 bytes"),
        (b"\x04\x00", "message of 2 bytes"),
        (_raw(99, {}), "kind 99"),
        (_raw(4, b"{"), "no JSON"),
        (_raw(4, b"\xff"), "no JSON"),
        (_raw(4, b"[" * 60_000), "no JSON"),
        (_raw(4, []), "no object"),
        (_raw(4, {}), "fields"),
        (_raw(4, {"state": "a", "extra": 1}), "fields"),
        (_raw(4, {"state": 1}), "need str"),
        (_raw(4, {"state": "a" * 241}), "241 characters"),
        (_raw(4, {"state": "a"}, b"payload"), "payload of 7"),
        (_raw(5, {"request_id": True, "name": "a", "fresh": True}), "need int"),
        (_raw(5, {"request_id": 1, "name": "a", "fresh": 1}), "need bool"),
        (_raw(5, {"request_id": 1, "name": "a"}), "fields"),
        (_raw(5, {"request_id": -1, "name": "a", "fresh": True}), "out of range"),
        (_raw(5, {"request_id": 2**53, "name": "a", "fresh": True}), "out of range"),
        (_raw(6, {}, b"x" * (wire.DOCUMENT_MAX_BYTES + 1)), "payload of"),
        (_raw(7, {"name": "a", "filter": "#"}), "fields"),
        (_raw(7, {"name": "a" * 241}), "241 characters"),
        (_raw(8, {"request_id": 1, "prefix": None}), "need str"),
        (_raw(8, {"request_id": 1, "prefix": "a"}, b"payload"), "payload of 7"),
        (_raw(20, {"name": "a"}, b"payload"), "payload of 7"),
        (_raw(21, {"request_id": 1, "files": 1, "bytes": -1}), "out of range"),
        (_raw(21, {"request_id": 1, "files": 1.0, "bytes": 1}), "need int"),
        (_raw(3, {}, b"x" * (wire.DOCUMENT_MAX_BYTES + 1)), "payload of"),
        (struct.pack(">BI", 4, 500) + b"{}", "header of 500"),
        (_raw(3, {}, b"x" * wire.MESSAGE_MAX_BYTES), "message of"),
    ],
)
def test_a_malformed_message_is_refused_in_words(data: bytes, says: str):
    with pytest.raises(WireError, match=says):
        wire.decode(data, _ALL)


def test_an_oversized_document_is_refused_before_it_is_sent():
    with pytest.raises(WireError, match="payload of"):
        wire.encode(wire.Health(b"x" * (wire.DOCUMENT_MAX_BYTES + 1)))


def test_a_message_longer_than_the_cap_is_refused_by_the_reader():
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    left.send(b"\x03" * (wire.MESSAGE_MAX_BYTES + 100))
    with pytest.raises(WireError):
        wire.Pipe(right, wire.FROM_VISION).receive()
    left.close()
    right.close()


def test_the_pipe_between_two_ends_carries_both_ways_and_says_when_it_ends(tmp_path: Path):
    listener = wire.listen(tmp_path / "pipe.sock")
    link = wire.connect(tmp_path / "pipe.sock")
    vision = wire.accept(listener, (os.getuid(),))
    link.send(wire.Committed("a"))
    vision.send(wire.StateChanged("standby"))
    assert vision.receive() == wire.Committed("a")
    assert link.receive() == wire.StateChanged("standby")
    vision.close()
    with pytest.raises(PeerGone):
        link.receive()
    with pytest.raises(PeerGone):
        link.send(wire.Committed("a"))
    link.close()
    listener.close()


def test_a_user_who_may_not_be_link_is_turned_away(tmp_path: Path):
    listener = wire.listen(tmp_path / "pipe.sock")
    stranger = wire.connect(tmp_path / "pipe.sock")
    with pytest.raises(WireError, match="only"):
        wire.accept(listener, (os.getuid() + 1,))
    with pytest.raises(PeerGone):
        stranger.receive()
    listener.close()
