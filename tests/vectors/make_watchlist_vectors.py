"""Writes the vectors of watchlists: `python -m tests.vectors.make_watchlist_vectors`. From WATCHLIST.md alone.

Nothing of `edge` is imported. A body is lines of a word and base64: an order, what its base is made of, then items of
the log, each with its files. Every vector but the good ones has one fault; whatever pins the faulty thing pins it as
it is, so that no other check comes before the one that is meant.
"""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.vectors.make_vectors import ROOM_SEAL as STRANGER_SEAL
from tests.vectors.make_vectors import VAN_SEAL, canonical, document, hpke, raw

HERE = Path(__file__).parent / "watchlist"

FIRST, SECOND, THIRD, CLOSER, STRANGER = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in range(11, 16))
FLEET, DEPLOYMENT, DEVICE, RECIPIENT, PACK = "fleet-1", "deployment-1", "van-1", "5a" * 16, "ab" * 32
KEYS = {1: b"\x21" * 32, 2: b"\x22" * 32}
NOON = "2026-03-01T12:00:00.000Z"
DIMENSION, PER_CHUNK = 16, 2
POLICY_CATEGORIES = ("wanted", "suspect", "missing_or_vulnerable", "risk_of_harm")

Line = tuple[str, bytes]
Entry = tuple[bytes, int, int, bytes]
Vector = tuple[str, str, str, str, list[Line]]
"""Name, expected error or `ok`, which entries are left, what it shows, body."""


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def entry(number: int, length: int = 32767, category: int = 1, response: int = 1, numbers: Any = None) -> Entry:
    """An entry whose template has one number that is not zero."""
    template = numbers or [length if at == number % DIMENSION else 0 for at in range(DIMENSION)]
    return bytes([number]) * 16, category, response, struct.pack(f"<{DIMENSION}h", *template)


def order(manifest: bytes, **watchlist: Any) -> bytes:
    named = {
        "manifest_sha256": sha(manifest),
        "entries_max": 8,
        "delta_entries_max": 3,
        "delta_signers": [raw(key).hex() for key in (FIRST, SECOND, THIRD)],
    }
    return canonical(
        {
            "type": "order",
            "deployment": DEPLOYMENT,
            "fleet": FLEET,
            "version": 1,
            "authorising_officer": {"name": "officer 7", "key_id": raw(FIRST).hex()},
            "data_custodian": {"name": "custodian 3", "key_id": raw(SECOND).hex()},
            "use_case": "persons wanted by a court",
            "legal_basis": "common law, section 35 of the Data Protection Act 2018",
            "place": "market square",
            "not_before_utc": "2026-03-01T09:00:00.000Z",
            "not_after_utc": "2026-03-01T17:00:00.000Z",
            "vans": {DEVICE: RECIPIENT},
            "watchlist": {**named, **watchlist},
            "pack_sha256": PACK,
            "similarity_threshold": 0.55,
            "threshold_backend": "litert/int8",
            "calibration": {"fpir": 0.001, "entries": 10, "calibration_sha256": None, "evidence": "chosen"},
            "policy": {"name": "uk", "version": 1, "sha256": "cd" * 32},
            "closers": [raw(CLOSER).hex()],
            "room_receipt_key_hex": raw(STRANGER).hex(),
            "room_seal_key_hex": raw(STRANGER_SEAL).hex(),
            "alert_retention_h": 24,
            "staleness_s": 3600,
        }
    )


def planes(entries: list[Entry]) -> bytes:
    ids, categories, responses, templates = zip(*entries, strict=True)
    return b"".join(ids) + bytes(categories) + bytes(responses) + b"".join(templates)


def chunk(entries: list[Entry], index: int = 0, sequence: int = 0, epoch: int = 1, **aad: Any) -> bytes:
    """A sealed chunk; aad: what it is bound to that it should not be, or a nonce's sequence or index."""
    bound = [aad.get("fleet", FLEET), aad.get("deployment", DEPLOYMENT), aad.get("epoch", epoch)]
    bound += [aad.get("sequence", sequence), aad.get("index", index), aad.get("count", len(entries))]
    bound += [aad.get("pack", PACK), aad.get("dimension", DIMENSION)]
    nonce = struct.pack(">QI", aad.get("nonce_sequence", sequence), aad.get("nonce_index", index))
    context = aad.get("label", b"lfr-edge watchlist chunk v2\0") + canonical(bound)
    return AESGCM(aad.get("key", KEYS[epoch])).encrypt(nonce, aad.get("plain", planes(entries)), context)


def chunks(entries: list[Entry], sequence: int = 0, epoch: int = 1) -> list[bytes]:
    return [
        chunk(entries[first : first + PER_CHUNK], first // PER_CHUNK, sequence, epoch)
        for first in range(0, len(entries), PER_CHUNK)
    ]


def wrapped(key: bytes = KEYS[1], epoch: int = 1, public: bytes = raw(VAN_SEAL), **info: Any) -> bytes:
    bound = [info.get("fleet", FLEET), info.get("deployment", DEPLOYMENT), info.get("epoch", epoch)]
    bound.append(info.get("recipient", RECIPIENT))
    return hpke(key, public, info.get("label", b"lfr-edge content key v2\0") + canonical(bound))


def manifest_of(hashes: bytes, entries: int, epoch: int = 1, /, **changes: Any) -> dict[str, Any]:
    return {
        "type": "watchlist_manifest",
        "deployment": DEPLOYMENT,
        "epoch": epoch,
        "pack_sha256": PACK,
        "dimension": DIMENSION,
        "subjects": "real",
        "entries": entries,
        "entries_per_chunk": PER_CHUNK,
        "hashes_sha256": sha(hashes),
        **changes,
    }


LISTED = [entry(number) for number in range(1, 6)]


def base(entries: list[Entry] = LISTED, epoch: int = 1, files: list[bytes] | None = None, **parts: Any) -> list[Line]:
    """A base's lines. parts: `hashes`, `key`, `manifest` as bytes, `changes` to the manifest, `come`: what files do."""
    files = chunks(entries, 0, epoch) if files is None else files
    hashes = b"".join(hashlib.sha256(file).digest() for file in files)
    fields = manifest_of(parts.get("pinned_hashes", hashes), len(entries), epoch, **parts.get("changes", {}))
    manifest = parts.get("manifest", canonical(fields))
    come = parts.get("come", files)
    key = parts.get("key", wrapped(KEYS[epoch], epoch))
    return [
        ("manifest", manifest),
        ("key", key),
        ("hashes", parts.get("hashes", hashes)),
        *(("chunk", each) for each in come),
    ]


def ordered(lines: list[Line], **watchlist: Any) -> list[Line]:
    """With the order that pins the manifest before it."""
    return [("order", order(lines[0][1], **watchlist)), *lines]


GOOD = ordered(base())
PINNED = sha(GOOD[1][1])


def delta(removes: tuple[int, ...] = (), adds: tuple[Entry, ...] | list[Entry] = (), **parts: Any) -> list[Line]:
    """A delta's lines. parts: `by` its signers, `changes` to its fields, `files`, `come`, `sequence`, `previous`."""
    sequence = parts.get("sequence", 1)
    files = parts.get("files", chunks(list(adds), sequence))
    signed = {
        "type": "watchlist_delta",
        "fleet": FLEET,
        "deployment": DEPLOYMENT,
        "sequence": sequence,
        "previous_sha256": parts.get("previous", PINNED),
        "made_at_utc": NOON,
        "epoch": 1,
        "removes": [(bytes([number]) * 16).hex() for number in removes],
        "adds": len(adds),
        "adds_sha256": [sha(file) for file in files],
        "entries_after": parts.get("before", 5) - len(removes) + len(adds),
        **parts.get("changes", {}),
    }
    by = parts.get("by", (FIRST, SECOND) if adds else (FIRST,))
    return [("item", canonical(document(signed, *by))), *(("adds", each) for each in parts.get("come", files))]


def new_base(**parts: Any) -> list[Line]:
    """A new base's item and lines: entries 1 and 9, in epoch 2."""
    lines = base(parts.get("entries", [entry(1), entry(9)]), 2, **parts.get("base", {}))
    signed = {
        "type": "watchlist_base",
        "fleet": FLEET,
        "deployment": DEPLOYMENT,
        "sequence": 1,
        "previous_sha256": PINNED,
        "made_at_utc": NOON,
        "epoch": 2,
        "manifest_sha256": sha(lines[0][1]),
        "entries": 2,
        **parts.get("changes", {}),
    }
    return [("item", canonical(document(signed, *parts.get("by", (FIRST, SECOND))))), *lines]


def close(*by: Ed25519PrivateKey, **changes: Any) -> list[Line]:
    fields = {"type": "deployment_close", "fleet": FLEET, "deployment": DEPLOYMENT, "made_at_utc": NOON}
    return [GOOD[0], ("close", canonical(document({**fields, "reason": "done early", **changes}, *by)))]


def flip(data: bytes, at: int, bit: int = 0) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1 << bit
    return bytes(changed)


def every_vector() -> dict[str, bytes]:
    """Each file's name and content: header lines, an empty line, the body."""
    from tests.vectors import watchlist_base_vectors, watchlist_log_vectors

    files = {}
    vectors: Iterator[Vector] = (
        vector for part in (watchlist_base_vectors, watchlist_log_vectors) for vector in part.vectors()
    )
    for name, expect, leaves, shows, lines in vectors:
        head = f"expect: {expect}\nleaves: {leaves}\nshows: {shows}\n\n".encode()
        body = b"".join(word.encode() + b" " + base64.b64encode(data) + b"\n" for word, data in lines)
        assert f"{name}.vector" not in files, name
        files[f"{name}.vector"] = head + body
    return files


def write() -> None:
    HERE.mkdir(exist_ok=True)
    for old in HERE.glob("*.vector"):
        old.unlink()
    for file, content in every_vector().items():
        (HERE / file).write_bytes(content)


if __name__ == "__main__":
    # Under the name by which the parts import it, so that there is one of it.
    from tests.vectors import make_watchlist_vectors

    make_watchlist_vectors.write()
