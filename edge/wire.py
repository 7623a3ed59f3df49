"""The pipe between the halves: typed messages over SOCK_SEQPACKET, each with a size cap.

A message is one byte of kind, four bytes (big endian) of header length, a JSON header, and a payload.
Each side names the kinds it accepts; any other kind, an unknown field or an oversized message is a
WireError, and the reader drops the connection: the peer is not to be trusted with a second try.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
from dataclasses import dataclass, fields
from pathlib import Path
from typing import ClassVar

from edge.errors import PeerGone, WireError
from edge.formats.commands import COMMAND_MAX_BYTES

MESSAGE_MAX_BYTES = 72 * 1024
"""Above every cap below; three of them fit a default socket buffer (FINDINGS: 212,960 bytes a message)."""

SEND_TIMEOUT_S = 5
"""A half that takes nothing for so long is treated as gone."""

DOCUMENT_MAX_BYTES = 32 * 1024
FILE_MAX_BYTES = 60 * 1024
NAME_MAX_CHARS = 240


@dataclass(frozen=True)
class Message:
    """Base of all messages; subclasses declare their kind, and the cap of `payload`."""

    kind: ClassVar[int] = 0
    payload_max_bytes: ClassVar[int] = 0


# vision -> link


@dataclass(frozen=True)
class OpenDeployment(Message):
    """Whose receipts end this deployment's outbox rows."""

    kind: ClassVar[int] = 1
    deployment: str
    room_receipt_key_hex: str


@dataclass(frozen=True)
class Publish(Message):
    """A signed document for the outbox; channel is the last level of its topic."""

    kind: ClassVar[int] = 2
    payload_max_bytes: ClassVar[int] = DOCUMENT_MAX_BYTES
    channel: str
    deployment: str
    event_id: str
    sequence: int
    expires_at_utc: str
    payload: bytes


@dataclass(frozen=True)
class Health(Message):
    """A signed heartbeat: sent when there is a connection, never stored."""

    kind: ClassVar[int] = 3
    payload_max_bytes: ClassVar[int] = DOCUMENT_MAX_BYTES
    payload: bytes


@dataclass(frozen=True)
class StateChanged(Message):
    """The box's state, for the retained state message."""

    kind: ClassVar[int] = 4
    state: str


@dataclass(frozen=True)
class FetchFile(Message):
    """Vision wants a public file of the fleet's repository; fresh: not from what link has kept on disk."""

    kind: ClassVar[int] = 5
    request_id: int
    name: str
    fresh: bool


@dataclass(frozen=True)
class Announce(Message):
    """A signed stock of keys: link holds the newest, and publishes it retained on every connection."""

    kind: ClassVar[int] = 6
    payload_max_bytes: ClassVar[int] = DOCUMENT_MAX_BYTES
    payload: bytes


@dataclass(frozen=True)
class WatchFile(Message):
    """Vision wants to hear when this file of the repository changes."""

    kind: ClassVar[int] = 7
    name: str


@dataclass(frozen=True)
class DropFiles(Message):
    """Link is to delete what it has kept of files whose name begins so."""

    kind: ClassVar[int] = 8
    request_id: int
    prefix: str


# link -> vision


@dataclass(frozen=True)
class Committed(Message):
    """A published document is on disk in the outbox."""

    kind: ClassVar[int] = 16
    event_id: str


@dataclass(frozen=True)
class FileContent(Message):
    """The whole of a fetched file."""

    kind: ClassVar[int] = 17
    payload_max_bytes: ClassVar[int] = FILE_MAX_BYTES
    request_id: int
    payload: bytes


@dataclass(frozen=True)
class FileAbsent(Message):
    """The file is not there, or did not come in time."""

    kind: ClassVar[int] = 18
    request_id: int
    why: str


@dataclass(frozen=True)
class LinkStatus(Message):
    """How the courier fares: shown in health, trusted for nothing."""

    kind: ClassVar[int] = 19
    connected: bool
    queued: int
    expired: int
    detail: str


@dataclass(frozen=True)
class FileChanged(Message):
    """A watched file is another than before; its new content is there for a FetchFile."""

    kind: ClassVar[int] = 20
    name: str


@dataclass(frozen=True)
class FilesDropped(Message):
    """What link says it has deleted: the same again when it is asked again."""

    kind: ClassVar[int] = 21
    request_id: int
    files: int
    bytes: int


@dataclass(frozen=True)
class Commanded(Message):
    """A command's event as it came: vision alone says whether it is one."""

    kind: ClassVar[int] = 22
    payload_max_bytes: ClassVar[int] = COMMAND_MAX_BYTES
    payload: bytes


FROM_VISION: tuple[type[Message], ...] = (
    *(OpenDeployment, Publish, Health, StateChanged),
    *(FetchFile, Announce, WatchFile, DropFiles),
)
FROM_LINK: tuple[type[Message], ...] = (
    *(Committed, FileContent, FileAbsent, LinkStatus),
    *(FileChanged, FilesDropped, Commanded),
)

_TYPES = {"str": str, "int": int, "bool": bool}


def encode(message: Message) -> bytes:
    """The bytes of a message. Raises: WireError when its payload or a text is over its cap."""
    header: dict[str, object] = {}
    payload = b""
    for item in fields(message):
        value = getattr(message, item.name)
        if item.name == "payload":
            payload = value
        else:
            header[item.name] = value
    if len(payload) > message.payload_max_bytes:
        raise WireError(
            f"{type(message).__name__}: payload of {len(payload)} bytes, at most {message.payload_max_bytes}"
        )
    _check_fields(type(message), header)
    text = json.dumps(header, separators=(",", ":")).encode()
    return struct.pack(">BI", message.kind, len(text)) + text + payload


def decode(data: bytes, accepted: tuple[type[Message], ...]) -> Message:
    """The message in data, if it is of an accepted kind and within its caps. Raises: WireError."""
    if not 5 <= len(data) <= MESSAGE_MAX_BYTES:
        raise WireError(f"message of {len(data)} bytes, need 5 to {MESSAGE_MAX_BYTES}")
    number, header_length = struct.unpack(">BI", data[:5])
    kind = next((each for each in accepted if each.kind == number), None)
    if kind is None:
        raise WireError(f"message kind {number} is not accepted on this side")
    if header_length > len(data) - 5:
        raise WireError(f"{kind.__name__}: header of {header_length} bytes in a message of {len(data)}")
    try:
        header = json.loads(data[5 : 5 + header_length].decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise WireError(f"{kind.__name__}: header is no JSON: {error}") from None
    if not isinstance(header, dict):
        raise WireError(f"{kind.__name__}: header is no object")
    _check_fields(kind, header)
    payload = data[5 + header_length :]
    if len(payload) > kind.payload_max_bytes:
        raise WireError(f"{kind.__name__}: payload of {len(payload)} bytes, at most {kind.payload_max_bytes}")
    if any(item.name == "payload" for item in fields(kind)):
        header["payload"] = payload
    elif payload:
        raise WireError(f"{kind.__name__}: carries a payload it does not have")
    return kind(**header)


def _check_fields(kind: type[Message], header: dict[str, object]) -> None:
    wanted = {item.name: _TYPES[str(item.type)] for item in fields(kind) if item.name != "payload"}
    if set(header) != set(wanted):
        raise WireError(f"{kind.__name__}: fields {sorted(header)}, need {sorted(wanted)}")
    for name, needed in wanted.items():
        value = header[name]
        if type(value) is not needed:
            raise WireError(f"{kind.__name__}.{name}: {type(value).__name__}, need {needed.__name__}")
        if isinstance(value, str) and len(value) > NAME_MAX_CHARS:
            raise WireError(f"{kind.__name__}.{name}: {len(value)} characters, at most {NAME_MAX_CHARS}")
        if isinstance(value, int) and not 0 <= value < 2**53:
            raise WireError(f"{kind.__name__}.{name}: {value} is out of range")


class Pipe:
    """One end of the pipe; sends any message, receives the kinds it accepts."""

    def __init__(self, connection: socket.socket, accepted: tuple[type[Message], ...]) -> None:
        self._connection = connection
        self._accepted = accepted

    def fileno(self) -> int:
        return self._connection.fileno()

    def send(self, message: Message) -> None:
        """Raises: PeerGone, WireError."""
        try:
            self._connection.send(encode(message))
        except OSError as error:
            raise PeerGone(f"the other half does not take messages: {error}") from None

    def receive(self) -> Message:
        """Wait for the next message. Raises: PeerGone at the end, WireError on a bad message."""
        try:
            data, _, flags, _ = self._connection.recvmsg(MESSAGE_MAX_BYTES + 1)
        except OSError as error:
            raise PeerGone(f"the other half does not answer: {error}") from None
        if not data:
            raise PeerGone("the other half closed the pipe")
        if flags & socket.MSG_TRUNC:
            raise WireError(f"message over {MESSAGE_MAX_BYTES} bytes")
        return decode(data, self._accepted)

    def close(self) -> None:
        with contextlib.suppress(OSError):  # already closed by the peer
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()


def listen(path: Path) -> socket.socket:
    """The listening socket that systemd's lfr-edge.socket gives on a van; vision accepts on it."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    path.unlink(missing_ok=True)
    listener.bind(str(path))
    os.chmod(path, 0o600)
    listener.listen(1)
    return listener


def accept(listener: socket.socket, allowed_uids: tuple[int, ...]) -> Pipe:
    """Vision's side: the next link, if its user may be one. Raises: WireError for a stranger."""
    connection, _ = listener.accept()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", SEND_TIMEOUT_S, 0))
    _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    if uid not in allowed_uids:
        connection.close()
        raise WireError(f"user {uid} connected to the pipe, only {allowed_uids} may")
    return Pipe(connection, FROM_LINK)


def connect(path: Path) -> Pipe:
    """Link's side. Raises: PeerGone when vision is not listening."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", SEND_TIMEOUT_S, 0))
    try:
        connection.connect(str(path))
    except OSError as error:
        connection.close()
        raise PeerGone(f"{path}: no vision half is listening: {error}") from None
    return Pipe(connection, FROM_VISION)
