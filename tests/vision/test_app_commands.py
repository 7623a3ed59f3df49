"""Commands on a van: one stops it, two let it go on; neither a restart nor another order undoes that."""

from __future__ import annotations

import errno
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.clock import utc_text
from edge.errors import StateFileInvalid
from edge.exits import Exit
from edge.formats.receipts import DeletionReceipt
from edge.trust.commands import NOTHING_OBEYED, Obeyed
from edge.vision import commands as commands_module
from edge.vision.commands import WAITING_MAX, CommandDesk
from edge.vision.memory import LockedBuffer
from tests.vision.app_rig import WALK, MadeVanAgain, buffers, documents, left_in, states, states_of, van
from tests.vision.command_rig import command, resume, suspend, wait_beat, watching
from tests.vision.made_van import DEPLOYMENT, MadeVan, PassersBy

__all__ = ["buffers", "van"]


def test_one_command_closes_the_camera_and_keeps_the_list(van: MadeVan, buffers: list[LockedBuffer]):
    run, link, camera = watching(van)
    link.command(suspend(van))
    link.wait_state("suspended")
    assert not camera.running
    assert left_in(buffers) == 1
    beat = wait_beat(van, link, lambda each: each.state == "suspended")
    assert beat.suspended_because == "by command of the room: the lens is dirty"
    assert (beat.command_number, beat.command_refused) == (1, "")
    assert run.stop() == Exit.ENDED


def test_officer_custodian_and_fleet_suspend_too_and_each_is_told(van: MadeVan):
    run, link, camera = watching(van)
    keys = {
        "officer": van.fleet.key_of("officer"),
        "custodian": van.fleet.key_of("custodian"),
        "fleet": van.fleet.log_key_of(DEPLOYMENT),
    }
    for number, (who, key) in enumerate(keys.items(), 1):
        link.command(command(van, "suspend", number, key, reason=f"seen by the {who}"))
        beat = wait_beat(van, link, lambda each, number=number: each.command_number == number)
        assert not camera.running
        assert f"by command of the {who}: seen by the {who}" in (beat.suspended_because or "")
    assert (beat.suspended_because or "").count("by command") == 3
    assert run.stop() == Exit.ENDED


def test_two_let_it_go_on(van: MadeVan):
    run, link, camera = watching(van)
    link.command(suspend(van))
    link.wait_state("suspended")
    camera.seen_round.clear()
    link.command(resume(van))
    link.heard.wait(lambda items: states_of(items).count("watching") == 2, "watching again")
    assert camera.seen_round.wait(20)
    beat = wait_beat(van, link, lambda each: each.state == "watching" and each.command_number == 2)
    assert beat.suspended_because is None
    assert run.stop() == Exit.ENDED
    assert camera.opened == 2


def test_suspension_outlives_a_restart_and_its_command(van: MadeVan):
    run, link, _ = watching(van)
    link.command(suspend(van, expires_at_utc=utc_text(van.clock.now_utc() + timedelta(seconds=30))))
    link.wait_state("suspended")
    assert run.stop() == Exit.ENDED
    van.clock.advance(60)
    second = MadeVanAgain(van)
    link, camera = second.link(van.fleet.files()), PassersBy(WALK)
    run = second.start(camera)
    link.wait_state("suspended")
    assert run.stop() == Exit.ENDED
    assert camera.opened == 0
    assert "watching" not in states(link)


def test_suspension_outlives_an_amended_order(van: MadeVan):
    run, link, camera = watching(van)
    link.command(suspend(van))
    link.wait_state("suspended")
    order = van.fleet.order_of(DEPLOYMENT)
    van.fleet.publish_version(order.model_copy(update={"version": 2}))
    link.say_changed(van.fleet.files())
    link.heard.wait(lambda items: states_of(items).count("suspended") == 2, "suspended again")
    beat = wait_beat(van, link, lambda each: each.order_version == 2 and each.state == "suspended")
    assert "by command" in (beat.suspended_because or "")
    assert camera.opened == 1
    assert run.stop() == Exit.ENDED


def test_command_that_came_before_the_order_is_obeyed_before_any_camera_opens(van: MadeVan):
    files = van.files()
    link, camera = van.link({}), PassersBy(WALK)
    run = van.start(camera)
    link.wait_state("standby")
    link.command(suspend(van))
    link.say_changed(files)
    link.wait_state("suspended")
    assert run.stop() == Exit.ENDED
    assert camera.opened == 0


def test_close_ends_a_suspended_deployment_and_forgets_its_commands(van: MadeVan):
    run, link, _ = watching(van)
    path = van.folder / "state" / "vision" / "commands.json"
    link.command(suspend(van))
    link.wait_state("suspended")
    assert path.exists()
    van.fleet.close(DEPLOYMENT)
    link.say_changed(van.fleet.files())
    assert run.ended() == Exit.ENDED
    (receipt,) = documents(van, link, DeletionReceipt)
    assert receipt.closed_because == "close"
    assert not path.exists()


def test_order_ends_while_suspended_no_later_than_without(van: MadeVan):
    run, link, _ = watching(van, lasts=timedelta(minutes=5))
    link.command(suspend(van))
    link.wait_state("suspended")
    van.clock.advance(301)
    assert run.ended() == Exit.ENDED
    assert documents(van, link, DeletionReceipt)[0].closed_because in ("boot_time", "order_end")


def test_resumption_ends_no_suspension_by_the_clock(van: MadeVan):
    run, link, camera = watching(van)
    link.command(suspend(van))
    link.wait_state("suspended")
    van.clock.set_wall(1800)
    wait_beat(van, link, lambda each: "jumped" in (each.suspended_because or ""))
    link.command(resume(van))
    beat = wait_beat(van, link, lambda each: each.command_number == 2)
    assert "by command" not in (beat.suspended_because or "")
    assert "jumped" in (beat.suspended_because or "")
    assert run.stop() == Exit.ENDED
    assert camera.opened == 1


def test_refusal_is_said_and_a_later_command_clears_it(van: MadeVan):
    run, link, _ = watching(van)
    link.command(command(van, "suspend", 1, Ed25519PrivateKey.generate()))
    beat = wait_beat(van, link, lambda each: each.command_refused)
    assert "SignatureInvalid" in beat.command_refused
    assert beat.state == "watching"
    link.command(suspend(van))
    beat = wait_beat(van, link, lambda each: each.state == "suspended")
    assert beat.command_refused == ""
    assert run.stop() == Exit.ENDED


# What is kept


def test_a_file_of_commands_that_cannot_be_read_stops_the_van(van: MadeVan):
    folder = van.folder / "state" / "vision"
    folder.mkdir(parents=True, exist_ok=True)
    for content in (b"", b"{}", b'{"deployments":{"a":{}}}', b"\xff" * 9, b'{"deployments":[]}'):
        (folder / "commands.json").write_bytes(content)
        with pytest.raises(StateFileInvalid, match="a suspension may stand in it"):
            CommandDesk(folder / "commands.json", "van-1")


def test_on_a_full_disk_a_stop_is_obeyed_and_a_start_is_not(van: MadeVan, monkeypatch):
    run, link, camera = watching(van)

    def full(path: Any, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(commands_module, "write_durably", full)
    link.command(suspend(van))
    link.wait_state("suspended")
    link.command(resume(van))
    wait_beat(van, link, lambda each: "No space left" in each.command_refused)
    assert run.stop() == Exit.ENDED
    assert camera.opened == 1


def test_commands_of_another_deployment_are_kept_apart(van: MadeVan, tmp_path):
    van.files()
    desk = CommandDesk(tmp_path / "commands.json", "van-1")
    desk._deployments = {f"old-{n}": Obeyed(numbers={}, resumed=n, standing={}) for n in range(1, 70)}
    desk.hand_in(suspend(van))
    opened = type("Opened", (), {"order": van.fleet.order_of(DEPLOYMENT), "policy": van.fleet._policy})()
    desk.obey_waiting(opened, frozenset(), van.clock.now_utc())
    assert desk.of(DEPLOYMENT).why
    again = CommandDesk(tmp_path / "commands.json", "van-1")
    assert again.of(DEPLOYMENT) == desk.of(DEPLOYMENT)
    assert again.of("old-69").resumed == 69
    assert again.of("old-1") == NOTHING_OBEYED
    again.forget(DEPLOYMENT)
    assert CommandDesk(tmp_path / "commands.json", "van-1").of(DEPLOYMENT) == NOTHING_OBEYED


def test_flood_of_commands_costs_no_more_memory_than_a_few(van: MadeVan, tmp_path):
    desk = CommandDesk(tmp_path / "commands.json", "van-1")
    for number in range(10_000):
        desk.hand_in(b"%d" % number)
    assert len(desk._waiting) == WAITING_MAX
