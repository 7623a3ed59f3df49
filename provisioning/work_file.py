"""What a build has found so far, so that one that was killed goes on where it was.

An append-only file of records, each sealed with AES-256-GCM under a key that is in no other place than the build's
`work.key`. Templates of everybody on a list would else lie in the clear for as long as a build takes, and stay in the
disk's free blocks and in any backup of that night once the file is gone: 32 bytes are overwritten and forgotten with
better hope than hundreds of megabytes. Whoever copies the whole folder while it is at work has both.

```
u32 length of nonce and ciphertext, big endian; 12 bytes of nonce, random; ciphertext and tag
```

aad: SHA-256 of what findings depend on beside the photograph, then the record's number, u64. A record that was cut, by
a kill or a power cut, and whatever follows it, is taken off at the next start; its photograph is looked at again.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from edge.records import Quality, Reason
from provisioning.examine import Finding

WORK_NAME = "work.sealed"
KEY_NAME = "work.key"

_KEY_BYTES = 32
_NONCE_BYTES = 12
_LENGTH = struct.Struct(">I")
_RECORD_MAX_BYTES = 1 << 20


class WorkFile:
    """Findings by the SHA-256 of their photograph, on disk as soon as they are made."""

    def __init__(self, folder: Path, context: bytes) -> None:
        """Open or begin it; one of another context, or without its key, is begun anew. context: 32 bytes."""
        self._path = folder / WORK_NAME
        self._key_path = folder / KEY_NAME
        self._context = context
        self._cipher = AESGCM(self._key())
        self._places: dict[str, tuple[int, int, int]] = {}
        self._file: BinaryIO = os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b")
        whole_bytes = self._index()
        self._file.truncate(whole_bytes)
        self._file.seek(whole_bytes)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, sha256: str) -> bool:
        return sha256 in self._places

    def add(self, finding: Finding) -> None:
        """Put a finding down; it survives a kill from here on. Raises: OSError."""
        number, begin = len(self._places), self._file.tell()
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, _pack(finding), self._aad(number))
        self._file.write(_LENGTH.pack(len(sealed)) + sealed)
        self._file.flush()
        self._places[finding.sha256] = (number, begin + _LENGTH.size, len(sealed))

    def get(self, sha256: str) -> Finding:
        """A finding that is there; read from disk each time, so that pictures need no memory. Raises: OSError."""
        number, begin, length = self._places[sha256]
        sealed = os.pread(self._file.fileno(), length, begin)
        return _unpack(self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], self._aad(number)))

    def close(self) -> None:
        """Leave it to be gone on with."""
        self._file.close()

    def destroy(self) -> None:
        """Take it away, its key first."""
        self._file.close()
        with self._key_path.open("r+b") as file:
            file.write(os.urandom(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        self._key_path.unlink()
        self._path.unlink()

    def _key(self) -> bytes:
        try:
            key = self._key_path.read_bytes()
        except FileNotFoundError:
            key = b""
        if len(key) != _KEY_BYTES:
            key = os.urandom(_KEY_BYTES)
            with os.fdopen(os.open(self._key_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(key)
                file.flush()
                os.fsync(file.fileno())
        return key

    def _index(self) -> int:
        """Where each whole record is; the length of all of them."""
        end = 0
        for number, (begin, sealed) in enumerate(self._records()):
            try:
                plain = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], self._aad(number))
            except InvalidTag:
                return end
            self._places[_unpack(plain).sha256] = (number, begin, len(sealed))
            end = begin + len(sealed)
        return end

    def _records(self) -> Iterator[tuple[int, bytes]]:
        while len(head := self._file.read(_LENGTH.size)) == _LENGTH.size:
            (length,) = _LENGTH.unpack(head)
            if not _NONCE_BYTES < length <= _RECORD_MAX_BYTES:
                return
            begin = self._file.tell()
            sealed = self._file.read(length)
            if len(sealed) < length:
                return
            yield begin, sealed

    def _aad(self, number: int) -> bytes:
        return self._context + struct.pack(">Q", number)


def _pack(finding: Finding) -> bytes:
    quality = finding.quality
    vector = b"" if finding.vector is None else np.ascontiguousarray(finding.vector, "<f4").tobytes()
    head = json.dumps(
        {
            "sha256": finding.sha256,
            "outcome": finding.outcome,
            "message": finding.message,
            "quality": None if quality is None else asdict(quality),
            "bytes": [len(vector), len(finding.shown), len(finding.thumb)],
        }
    ).encode()
    return _LENGTH.pack(len(head)) + head + vector + finding.shown + finding.thumb


def _unpack(plain: bytes) -> Finding:
    """The inverse of `_pack`; the tag has vouched for the bytes."""
    (length,) = _LENGTH.unpack_from(plain)
    begin = _LENGTH.size + length
    head = json.loads(plain[_LENGTH.size : begin])
    vector_bytes, shown_bytes, thumb_bytes = head["bytes"]
    shown = begin + vector_bytes
    thumb = shown + shown_bytes
    return Finding(
        sha256=head["sha256"],
        outcome=head["outcome"],
        message=head["message"],
        quality=None if head["quality"] is None else _quality(head["quality"]),
        vector=np.frombuffer(plain, "<f4", vector_bytes // 4, begin).copy() if vector_bytes else None,
        shown=plain[shown:thumb],
        thumb=plain[thumb : thumb + thumb_bytes],
    )


def _quality(fields: dict[str, Any]) -> Quality:
    refusal = fields.pop("refusal")
    return Quality(**fields, refusal=None if refusal is None else Reason(refusal))
