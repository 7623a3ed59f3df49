"""Vectors of the log: deltas, new bases, closes (WATCHLIST.md 5, ORDER.md 5)."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.vectors import make_watchlist_vectors as made
from tests.vectors.make_watchlist_vectors import (
    CLOSER,
    FIRST,
    GOOD,
    KEYS,
    SECOND,
    STRANGER,
    THIRD,
    Line,
    Vector,
    canonical,
    chunk,
    chunks,
    close,
    delta,
    entry,
    flip,
    new_base,
    sha,
    wrapped,
)

L, W, D = "DeltaInvalid", "WatchlistInvalid", "DocumentInvalid"
NINE, TEN, ELEVEN = entry(9), entry(10), entry(11)


def vectors() -> Iterator[Vector]:
    yield from good_deltas()
    yield from signatures()
    yield from places()
    yield from changes()
    yield from additions()
    yield from texts()
    yield from new_bases()
    yield from closes()


def good(name: str, leaves: str, shows: str, *items: list[Line]) -> Vector:
    return f"delta-{name}", "ok", leaves, shows, [*GOOD, *(line for item in items for line in item)]


def bad(name: str, expect: str, shows: str, *items: list[Line]) -> Vector:
    """Whatever is wrong, the list before it stays in force."""
    return f"delta-{name}", expect, "-", shows, [*GOOD, *(line for item in items for line in item)]


def after(item: list[Line], sequence: int = 2) -> dict[str, object]:
    return {"sequence": sequence, "previous": sha(item[0][1])}


def good_deltas() -> Iterator[Vector]:
    takes_off = delta((2,))
    yield good("takes-off", "1 3 4 5", "one taken off, one signature", takes_off)
    yield good(
        "puts-on", "1 2 3 4 5 9 10 11", "three put on in two files, two signatures", delta((), [NINE, TEN, ELEVEN])
    )
    yield good("both", "1 2 4 5 9", "one taken off, one put on", delta((3,), [NINE]))
    again = delta((), [entry(2)], before=4, **after(takes_off))
    yield good("put-on-again", "1 3 4 5 2", "taken off, and put on by a later delta", takes_off, again)
    yield good("stranger-beside", "1 3 4 5", "a stranger's signature beside", delta((2,), by=(FIRST, STRANGER)))
    yield good("third-signer", "1 2 3 4 5 9", "any two of the three", delta((), [NINE], by=(SECOND, THIRD)))


def signatures() -> Iterator[Vector]:
    yield bad("one-signature", L, "an addition signed by one", delta((), [NINE], by=(FIRST,)))
    yield bad(
        "stranger-second", L, "an addition signed by one, and a stranger", delta((), [NINE], by=(FIRST, STRANGER))
    )
    yield bad("key-twice", D, "an addition signed by one key twice", delta((), [NINE], by=(FIRST, FIRST)))
    yield bad("closer-second", L, "an addition signed by one, and a closer", delta((), [NINE], by=(FIRST, CLOSER)))
    yield bad("stranger", "SignatureInvalid", "signed by a stranger", delta((2,), by=(STRANGER,)))
    yield bad("closer", "SignatureInvalid", "signed by a closer", delta((2,), by=(CLOSER,)))
    yield bad("unsigned", D, "no signature", delta((2,), by=()))
    nine = [(FIRST, SECOND, THIRD)[at % 3] for at in range(9)]
    yield bad("nine-signatures", D, "nine signatures", delta((2,), by=nine))
    hidden = delta((2,), by=(FIRST,), files=chunks([NINE], 1), changes={"adds": 0})
    yield bad("hidden-addition", L, "adds 0, but names a file, signed by one", hidden)
    item = json.loads(delta((2,))[0][1])
    item["signed"]["removes"] = ["03" * 16]
    yield bad("changed", "SignatureInvalid", "another entry than was signed", [("item", canonical(item))])
    item = json.loads(delta((), [NINE])[0][1])
    item["signatures"][1]["sig"] = "0" * 128
    false = [("item", canonical(item)), *delta((), [NINE])[1:]]
    yield bad("second-false", "SignatureInvalid", "the second signature is false", false)


def places() -> Iterator[Vector]:
    first = delta((2,))
    yield bad("replayed", L, "the same item again", first, first)
    stale = delta((3,), before=4, previous=sha(first[0][1]))
    yield bad("stale-sequence", L, "a sequence that is in force", first, stale)
    yield bad("gap", L, "the second item first", delta((2,), sequence=2))
    yield bad("gap-later", L, "the third after the first", first, delta((3,), before=4, **after(first, 3)))
    yield bad("previous", L, "continues another manifest", delta((2,), previous="cd" * 32))
    yield bad("previous-later", L, "continues the manifest, after an item", first, delta((3,), before=4, sequence=2))
    yield bad("epoch", L, "for the next epoch", delta((2,), changes={"epoch": 2}))
    yield bad("deployment", L, "another deployment's", delta((2,), changes={"deployment": "deployment-2"}))
    yield bad("fleet", L, "another fleet's", delta((2,), changes={"fleet": "fleet-2"}))
    yield bad("sequence-zero", D, "sequence 0", delta((2,), sequence=0))
    yield bad("sequence-large", D, "sequence 1,000,000", delta((2,), sequence=1_000_000))


def changes() -> Iterator[Vector]:
    yield bad("absent", L, "takes off what is not there", delta((9,)))
    taken = delta((2,))
    yield bad("absent-again", L, "takes off what was taken off", taken, delta((2,), before=4, **after(taken)))
    yield bad("removes-twice", D, "takes one off twice", delta((2, 2)))
    yield bad("removes-unsorted", D, "ids not ascending", delta((3, 2)))
    capitals = {"removes": ["AB" * 16]}
    yield bad("removes-capitals", D, "an id in upper case", delta((2,), changes=capitals))
    yield bad("nothing", L, "changes nothing", delta())
    yield bad("over-cap", L, "four changes where three are allowed", delta((1, 2), [NINE, TEN]))
    yield bad("over-cap-off", L, "takes off four where three are allowed", delta((1, 2, 3, 4)))
    yield bad("entries-after", L, "says 5 after it, where there are 4", delta((2,), changes={"entries_after": 5}))
    yield bad("entries-after-negative", D, "says -1 after it", delta((2,), changes={"entries_after": -1}))
    grown = delta((), [NINE, TEN, ELEVEN])
    more = delta((), [entry(12)], before=8, **after(grown))
    yield bad("entries-over-cap", L, "leaves nine where the order allows eight", grown, more)
    small = delta((1, 2, 3))
    rest = delta((4, 5), before=2, **after(small))
    yield bad("leaves-nobody", L, "takes the last ones off", small, rest)


def additions() -> Iterator[Vector]:
    sealed = chunks([NINE, TEN, ELEVEN], 1)

    def three(name: str, expect: str, shows: str, **parts: object) -> Vector:
        return bad(f"adds-{name}", expect, shows, delta((), [NINE, TEN, ELEVEN], **parts))

    def one(name: str, shows: str, added: made.Entry) -> Vector:
        return bad(f"adds-{name}", W, shows, delta((), [added]))

    def bound(name: str, shows: str, **aad: object) -> Vector:
        file = chunk([NINE], **{"sequence": 1, **aad})  # type: ignore[arg-type]
        return bad(f"adds-{name}", W, shows, delta((), [NINE], files=[file]))

    yield three("missing", W, "the second file did not come", come=sealed[:1])
    yield three("extra", W, "a file came twice", come=[*sealed, sealed[1]])
    yield three("moved", W, "the files changed places", come=sealed[::-1])
    yield three("altered", W, "one bit of the second file", come=[sealed[0], flip(sealed[1], 20)])
    yield three("truncated", W, "the second file a byte short", files=[sealed[0], sealed[1][:-1]])
    yield three("trailing", W, "a byte after the second file", files=[sealed[0], sealed[1] + b"\0"])
    yield three("swapped", W, "the files changed places, and so did their hashes", files=sealed[::-1])
    yield three("one-file", L, "three entries in one file, two fit", files=[chunk([NINE, TEN, ELEVEN], 0, 1)])
    yield three("three-files", L, "three entries in three files", files=[*sealed, sealed[1]])
    yield three("count", L, "says 2 in two files, one would do", changes={"adds": 2, "entries_after": 7})
    yield bound("base-nonce", "the nonce of the base", nonce_sequence=0)
    yield bound("other-nonce", "the nonce of another sequence", nonce_sequence=2)
    yield bound("bound-sequence", "bound to another sequence", sequence=2, nonce_sequence=1)
    yield bound("of-base", "sealed as the base's first chunk", sequence=0)
    yield bound("other-key", "under the next epoch's key", key=KEYS[2])
    yield bad("adds-in-force", L, "puts on what is in force", delta((), [entry(2)]))
    yield bad("adds-exchanged", L, "takes off and puts on one id at once", delta((2,), [entry(2)]))
    added = delta((), [NINE])
    second = delta((), [NINE], before=6, **after(added))
    yield bad("adds-twice-in-log", L, "puts on what a delta before has", added, second)
    yield bad("adds-twice-in-file", W, "an id twice in one file", delta((), [NINE, NINE]))
    yield bad("adds-twice-between-files", W, "an id in two files", delta((), [NINE, TEN, NINE]))
    yield one("norm", "a template of norm 0.5", entry(9, 16384))
    yield one("zero", "a template of zeros", entry(9, 0))
    yield one("category", "a category that the policy profile has not", entry(9, category=5))
    yield one("category-unknown", "category 6", entry(9, category=6))
    yield one("response", "planned response 0", entry(9, response=0))
    stray = [*delta((2,)), ("adds", sealed[0])]
    yield bad("adds-stray", L, "a file came with a delta that puts nothing on", stray)


def texts() -> Iterator[Vector]:
    (_, item), *_ = delta((2,))

    def one(name: str, expect: str, shows: str, data: bytes) -> Vector:
        return bad(f"text-{name}", expect, shows, [("item", data)])

    yield one("truncated", D, "its last byte is missing", item[:-1])
    yield one("trailing", D, "a line feed after it", item + b"\n")
    yield one("key-twice", D, "`adds` twice", item.replace(b'"adds":0', b'"adds":0,"adds":0'))
    yield one("nan", D, "NaN", item.replace(b'"adds":0', b'"adds":NaN'))
    yield one("blank", D, "a blank: not canonical", item.replace(b'"adds":0', b'"adds": 0'))
    yield one("minus-zero", D, "-0 for 0", item.replace(b'"adds":0', b'"adds":-0'))
    yield one("deep", D, "nested 20 deep", b"[" * 20 + b"]" * 20)
    yield one("oversized", "DocumentTooLarge", "32,769 bytes", item.ljust(32_769))
    yield one("bare", D, "not signed: the fields alone", canonical(json.loads(item)["signed"]))
    yield bad("unknown-key", D, "a key nobody knows", delta((2,), changes={"note": 1}))
    yield bad("type", D, "another type, well signed", delta((2,), changes={"type": "deployment_close"}))
    as_base = delta((2,), by=(FIRST, SECOND), changes={"type": "watchlist_base"})
    yield bad("as-base", D, "a delta that calls itself a base", as_base)
    no_date = delta((2,), changes={"made_at_utc": "2026-02-30T12:00:00.000Z"})
    yield bad("no-date", D, "made on 30 February", no_date)


def new_bases() -> Iterator[Vector]:
    def one(name: str, expect: str, leaves: str, shows: str, **parts: object) -> Vector:
        return f"new-base-{name}", expect, leaves, shows, [*GOOD, *new_base(**parts)]

    yield one("good", "ok", "1 9", "epoch 2, under a new key")
    yield one("one-signature", L, "-", "signed by one", by=(FIRST,))
    yield one("stranger", "SignatureInvalid", "-", "signed by two strangers", by=(STRANGER, CLOSER))
    yield one("epoch-skipped", L, "-", "epoch 3 after epoch 1", changes={"epoch": 3})
    yield one("epoch-same", D, "-", "epoch 1 again", changes={"epoch": 1})
    yield one("gap", L, "-", "sequence 2 first", changes={"sequence": 2})
    yield one("previous", L, "-", "continues another manifest", changes={"previous_sha256": "cd" * 32})
    yield one("unpinned", W, "-", "another manifest than the item pins", changes={"manifest_sha256": "cd" * 32})
    yield one("entries", W, "-", "the item says three, the manifest two", changes={"entries": 3})
    yield one("over-cap", L, "-", "the item says nine, the order allows eight", changes={"entries": 9})
    yield one("old-key", "SealInvalid", "-", "the old epoch's wrapped key", base={"key": wrapped()})
    under_old = wrapped(KEYS[1], 2)
    yield one("old-content-key", W, "-", "the old epoch's content key, wrapped anew", base={"key": under_old})
    yield one("manifest-epoch", W, "-", "its manifest is of epoch 1", base={"changes": {"epoch": 1}})
    old = [chunk([entry(1), NINE], 0, 0, 1)]
    yield one("chunk-of-old-epoch", W, "-", "a chunk of the old epoch", base={"files": old})


def closes() -> Iterator[Vector]:
    yield "close-good", "ok", "-", "signed by a closer", close(CLOSER)
    yield "close-officer", "SignatureInvalid", "-", "signed by one who may change the list", close(FIRST)
    yield "close-deployment", "OrderInvalid", "-", "another deployment's", close(CLOSER, deployment="deployment-2")
    yield "close-fleet", "OrderInvalid", "-", "another fleet's", close(CLOSER, fleet="fleet-2")
    yield "close-no-date", D, "-", "on 30 February", close(CLOSER, made_at_utc="2026-02-30T12:00:00.000Z")
    yield "close-type", D, "-", "another type", close(CLOSER, type="deployment_pause")
    yield "close-without-reason", D, "-", "no reason", close(CLOSER, reason="")
    yield "close-as-delta", D, "-", "a delta in its place", [GOOD[0], ("close", delta((2,), by=(CLOSER,))[0][1])]
