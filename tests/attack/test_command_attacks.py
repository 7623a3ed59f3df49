"""Attacks by command: whatever comes, from whomever, one key never starts a van, and nothing old counts."""

from __future__ import annotations

import json
import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge import wire
from edge.exits import Exit
from edge.formats.commands import COMMAND_MAX_BYTES
from edge.trust.documents import canonical
from edge.trust.orders import OpenedOrder, read_order
from edge.trust.policy import read_policy
from edge.vision.commands import CommandDesk
from tests.link.rig import PATIENCE_S
from tests.trust.made_commands import command_event, command_fields
from tests.vectors import make_command_vectors as made
from tests.vectors.make_order_vectors import CUSTODIAN, OFFICER, ORDER, POLICY, ROOM, STRANGER
from tests.vectors.make_vectors import DEPLOYMENT as HERE
from tests.vectors.make_vectors import VAN
from tests.vectors.make_vectors import canonical as plain
from tests.vision.app_rig import WALK, MadeVanAgain, states, states_of, van
from tests.vision.command_rig import command, resume, suspend, suspended, wait_beat, watching
from tests.vision.made_van import DEPLOYMENT, AppRun, MadeVan, PassersBy, ScriptedLink

__all__ = ["van"]

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
OPENED = OpenedOrder(read_order(plain(ORDER)), read_policy(plain(POLICY)), "00" * 32, "5a" * 16)


class Desk:
    """A van's desk of commands, with the order of the vectors in force; the policy lists officer and room."""

    def __init__(self, folder: Path) -> None:
        self.desk = CommandDesk(folder / "commands.json", "van-1")

    def give(self, event: bytes, now: datetime = NOON) -> str:
        """Hand one in; why it is refused."""
        self.desk.hand_in(event)
        self.desk.obey_waiting(OPENED, frozenset({made.LOG_ID}), now)
        return self.desk.refused

    @property
    def suspended(self) -> bool:
        return bool(self.desk.of(HERE).why)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def event(kind: str, number: int, *keys: Ed25519PrivateKey, **changes: Any) -> bytes:
    return command_event(command_fields(kind, number, NOON, **{"deployment": HERE, **changes}), *keys)


# Who may not, and where


@pytest.mark.parametrize(
    "key",
    [STRANGER, CUSTODIAN, made.LOG, VAN],
    ids=["a stranger", "one whom the policy does not list", "the fleet, not listed either", "the van itself"],
)
def test_suspension_by_one_who_may_not_is_refused(desk: Desk, key: Ed25519PrivateKey):
    assert desk.give(event("suspend", 5, key)).startswith("SignatureInvalid")
    assert not desk.suspended


@pytest.mark.parametrize(
    "keys",
    [(ROOM,), (OFFICER,), (OFFICER, ROOM), (OFFICER, OFFICER), (CUSTODIAN, STRANGER), (CUSTODIAN, made.LOG)],
    ids=[
        "the one who suspended",
        "one of two",
        "one and the room",
        "one twice",
        "one and a stranger",
        "one and the fleet",
    ],
)
def test_resumption_by_fewer_than_the_two_starts_nothing(desk: Desk, keys: tuple[Ed25519PrivateKey, ...]):
    desk.give(event("suspend", 1, ROOM))
    assert desk.give(event("resume", 5, *keys))
    assert desk.suspended


@pytest.mark.parametrize("elsewhere", [{"device": "van-2"}, {"deployment": "market-2"}, {"fleet": "fleet-2"}], ids=str)
def test_command_for_another_van_deployment_or_fleet_is_replayed_in_vain(desk: Desk, elsewhere: dict[str, str]):
    desk.give(event("suspend", 4, ROOM, **elsewhere))
    assert not desk.suspended
    desk.give(event("suspend", 5, ROOM))
    desk.give(event("resume", 6, OFFICER, CUSTODIAN, **elsewhere))
    assert desk.suspended


@pytest.mark.parametrize("field", sorted(made.SUSPEND))
def test_command_forged_by_broker_or_link_is_refused(desk: Desk, field: str):
    """Any field that whoever carries it may like to be another."""
    value = json.loads(event("suspend", 5, OFFICER, CUSTODIAN))
    signed = value["data"]["signed"]
    wanted = {"command": "resume", "number": 6, "expires_at_utc": "2026-03-01T23:00:00.000Z", "device": "van-2"}
    signed[field] = wanted.get(field, "another")
    assert desk.give(canonical(value)).startswith("SignatureInvalid")
    assert not desk.suspended


@pytest.mark.parametrize("junk", [b"", b"{}", b"\0" * 100, b"[" * 5000, b"9" * COMMAND_MAX_BYTES, b"x" * 40_000])
def test_junk_and_oversized_commands_are_refused_and_nothing_else_happens(desk: Desk, junk: bytes):
    assert desk.give(junk).startswith("Document")
    assert not desk.suspended


@pytest.mark.parametrize("kind", ["suspend", "resume"])
def test_expired_command_is_refused(desk: Desk, kind: str):
    desk.give(event("suspend", 1, OFFICER))
    keys = (ROOM,) if kind == "suspend" else (OFFICER, CUSTODIAN)
    life = timedelta(days=1) if kind == "suspend" else timedelta(hours=1)
    assert desk.give(event(kind, 5, *keys), NOON + life).startswith("CommandExpired")
    assert desk.suspended
    assert desk.desk.of(HERE).number == 1


@pytest.mark.parametrize("kind", ["suspend", "resume"])
def test_command_that_would_live_for_ever_is_refused(desk: Desk, kind: str):
    keys = (ROOM,) if kind == "suspend" else (OFFICER, CUSTODIAN)
    assert desk.give(event(kind, 5, *keys, expires_at_utc="2099-01-01T00:00:00.000Z")).startswith("CommandInvalid")


def test_stale_number_is_obeyed_by_nobody_after_a_restart_either(desk: Desk, tmp_path: Path):
    suspension, resumption = event("suspend", 1, ROOM), event("resume", 2, OFFICER, CUSTODIAN)
    for each in (suspension, resumption, event("suspend", 3, OFFICER)):
        desk.give(each)
    again = Desk(tmp_path)
    for each in (suspension, resumption):
        assert again.give(each) == ""
    assert again.suspended
    assert again.desk.of(HERE).number == 3


# On a whole van


def probe(van: MadeVan, link: ScriptedLink, number: int) -> None:
    """A good suspension after the attack: once it is obeyed, all that came before it was looked at."""
    link.command(suspend(van, number))
    wait_beat(van, link, lambda each: each.command_number == number)


def assert_still_suspended(van: MadeVan, run: AppRun, link: ScriptedLink, camera: PassersBy) -> None:
    probe(van, link, 1000)
    assert run.stop() == Exit.ENDED
    assert states(link).count("watching") == 1
    assert camera.opened == 1


def test_replayed_suspension_stops_nothing_after_the_resumption(van: MadeVan):
    old = suspend(van)
    run, link, _ = watching(van)
    link.command(old)
    link.wait_state("suspended")
    link.command(resume(van))
    link.heard.wait(lambda items: states_of(items).count("watching") == 2, "watching again")
    link.command(old)
    link.command(command(van, "suspend", 9, Ed25519PrivateKey.generate()))
    beat = wait_beat(van, link, lambda each: each.command_refused)
    assert (beat.state, beat.command_number) == ("watching", 2)
    assert run.stop() == Exit.ENDED


def test_resumption_withheld_until_after_another_suspension_starts_nothing(van: MadeVan):
    withheld = resume(van, 2)
    run, link, camera = suspended(van)
    link.command(suspend(van, 3))
    wait_beat(van, link, lambda each: each.command_number == 3)
    link.command(withheld)
    assert_still_suspended(van, run, link, camera)


def test_replay_after_a_restart_starts_nothing(van: MadeVan):
    old = resume(van, 2)
    run, link, _ = suspended(van)
    link.command(old)
    link.heard.wait(lambda items: states_of(items).count("watching") == 2, "watching again")
    link.command(suspend(van, 3))
    link.heard.wait(lambda items: states_of(items).count("suspended") == 2, "suspended again")
    assert run.stop() == Exit.ENDED
    second = MadeVanAgain(van)
    link, camera = second.link(van.fleet.files()), PassersBy(WALK)
    run = second.start(camera)
    link.wait_state("suspended")
    link.command(old)
    probe(van, link, 1000)
    assert run.stop() == Exit.ENDED
    assert camera.opened == 0


def test_another_order_in_between_makes_a_van_forget_no_suspension(van: MadeVan):
    """A link chooses which of a van's orders it hints at first; that must not wash a suspension away."""
    run, link, _ = suspended(van)
    assert run.stop() == Exit.ENDED
    second = MadeVanAgain(van)
    files = van.files(deployment="market-2")
    link, camera = second.link(files), PassersBy(WALK, then="again")
    run = second.start(camera)
    assert camera.seen_round.wait(20)
    link.command(suspend(van, 5, deployment="market-2"))
    link.wait_state("suspended")
    assert run.stop() == Exit.ENDED
    third = MadeVanAgain(van)
    hint = canonical({"deployments": [DEPLOYMENT]})
    link, camera = third.link({**van.fleet.files(), "hints/van-1.json": hint}), PassersBy(WALK)
    run = third.start(camera)
    beat = wait_beat(van, link, lambda each: each.state == "suspended")
    assert beat.deployment == DEPLOYMENT
    assert run.stop() == Exit.ENDED
    assert camera.opened == 0


def test_expired_resumption_starts_nothing_though_the_clock_is_set_back_to_meet_it(van: MadeVan):
    withheld = resume(van, 5)
    run, link, camera = suspended(van, lasts=timedelta(hours=3))
    van.clock.advance(3600)
    silent = wait_beat(van, link, lambda each: "nothing was heard" in (each.suspended_because or ""))
    van.fleet.tick()
    link.say_changed(van.fleet.files())
    wait_beat(van, link, lambda each: each.beat > silent.beat and "nothing" not in (each.suspended_because or ""))
    van.clock.set_wall(-1800)
    wait_beat(van, link, lambda each: "clock" in (each.suspended_because or ""))
    link.command(withheld)
    beat = wait_beat(van, link, lambda each: each.command_refused)
    assert "CommandExpired" in beat.command_refused
    assert run.stop() == Exit.ENDED
    assert camera.opened == 1


def test_stolen_log_key_commands_nothing_once_both_have_signed_another(van: MadeVan):
    run, link, _ = watching(van)
    stolen = van.fleet.log_key_of(DEPLOYMENT)
    van.fleet.change_log_key(DEPLOYMENT)
    link.say_changed(van.fleet.files())
    newer = command(van, "suspend", 5, van.fleet.log_key_of(DEPLOYMENT))
    pause, until_s = threading.Event(), PATIENCE_S
    while "suspended" not in states(link) and until_s > 0:
        link.command(newer)  # refused until the new role is read
        pause.wait(0.1)
        until_s -= 0.1
    link.command(resume(van, 6))
    link.heard.wait(lambda items: states_of(items).count("watching") == 2, "watching again")
    link.command(command(van, "suspend", 7, stolen))
    beat = wait_beat(van, link, lambda each: each.command_refused and each.command_number == 6)
    assert beat.state == "watching"
    assert run.stop() == Exit.ENDED


def test_oversized_command_costs_link_its_connection_and_the_van_nothing(van: MadeVan):
    run, link, _ = watching(van)
    data = wire.encode(wire.Commanded(b"x")) + b"x" * COMMAND_MAX_BYTES
    link._pipe._connection.send(data)
    again = van.link(van.fleet.files())
    again.command(suspend(van, 5))
    again.wait_state("suspended")
    assert run.stop() == Exit.ENDED


def test_flood_of_forged_commands_does_not_keep_the_true_one_out(van: MadeVan):
    run, link, _ = watching(van)
    stranger = Ed25519PrivateKey.generate()
    for number in range(200):
        link.command(command(van, "suspend", 1 + number, stranger))
    link.command(suspend(van, 5))
    link.wait_state("suspended")
    assert run.stop() == Exit.ENDED
