"""Writes the vectors of commands: `python -m tests.vectors.make_command_vectors`. From COMMANDS.md.

They are for the order and the policy of make_order_vectors.py.

Nothing of `edge` is imported. Every vector but the good ones has one fault. A header's line `given` changes what the
reader holds against it: the time, who may suspend, whose log it is, what was obeyed before.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.vectors.make_order_vectors import CUSTODIAN, OFFICER, OFFICER_ID, ROOM, STRANGER
from tests.vectors.make_vectors import DEPLOYMENT, DEVICE, FLEET, NOON, canonical, document, event, raw
from tests.vectors.record_vectors import Vector, bad_bytes, changed, without

HERE = Path(__file__).parent / "commands"

LOG = Ed25519PrivateKey.from_private_bytes(bytes([37]) * 32)
ROOM_ID, LOG_ID = raw(ROOM).hex(), raw(LOG).hex()
NUMBER = 1_772_366_400_000

SUSPEND = {
    "type": "command",
    "fleet": FLEET,
    "device": DEVICE,
    "deployment": DEPLOYMENT,
    "command": "suspend",
    "number": NUMBER,
    "made_at_utc": NOON,
    "expires_at_utc": "2026-03-02T12:00:00.000Z",
    "reason": "two false alerts in a row",
}
RESUME = {
    **SUSPEND,
    "command": "resume",
    "number": NUMBER + 60_000,
    "made_at_utc": "2026-03-01T12:01:00.000Z",
    "expires_at_utc": "2026-03-01T13:01:00.000Z",
    "reason": "the lens is clean again",
}
STANDING = {"by": "room", "number": NUMBER, "made_at_utc": NOON, "reason": "two false alerts in a row"}
SUSPENDED = {"numbers": {ROOM_ID: NUMBER}, "resumed": 0, "standing": {ROOM_ID: STANDING}}


def carried(signed: dict[str, Any], *keys: Ed25519PrivateKey) -> dict[str, Any]:
    return event(
        document(signed, *keys), type="lfr-edge.command.v1", source=f"/lfr/v1/{FLEET}/room", time=signed["made_at_utc"]
    )


def by(signed: dict[str, Any], *keys: Ed25519PrivateKey) -> bytes:
    return canonical(carried(signed, *keys))


def good() -> Iterator[Vector]:
    suspend = by(SUSPEND, ROOM)
    yield "command-suspend", "ok", "a suspension by the room", suspend, {}
    yield "command-suspend-officer", "ok", "a suspension by the officer", by(SUSPEND, OFFICER), {}
    allowed = {"may_suspend": ["custodian", "fleet"]}
    yield "command-suspend-custodian", "ok", "by the custodian, whom the policy lists", by(SUSPEND, CUSTODIAN), allowed
    yield "command-suspend-fleet", "ok", "by the log's key, where the policy lists the fleet", by(SUSPEND, LOG), allowed
    yield "command-suspend-and-a-stranger", "ok", "a stranger's signature beside", by(SUSPEND, ROOM, STRANGER), {}
    behind = {"obeyed": {"numbers": {OFFICER_ID: NUMBER + 5}, "resumed": NUMBER + 9, "standing": {}}}
    yield "command-suspend-late", "ok", "overtaken by others' numbers: a stop never is", suspend, behind
    yield "command-resume", "ok", "both resume", by(RESUME, OFFICER, CUSTODIAN), {"obeyed": SUSPENDED}
    yield "command-resume-nothing", "ok", "both resume, and nothing stands", by(RESUME, OFFICER, CUSTODIAN), {}
    longest = by({**SUSPEND, "reason": "\U0001f600" * 200}, ROOM)
    yield "command-longest-reason", "ok", "200 characters of four bytes", longest, {}


def signatures() -> Iterator[Vector]:
    suspended = {"obeyed": SUSPENDED}
    for name, shows, body, given in (
        ("suspend-stranger", "a suspension by a stranger", by(SUSPEND, STRANGER), {}),
        ("suspend-not-listed", "by the custodian, whom the policy does not list", by(SUSPEND, CUSTODIAN), {}),
        ("suspend-log-not-listed", "by the log's key, where the policy does not list the fleet", by(SUSPEND, LOG), {}),
        (
            "suspend-another-log",
            "by the log key of another deployment",
            by(SUSPEND, STRANGER),
            {"may_suspend": ["fleet"]},
        ),
        ("resume-by-one", "one of the two resumes", by(RESUME, OFFICER), suspended),
        ("resume-by-suspender", "the room resumes what it suspended", by(RESUME, ROOM), suspended),
        ("resume-by-one-and-room", "one of the two, and the room", by(RESUME, OFFICER, ROOM), suspended),
        ("resume-by-one-and-log", "one of the two, and the fleet", by(RESUME, CUSTODIAN, LOG), suspended),
        ("as-resume", "a suspension turned into a resumption", _turned(), suspended),
        ("changed", "its reason was changed after signing", _reworded(), {}),
    ):
        yield f"command-{name}", "SignatureInvalid", shows, body, given
    twice = by(RESUME, OFFICER, OFFICER)
    yield "command-resume-twice-by-one", "DocumentInvalid", "one of the two, twice", twice, suspended
    unsigned = canonical({**carried(SUSPEND, ROOM), "data": {"signatures": [], "signed": SUSPEND}})
    yield "command-unsigned", "DocumentInvalid", "no signature", unsigned, {}


def _turned() -> bytes:
    value = carried({**SUSPEND, "number": RESUME["number"]}, OFFICER, CUSTODIAN)
    value["data"]["signed"] = {**value["data"]["signed"], "command": "resume"}
    return canonical(value)


def _reworded() -> bytes:
    value = carried(SUSPEND, ROOM)
    value["data"]["signed"] = {**SUSPEND, "reason": "nothing"}
    return canonical(value)


FIELDS: tuple[tuple[str, str, Any, str], ...] = (
    ("diagnose", "command", "diagnose", "a command that there is not"),
    ("capitals", "command", "SUSPEND", "a command in capitals"),
    ("number-0", "number", 0, "number 0"),
    ("number-text", "number", "7", "a number in quotes"),
    ("number-half", "number", 7.5, "half a number"),
    ("number-true", "number", True, "the number `true`"),
    ("number-huge", "number", 2**53, "a number that JSON cannot count"),
    ("device-all", "device", "+", "for every van"),
    ("device-list", "device", [DEVICE], "for a list of vans"),
    ("deployment-null", "deployment", None, "for no deployment"),
    ("no-reason-given", "reason", "", "an empty reason"),
    ("long-reason", "reason", "x" * 201, "a reason of 201 characters"),
    ("escape-in-reason", "reason", "\x1b[2J", "a reason that clears a terminal"),
    ("line-end-in-reason", "reason", "a\nb", "a reason of two lines"),
    ("turned-reason", "reason", "\u202egnorw", "a reason that turns the text around"),
    ("time-form", "expires_at_utc", "2026-03-02T12:00:00Z", "a time without milliseconds"),
    ("never-ends", "expires_at_utc", None, "without an end"),
    ("other-type", "type", "receipt", "another type"),
)


def forms() -> Iterator[Vector]:
    yield from bad_bytes("command", by(SUSPEND, ROOM))
    for name, path, value, shows in FIELDS:
        yield f"command-{name}", "DocumentInvalid", shows, by({**changed(SUSPEND, path, value)}, ROOM), {}
    for name in ("number", "expires_at_utc", "device"):
        named = name.replace("_", "-")
        yield f"command-no-{named}", "DocumentInvalid", f"without `{name}`", _by_room(without(SUSPEND, name)), {}
    yield "command-unknown-field", "DocumentInvalid", "a field nobody knows", by({**SUSPEND, "note": 1}, ROOM), {}
    bare = canonical(document(SUSPEND, ROOM))
    yield "command-no-event", "DocumentInvalid", "without its event", bare, {}
    large = canonical({**carried(SUSPEND, ROOM), "source": "x" * 8192})
    yield "command-too-large", "DocumentTooLarge", "over 8 KB", large, {}


def _by_room(signed: dict[str, Any]) -> bytes:
    return canonical(event(document(signed, ROOM), type="lfr-edge.command.v1"))


def circumstances() -> Iterator[Vector]:
    for name, expect, path, value, shows in (
        ("other-van", "CommandElsewhere", "device", "van-2", "for the other van of the order"),
        ("other-deployment", "CommandElsewhere", "deployment", "deployment-2", "for another deployment"),
        ("other-fleet", "CommandElsewhere", "fleet", "fleet-2", "for a van of the same name in another fleet"),
        ("no-date", "CommandInvalid", "expires_at_utc", "2026-02-30T12:00:00.000Z", "expires on 30 February"),
        ("born-dead", "CommandInvalid", "expires_at_utc", NOON, "expires as it is made"),
        (
            "lives-long",
            "CommandInvalid",
            "expires_at_utc",
            "2026-03-02T12:00:00.001Z",
            "lives a millisecond over a day",
        ),
    ):
        yield f"command-{name}", expect, shows, by({**changed(SUSPEND, path, value)}, ROOM), {}
    long = by({**RESUME, "expires_at_utc": "2026-03-01T13:01:00.001Z"}, OFFICER, CUSTODIAN)
    yield (
        "command-resume-lives-long",
        "CommandInvalid",
        "a resumption of more than an hour",
        long,
        {"obeyed": SUSPENDED},
    )
    suspend, resume = by(SUSPEND, ROOM), by(RESUME, OFFICER, CUSTODIAN)
    yield "command-replayed", "CommandStale", "obeyed before", suspend, {"obeyed": SUSPENDED}
    newer = {"numbers": {ROOM_ID: NUMBER + 1}, "resumed": 0, "standing": {}}
    yield "command-overtaken", "CommandStale", "a later one of the same signer was obeyed", suspend, {"obeyed": newer}
    ended = {"numbers": {ROOM_ID: NUMBER}, "resumed": NUMBER + 60_000, "standing": {}}
    yield "command-resume-replayed", "CommandStale", "a resumption obeyed before", resume, {"obeyed": ended}
    again = {"numbers": {ROOM_ID: NUMBER + 60_000}, "resumed": 0, "standing": {ROOM_ID: STANDING}}
    yield "command-resume-withheld", "CommandStale", "made before the newest suspension", resume, {"obeyed": again}
    for name, now, body in (
        ("expired", "2026-03-02T12:00:00.000Z", suspend),
        ("resume-expired", "2026-03-01T13:01:00.000Z", resume),
    ):
        yield f"command-{name}", "CommandExpired", "to the millisecond when it ends", body, {"now": now}


def every_vector() -> dict[str, bytes]:
    """Each file's name and content: header lines, an empty line, the body as it is."""
    files: dict[str, bytes] = {}
    for name, expect, shows, body, given in (*good(), *signatures(), *forms(), *circumstances()):
        head = f"expect: {expect}\nshows: {shows}\ngiven: {json.dumps(given, sort_keys=True)}\n\n"
        assert f"{name}.vector" not in files, name
        files[f"{name}.vector"] = head.encode() + body
    return files


if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    for old in HERE.glob("*.vector"):
        old.unlink()
    for file, content in every_vector().items():
        (HERE / file).write_bytes(content)
