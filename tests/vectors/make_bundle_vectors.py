"""Writes the vectors of the room's bundle: `python -m tests.vectors.make_bundle_vectors`. From BUNDLE.md alone.

Nothing of `edge` is imported.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.vectors.make_vectors import DEPLOYMENT, FLEET, NOON, ROOM_SEAL, VAN_SEAL, canonical, hpke, raw

HERE = Path(__file__).parent / "bundle"
BEFORE_THE_END, AT_THE_END = NOON, "2026-03-01T18:00:00.000Z"
KEY = bytes(range(32))
MAGIC = b"lfr-edge room bundle 1\0"

Vector = tuple[str, str, str, str, bytes]
"""Name, expected error or `ok`, the reader's time, what it shows, body."""

HEAD = {
    "type": "room_bundle",
    "fleet": FLEET,
    "deployment": DEPLOYMENT,
    "part": 0,
    "entries": 2,
    "not_after_utc": AT_THE_END,
}
JPEGS = (b"jpeg of the first", b"and of the second")


def person(number: int, **changes: Any) -> dict[str, Any]:
    fields = {
        "entry_id": f"{number:032x}",
        "reference": f"warrant-{number}",
        "name": None,
        "category": "wanted",
        "response": "amber",
        "reason": "failed to appear",
        "lawful_basis": "warrant",
        "image_source": "custody",
        "image_taken": "2024-11-30",
        "under_18": False,
        "under_18_rationale": None,
        "photograph_bytes": len(JPEGS[number % 2]),
    }
    return {**fields, **changes}


PEOPLE = (person(0), person(1))


def bundle(
    head: dict[str, Any] | bytes = HEAD,
    indices: tuple[Any, ...] = ({"entries": list(PEOPLE)},),
    jpegs: tuple[bytes, ...] = JPEGS,
    key: bytes = KEY,
    recipient: bytes = raw(ROOM_SEAL),
    bound: dict[str, Any] | None = None,
    index_number: Callable[[int], int] = lambda index: index,
    photograph_number: Callable[[int], int] = lambda index: index,
) -> bytes:
    """A file byte by byte. bound: the head that the key is bound to; indices: values, or bytes as they are."""
    head_bytes = head if isinstance(head, bytes) else canonical(head)
    info = b"lfr-edge room bundle key v1\0" + (head_bytes if bound is None else canonical(bound))
    made = MAGIC + struct.pack(">I", len(head_bytes)) + head_bytes + hpke(key, recipient, info)
    cipher = AESGCM(key if len(key) == 32 else KEY)
    for number, value in enumerate(indices):
        plain = value if isinstance(value, bytes) else canonical(value)
        sealed = cipher.encrypt(struct.pack(">IQ", 1, index_number(number)), plain, b"index")
        made += struct.pack(">I", len(sealed)) + sealed
    for number, jpeg in enumerate(jpegs):
        made += cipher.encrypt(struct.pack(">IQ", 2, photograph_number(number)), jpeg, struct.pack(">QQ", 0, number))
    return made


def listing(*people: dict[str, Any]) -> tuple[dict[str, Any]]:
    return ({"entries": list(people)},)


def vectors() -> Iterator[Vector]:
    good = bundle()
    yield "good", "ok", BEFORE_THE_END, "two people, sealed to the room", good
    young = person(1, under_18=True, under_18_rationale="at risk, by order of a court", name="Nobody")
    added = {**HEAD, "part": 3, "entries": 1}
    yield (
        "good-part",
        "ok",
        BEFORE_THE_END,
        "what delta 3 adds: one person",
        bundle(added, listing(person(0)), JPEGS[:1]),
    )
    yield "good-under-18", "ok", BEFORE_THE_END, "under 18, with a rationale", bundle(indices=listing(person(0), young))
    yield "ended", "BundleEnded", AT_THE_END, "read at its end", good
    invalid = [(name, shows, body) for part in (_outer, _heads, _people) for name, shows, body in part(good)]
    for name, shows, body in invalid:
        yield name, "BundleInvalid", BEFORE_THE_END, shows, body


def _outer(good: bytes) -> Iterator[tuple[str, str, bytes]]:
    yield "empty", "nothing", b""
    yield "magic", "of a version to come", good.replace(b"bundle 1", b"bundle 2", 1)
    yield "cut", "its last byte is missing", good[:-1]
    yield "trailing", "a byte after its end", good + b"\0"
    yield "head-length", "a head said to be longer than any", MAGIC + struct.pack(">I", 4097) + good[len(MAGIC) + 4 :]
    yield "other-room", "sealed to another room", bundle(recipient=raw(VAN_SEAL))
    yield (
        "end-put-off",
        "its end altered after it was sealed",
        bundle({**HEAD, "not_after_utc": "2027" + AT_THE_END[4:]}, bound=HEAD),
    )
    yield (
        "deployment-altered",
        "its deployment altered after it was sealed",
        bundle({**HEAD, "deployment": "other"}, bound=HEAD),
    )
    yield "key-short", "a content key of 31 bytes", bundle(key=KEY[:31])
    yield "index-nonce", "an index sealed under another's number", bundle(index_number=lambda index: index + 1)
    flipped = len(good) - 80  # the photographs take 66
    yield (
        "index-flipped",
        "a bit of the index is another",
        good[:flipped] + bytes([good[flipped] ^ 1]) + good[flipped + 1 :],
    )
    yield (
        "index-entries",
        "an index with one entry fewer than the head says",
        bundle(indices=listing(person(0)), jpegs=JPEGS[:1]),
    )
    yield "index-entries-more", "an index with one entry more than the head says", bundle({**HEAD, "entries": 1})
    yield (
        "index-blank",
        "an index that is not canonical JSON",
        bundle(indices=(canonical({"entries": list(PEOPLE)}).replace(b":", b": ", 1),)),
    )
    yield (
        "index-key-twice",
        "an index with a key given twice",
        bundle(indices=(b'{"entries":[],' + canonical({"entries": list(PEOPLE)})[1:],)),
    )
    yield "index-missing", "the index is not there", bundle(indices=())
    yield "photograph-missing", "the second photograph is not there", bundle(jpegs=JPEGS[:1])
    yield "photograph-longer", "a photograph longer than the index says", bundle(jpegs=(JPEGS[0], JPEGS[1] + b"x"))


def _heads(good: bytes) -> Iterator[tuple[str, str, bytes]]:
    del good
    for name, shows, changes in (
        ("head-type", "another kind of document", {"type": "bundle"}),
        ("head-fleet", "of another fleet", {"fleet": "fleet-2"}),
        ("head-fleet-name", "a fleet that is no identifier", {"fleet": "Fleet 1"}),
        ("head-part-negative", "a part below 0", {"part": -1}),
        ("head-part-over", "a part above 999,999", {"part": 1_000_000}),
        ("head-entries-none", "a bundle of nobody", {"entries": 0}),
        ("head-entries-over", "more entries than a bundle may have", {"entries": 200_001}),
        ("head-entries-text", "a number as text", {"entries": "2"}),
        ("head-end-no-day", "an end on the thirtieth of February", {"not_after_utc": "2026-02-30T18:00:00.000Z"}),
        ("head-unknown", "a key that the format does not have", {"note": "x"}),
    ):
        yield name, shows, bundle({**HEAD, **changes})
    yield "head-lacks", "no end", bundle({key: value for key, value in HEAD.items() if key != "not_after_utc"})
    yield "head-blank", "a head that is not canonical JSON", bundle(canonical(HEAD).replace(b":", b": ", 1))
    yield "head-nan", "NaN as a number", bundle(canonical(HEAD).replace(b'"part":0', b'"part":NaN'))


def _people(good: bytes) -> Iterator[tuple[str, str, bytes]]:
    del good
    for name, shows, changes in (
        ("person-id-twice", "an entry id is there twice", {"entry_id": f"{0:032x}"}),
        ("person-id-upper", "an entry id in upper-case hex", {"entry_id": "A" * 32}),
        ("person-reference-empty", "no reference", {"reference": ""}),
        ("person-reference-long", "a reference of 101 characters", {"reference": "x" * 101}),
        ("person-reference-turned", "a reference that turns the line's direction", {"reference": "a\u202eb"}),
        ("person-reference-escape", "a reference that moves a terminal's cursor", {"reference": "a\x1b[2J"}),
        ("person-reference-blank", "a reference that begins with a blank", {"reference": " a"}),
        ("person-name-empty", "a name of no characters", {"name": ""}),
        ("person-category", "a category outside the closed set", {"category": "of interest"}),
        ("person-response", "a response outside the closed set", {"response": "blue"}),
        ("person-reason-none", "no reason", {"reason": ""}),
        ("person-basis-none", "no lawful basis", {"lawful_basis": ""}),
        ("person-source-none", "no source of the picture", {"image_source": ""}),
        ("person-taken", "a picture taken in month 13", {"image_taken": "2024-13-01"}),
        ("person-under-18", "under 18 without a rationale", {"under_18": True}),
        ("person-rationale", "a rationale for somebody of age", {"under_18_rationale": "x"}),
        ("person-photograph-none", "a photograph of no bytes", {"photograph_bytes": 0}),
        ("person-photograph-over", "a photograph longer than any may be", {"photograph_bytes": 262_145}),
        ("person-unknown", "a key that the format does not have", {"birthday": "x"}),
    ):
        yield name, shows, bundle(indices=listing(person(0), person(1, **changes)))
    lacking = {key: value for key, value in person(1).items() if key != "reason"}
    yield "person-lacks", "an entry without a reason's key", bundle(indices=listing(person(0), lacking))


def every_vector() -> dict[str, bytes]:
    """Each file's name and content: header lines, an empty line, the body as it is."""
    files = {}
    for name, expect, now, shows, body in vectors():
        assert f"{name}.vector" not in files, name
        files[f"{name}.vector"] = f"expect: {expect}\nnow: {now}\nshows: {shows}\n\n".encode() + body
    return files


if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    for old in HERE.glob("*.vector"):
        old.unlink()
    for file, content in every_vector().items():
        (HERE / file).write_bytes(content)
