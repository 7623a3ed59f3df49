"""Vectors of bases: manifests, hashes, wrapped keys, chunks (WATCHLIST.md 1 to 4)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from tests.vectors import make_watchlist_vectors as made
from tests.vectors.make_watchlist_vectors import (
    GOOD,
    LISTED,
    PER_CHUNK,
    Line,
    Vector,
    base,
    canonical,
    chunk,
    chunks,
    entry,
    flip,
    manifest_of,
    ordered,
    raw,
    wrapped,
)

W, D, S = "WatchlistInvalid", "DocumentInvalid", "SealInvalid"
FILES = chunks(LISTED)
HASHES = b"".join(hashlib.sha256(file).digest() for file in FILES)
MANIFEST = canonical(manifest_of(HASHES, 5))


def vectors() -> Iterator[Vector]:
    yield "base-good", "ok", "1 2 3 4 5", "five entries in three chunks", GOOD
    yield "base-one-entry", "ok", "7", "one entry in one chunk", ordered(base([entry(7)]))
    yield "base-full-chunks", "ok", "1 2 3 4", "every chunk is full", ordered(base(LISTED[:4]))
    low = [entry(1, 32767 - 320), entry(2, 32767)]
    yield "base-norm-just-short", "ok", "1 2", "a norm of 0.9902, within the tolerance", ordered(base(low))
    long = entry(3, numbers=[32767, 4500, *[0] * 14])
    yield "base-norm-just-long", "ok", "3", "a norm of 1.0094, within the tolerance", ordered(base([long]))
    lowest = entry(4, numbers=[-32768, *[0] * 15])
    yield "base-lowest-number", "ok", "4", "-32768, the lowest of int16", ordered(base([lowest]))
    every = [entry(1, category=4, response=3), entry(2, category=2, response=2)]
    yield "base-categories", "ok", "1 2", "other categories and planned responses", ordered(base(every))
    yield "base-synthetic", "ok", "1 2 3 4 5", "rendered people", ordered(base(changes={"subjects": "synthetic"}))
    yield from manifests()
    yield from hashes()
    yield from keys()
    yield from chunk_files()
    yield from contents()


def manifests() -> Iterator[Vector]:
    def one(name: str, expect: str, shows: str, manifest: bytes) -> Vector:
        return f"manifest-{name}", expect, "-", shows, ordered(base(manifest=manifest), entries_max=200_000)

    def field(name: str, expect: str, shows: str, **changes: object) -> Vector:
        return one(name, expect, shows, canonical(manifest_of(HASHES, 5, **changes)))

    altered = canonical(manifest_of(HASHES, 5, subjects="synthetic"))
    yield "manifest-unpinned", W, "-", "another manifest than the order pins", [GOOD[0], *base(manifest=altered)]
    yield one("truncated", D, "its last byte is missing", MANIFEST[:-1])
    yield one("empty", D, "no byte of it", b"")
    yield one("trailing", D, "a line feed after it", MANIFEST + b"\n")
    yield one("trailing-zero", D, "a zero byte after it", MANIFEST + b"\0")
    yield one("key-twice", D, "`entries` twice", MANIFEST.replace(b'"entries":5', b'"entries":5,"entries":5'))
    yield one("nan", D, "NaN entries", MANIFEST.replace(b'"entries":5', b'"entries":NaN'))
    yield one("infinity", D, "endless entries", MANIFEST.replace(b'"entries":5', b'"entries":Infinity'))
    yield one("blank", D, "a blank: not canonical", MANIFEST.replace(b'"entries":5', b'"entries": 5'))
    yield one("float", D, "5.0 for 5", MANIFEST.replace(b'"entries":5', b'"entries":5.0'))
    yield one("order-of-keys", D, "type first: not canonical", b'{"type":"watchlist_manifest",' + _without_type())
    yield one("bom", D, "a byte order mark before it", b"\xef\xbb\xbf" + MANIFEST)
    yield one("escaped", D, "a letter as an escape", MANIFEST.replace(b'"real"', b'"re\\u0061l"'))
    yield one("list", D, "a list around it", b"[" + MANIFEST + b"]")
    yield one("oversized", "DocumentTooLarge", "4,097 bytes", MANIFEST.ljust(4097))
    yield field("unknown-key", D, "a key nobody knows", note=1)
    missing = {key: value for key, value in manifest_of(HASHES, 5).items() if key != "subjects"}
    yield one("missing-key", D, "no subjects", canonical(missing))
    yield field("type", D, "another type", type="watchlist")
    yield field("text-number", D, "a number as text", entries="5")
    yield field("true-number", D, "true for 1", epoch=True)
    yield field("deployment", W, "another deployment's", deployment="deployment-2")
    yield field("epoch", W, "another epoch's", epoch=2)
    yield field("epoch-zero", D, "epoch 0", epoch=0)
    yield field("pack", W, "built with another pack", pack_sha256="ac" * 32)
    yield field("pack-capitals", D, "the pack's hash in upper case", pack_sha256="AB" * 32)
    yield field("dimension", W, "templates of another dimension than the pack's", dimension=32)
    yield field("dimension-small", D, "a dimension below 16", dimension=8)
    yield field("dimension-large", D, "a dimension above 2,048", dimension=2049)
    yield field("no-entries", D, "an empty list", entries=0)
    yield field("entries-large", D, "200,001 entries", entries=200_001)
    yield field("subjects", D, "neither real nor synthetic", subjects="mixed")
    yield field("chunk-empty", D, "no entry in a chunk", entries_per_chunk=0)
    yield field("chunk-large", W, "a full chunk of 61,466 bytes", entries_per_chunk=1229)
    yield field("chunks-many", W, "1,921 chunks", entries=1921, entries_per_chunk=1)
    yield "manifest-over-cap", W, "-", "more entries than the order allows", ordered(base(), entries_max=4)


def _without_type() -> bytes:
    return MANIFEST[1:].replace(b',"type":"watchlist_manifest"', b"")


def hashes() -> Iterator[Vector]:
    def one(name: str, shows: str, come: bytes, pinned: bytes = HASHES) -> Vector:
        return f"hashes-{name}", W, "-", shows, ordered(base(hashes=come, pinned_hashes=pinned))

    yield one("altered", "one bit", flip(HASHES, 40))
    yield one("short", "one chunk's hash less", HASHES[:-32], HASHES[:-32])
    yield one("long", "one chunk's hash more", HASHES + HASHES[:32], HASHES + HASHES[:32])
    yield one("odd", "a byte more", HASHES + b"\0", HASHES + b"\0")
    yield one("empty", "nothing", b"", b"")
    turned = HASHES[32:64] + HASHES[:32] + HASHES[64:]
    yield one("swapped", "the first two changed places", turned, turned)


def keys() -> Iterator[Vector]:
    def one(name: str, expect: str, shows: str, key: bytes) -> Vector:
        return f"key-{name}", expect, "-", shows, ordered(base(key=key))

    yield one("short-inside", S, "a content key of 31 bytes", wrapped(b"\x21" * 31))
    yield one("long-inside", S, "a content key of 33 bytes", wrapped(b"\x21" * 33))
    yield one("truncated", S, "79 bytes", wrapped()[:-1])
    yield one("trailing", S, "81 bytes", wrapped() + b"\0")
    yield one("empty", S, "nothing", b"")
    yield one("flipped-enc", S, "one bit of the encapsulated key", flip(wrapped(), 3))
    yield one("flipped-key", S, "one bit of the sealed key", flip(wrapped(), 40))
    yield one("flipped-tag", S, "one bit of the tag", flip(wrapped(), 79, 7))
    yield one("small-order", S, "an encapsulated key of small order", bytes(32) + wrapped()[32:])
    yield one("other-recipient", S, "bound to another recipient id", wrapped(recipient="5b" * 16))
    yield one("other-van", S, "sealed to another van's key", wrapped(public=raw(made.STRANGER_SEAL)))
    yield one("other-epoch", S, "bound to epoch 2", wrapped(epoch=2))
    yield one("other-deployment", S, "bound to another deployment", wrapped(deployment="deployment-2"))
    yield one("other-fleet", S, "bound to another fleet", wrapped(fleet="fleet-2"))
    yield one("other-label", S, "under the label of version 1", wrapped(label=b"lfr-edge content key v1\0"))
    yield one("other-key", W, "a well wrapped key that is not the chunks'", wrapped(b"\x22" * 32))


def chunk_files() -> Iterator[Vector]:
    def one(name: str, shows: str, first: bytes) -> Vector:
        """The first chunk, pinned as it is."""
        return f"chunk-{name}", W, "-", shows, ordered(base(files=[first, *FILES[1:]]))

    def bound(name: str, shows: str, **aad: object) -> Vector:
        return one(name, shows, chunk(LISTED[:PER_CHUNK], **aad))  # type: ignore[arg-type]

    def come(name: str, shows: str, *files: bytes) -> Vector:
        return f"chunk-{name}", W, "-", shows, ordered(base(come=list(files)))

    first, second, third = FILES
    yield come("altered", "one bit, under the hash of what it was", flip(first, 0), second, third)
    yield come("altered-last", "one bit of the last chunk's last byte", first, second, flip(third, -1, 7))
    yield come("missing", "the last did not come", first, second)
    yield come("none", "none came", *[])
    yield come("extra", "the last came twice", first, second, third, third)
    yield come("moved", "the first two changed places", second, first, third)
    swapped = ordered(base(files=[second, first, third]))
    yield "chunk-swapped", W, "-", "the first two changed places, and so did their hashes", swapped
    twice = ordered(base(files=[first, first, third]))
    yield "chunk-repeated", W, "-", "the first stands for the second too", twice
    yield one("flipped-id", "one bit of an id's ciphertext", flip(first, 0))
    yield one("flipped-template", "one bit of a template's ciphertext", flip(first, 60, 3))
    yield one("flipped-tag", "one bit of the tag", flip(first, -1, 7))
    yield one("truncated", "a byte less", first[:-1])
    yield one("truncated-entry", "an entry less", chunk(LISTED[:1]))
    yield one("trailing", "a byte more", first + b"\0")
    yield one("trailing-inside", "a byte more inside", chunk(LISTED[:2], plain=made.planes(LISTED[:2]) + b"\0"))
    yield one("three-entries", "an entry more than a full chunk", chunk(LISTED[:3]))
    yield one("empty", "nothing", b"")
    yield one("plain", "not encrypted", made.planes(LISTED[:2]) + bytes(16))
    yield bound("other-sequence", "sealed for a delta", sequence=1)
    yield bound("other-nonce", "the nonce of another sequence", nonce_sequence=1)
    yield bound("other-nonce-index", "the nonce of another index", nonce_index=1)
    yield bound("bound-sequence", "bound to another sequence", sequence=1, nonce_sequence=0)
    yield bound("bound-index", "bound to another index", index=1, nonce_index=0)
    yield bound("bound-count", "bound to another count", count=3)
    yield bound("bound-epoch", "bound to epoch 2, under this epoch's key", epoch=2, key=made.KEYS[1])
    yield bound("bound-deployment", "bound to another deployment", deployment="deployment-2")
    yield bound("bound-fleet", "bound to another fleet", fleet="fleet-2")
    yield bound("bound-pack", "bound to another pack", pack="ac" * 32)
    yield bound("bound-dimension", "bound to another dimension", dimension=17)
    yield bound("other-label", "under the label of version 1", label=b"lfr-edge watchlist part v1\0")


def contents() -> Iterator[Vector]:
    def one(name: str, shows: str, *entries: made.Entry) -> Vector:
        lines: list[Line] = base(list(entries))
        return f"entry-{name}", W, "-", shows, ordered(lines)

    yield one("norm-half", "a template of norm 0.5", entry(1), entry(2, 16384))
    yield one("norm-long", "a template of norm 1.011", entry(1), entry(2, numbers=[32767, 4860, *[0] * 14]))
    yield one("norm-short", "a template of norm 0.989", entry(1), entry(2, 32406))
    yield one("norm-double", "a template of norm 2", entry(1), entry(2, numbers=[*[32767] * 4, *[0] * 12]))
    yield one("zero", "a template of zeros", entry(1), entry(2, 0))
    yield one("saturated", "every number at its highest", entry(1), entry(2, numbers=[32767] * 16))
    yield one("saturated-low", "every number at its lowest", entry(1), entry(2, numbers=[-32768] * 16))
    yield one("tiny", "one number of 1", entry(1), entry(2, 1))
    yield one("twice-in-chunk", "an id twice in one chunk", entry(1), entry(1))
    yield one("twice-between-chunks", "an id in two chunks", entry(1), entry(2), entry(1))
    yield one("category-zero", "category 0", entry(1, category=0))
    yield one("category-unknown", "category 6", entry(1, category=6))
    yield one("category-255", "category 255", entry(1, category=255))
    yield one("category-of-no-policy", "a category that the policy profile has not", entry(1, category=5))
    yield one("response-zero", "planned response 0", entry(1, response=0))
    yield one("response-unknown", "planned response 4", entry(1, response=4))
