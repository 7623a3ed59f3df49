"""Secrets in a TPM's NV memory: what is undefined there is gone, whatever the disk remembers.

Five commands of TPM 2.0 (TCG Library specification, part 3), packed by hand: vision may start no program, and the
library for them is not packaged everywhere. Each index is defined with TPMA_NV_NO_DA: power cuts in the middle of a
command count as attacks on others, and would lock the box out of its own keys after three.
"""

from __future__ import annotations

import os
import socket
import stat
import struct
from pathlib import Path
from typing import Literal

from edge.errors import VaultUnusable

SECRET_BYTES = 32
FLOOR_BYTES = 8

_OWNER = 0x40000001
_PASSWORD = struct.pack(">IHBH", 0x40000009, 0, 0, 0)
"""TPM_RS_PW with no nonce and an empty password."""
_SESSIONS, _NO_SESSIONS = 0x8002, 0x8001
_STARTUP, _DEFINE, _UNDEFINE, _WRITE, _READ = 0x144, 0x12A, 0x122, 0x137, 0x14E
_SHA256 = 0x000B
_AUTHWRITE, _AUTHREAD, _NO_DA = 1 << 2, 1 << 18, 1 << 25

_INITIALISED, _NV_DEFINED, _NV_UNINITIALISED, _HANDLE_1 = 0x100, 0x14C, 0x14A, 0x18B
"""Response codes that are answers: already started, already defined, never written, no such index."""
_RETRIES = frozenset({0x922, 0x923, 0x90A, 0x908})
"""TPM_RC_RETRY and its like: the TPM is busy with itself."""
_TRIES = 20
_RESPONSE_MAX = 4096

_FIRST_INDEX = 0x018C0F40
"""In the owner's range; slot 0, slot 1, floor."""


class TpmSecrets:
    """Implements `edge.devices.SecretSlots`."""

    kind: Literal["tpm-nv", "file"] = "tpm-nv"

    def __init__(self, device: Path) -> None:
        """device: /dev/tpmrm0, or the Unix socket of a simulated one. Raises: VaultUnusable."""
        self._device = device
        try:
            self._descriptor = _open(device)
        except OSError as error:
            raise VaultUnusable(
                f"{device}: the TPM cannot be opened: {error.strerror or error}; is this user in the group tss?"
            ) from None
        # A resource manager has started it long since, and says so.
        self._run("start", _NO_SESSIONS, _STARTUP, b"", struct.pack(">H", 0), allowed=(_INITIALISED,))

    def read(self, slot: int) -> bytes | None:
        secret = self._read(_FIRST_INDEX + slot, SECRET_BYTES)
        return secret if secret is not None and any(secret) else None

    def write(self, slot: int, secret: bytes) -> None:
        self.destroy(slot)
        self._define(_FIRST_INDEX + slot, SECRET_BYTES)
        self._write(_FIRST_INDEX + slot, secret)

    def destroy(self, slot: int) -> None:
        index = _FIRST_INDEX + slot
        # Zeros first: an undefined index's cells are the maker's business.
        if self._read(index, SECRET_BYTES) is not None:
            self._write(index, bytes(SECRET_BYTES))
        handles = struct.pack(">II", _OWNER, index)
        self._run("undefine", _SESSIONS, _UNDEFINE, handles, b"", allowed=(_HANDLE_1, _HANDLE_1 + 0x100))

    def floor(self) -> int:
        data = self._read(_FIRST_INDEX + 2, FLOOR_BYTES)
        return 0 if data is None else int.from_bytes(data, "big")

    def raise_floor(self, number: int) -> None:
        if number <= self.floor():
            return
        self._define(_FIRST_INDEX + 2, FLOOR_BYTES)
        self._write(_FIRST_INDEX + 2, number.to_bytes(FLOOR_BYTES, "big"))

    def _define(self, index: int, size: int) -> None:
        public = struct.pack(">IHIHH", index, _SHA256, _AUTHWRITE | _AUTHREAD | _NO_DA, 0, size)
        parameters = struct.pack(">HH", 0, len(public)) + public
        self._run("define", _SESSIONS, _DEFINE, struct.pack(">I", _OWNER), parameters, allowed=(_NV_DEFINED,))

    def _write(self, index: int, data: bytes) -> None:
        parameters = struct.pack(">H", len(data)) + data + struct.pack(">H", 0)
        self._run("write", _SESSIONS, _WRITE, struct.pack(">II", index, index), parameters)

    def _read(self, index: int, size: int) -> bytes | None:
        answer = self._run(
            "read",
            _SESSIONS,
            _READ,
            struct.pack(">II", index, index),
            struct.pack(">HH", size, 0),
            allowed=(_HANDLE_1, _HANDLE_1 + 0x100, _NV_UNINITIALISED),
        )
        if answer is None:
            return None
        (length,) = struct.unpack_from(">H", answer, 4)
        if length != size or len(answer) < 6 + size:
            raise VaultUnusable(f"{self._device}: the TPM gave {length} bytes for {size}")
        return answer[6 : 6 + size]

    def _run(
        self, what: str, tag: int, command: int, handles: bytes, parameters: bytes, allowed: tuple[int, ...] = ()
    ) -> bytes | None:
        """The response's parameters; None for a response code that is allowed. Raises: VaultUnusable."""
        area = struct.pack(">I", len(_PASSWORD)) + _PASSWORD if tag == _SESSIONS else b""
        body = handles + area + parameters
        message = struct.pack(">HII", tag, 10 + len(body), command) + body
        for _ in range(_TRIES):
            answer = self._exchange(what, message)
            (code,) = struct.unpack_from(">I", answer, 6)
            if code == 0:
                return answer[10:]
            if code in allowed:
                return None
            if code not in _RETRIES:
                break
        raise VaultUnusable(
            f"{self._device}: the TPM refuses to {what}: response code 0x{code:03x}; look it up with tpm2_rc_decode"
        )

    def _exchange(self, what: str, message: bytes) -> bytes:
        try:
            os.write(self._descriptor, message)
            answer = os.read(self._descriptor, _RESPONSE_MAX)
        except OSError as error:
            raise VaultUnusable(f"{self._device}: the TPM failed to {what}: {error.strerror or error}") from None
        if len(answer) < 10 or struct.unpack_from(">I", answer, 2)[0] != len(answer):
            raise VaultUnusable(f"{self._device}: the TPM's answer to {what} is cut short")
        return answer


def _open(device: Path) -> int:
    if stat.S_ISSOCK(device.stat().st_mode):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(None)
        connection.connect(str(device))
        return connection.detach()
    return os.open(device, os.O_RDWR | os.O_CLOEXEC)
