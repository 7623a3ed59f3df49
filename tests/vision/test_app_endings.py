"""How a deployment ends, pauses and changes: by time, by a closer, by a stop, in a power cut; what is left of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from edge import wire
from edge.exits import Exit
from edge.formats.documents import AlertDocument, HealthDocument, RecordDocument
from edge.formats.names import INDEX
from edge.formats.receipts import STEPS, DeletionReceipt
from edge.vision import closing
from edge.vision.memory import LockedBuffer
from tests.vision.app_rig import (
    WALK,
    MadeVanAgain,
    PowerCut,
    buffers,
    documents,
    left_in,
    states,
    states_of,
    van,
)
from tests.vision.made import residue
from tests.vision.made_van import DEPLOYMENT, DEVICE, MadeVan, PassersBy, entry_for

__all__ = ["buffers", "van"]


# The end of an order


def test_order_that_ends_while_watching_closes_everything(van: MadeVan, buffers: list[LockedBuffer]):
    link, camera = van.link(van.files(lasts=timedelta(minutes=5))), PassersBy(WALK, then="again")
    run = van.start(camera)
    assert camera.seen_round.wait(20)
    assert left_in(buffers) == 1
    van.clock.advance(301)
    assert run.ended() == Exit.ENDED
    assert states(link)[-3:] == ["watching", "closing", "standby"]
    assert left_in(buffers) == 0
    assert residue(van.runtime.embedders[0].handed_out) == 0
    assert not camera.running
    assert camera.released == camera.given
    assert len(documents(van, link, RecordDocument)) == 1


def test_stopping_while_watching_wipes_memory_and_lets_the_deployment_go_on(van: MadeVan, buffers: list[LockedBuffer]):
    """A restart of the unit must not destroy the keys of a deployment that is not over."""
    files = van.files()
    link, camera = van.link(files), PassersBy(WALK, then="again")
    run = van.start(camera)
    assert camera.seen_round.wait(20)
    assert run.stop() == Exit.ENDED
    assert left_in(buffers) == 0
    assert camera.released == camera.given
    assert len(documents(van, link, RecordDocument)) == 1
    assert documents(van, link, DeletionReceipt) == []
    second = MadeVanAgain(van)
    link = second.link(files)
    assert second.start(PassersBy(WALK)).ended() == Exit.ENDED
    assert len(documents(van, link, DeletionReceipt)) == 1


def test_a_closer_s_word_ends_the_deployment_and_its_key(van: MadeVan, buffers: list[LockedBuffer]):
    files = van.files()
    recipient = van.fleet.order_of(DEPLOYMENT).vans[DEVICE]
    link, camera = van.link(files), PassersBy(WALK, then="again")
    run = van.start(camera)
    assert camera.seen_round.wait(20)
    van.fleet.close(DEPLOYMENT)
    link.say_changed(van.fleet.files())
    assert run.ended() == Exit.ENDED
    (receipt,) = documents(van, link, DeletionReceipt)
    assert (receipt.closed_because, receipt.vision.recipient_destroyed) == ("close", recipient)
    assert receipt.link is not None
    assert [step.step for step in receipt.vision.steps] == list(STEPS)
    assert left_in(buffers) == 0
    assert not van.vault().holds(recipient)


def test_a_close_that_came_while_the_van_was_off_is_obeyed_before_any_camera_opens(van: MadeVan):
    van.files()
    van.fleet.close(DEPLOYMENT)
    link, camera = van.link(van.fleet.files()), PassersBy(WALK)
    assert van.start(camera).ended() == Exit.ENDED
    assert camera.opened == 0
    (receipt,) = documents(van, link, DeletionReceipt)
    assert receipt.closed_because == "close"


def test_order_that_ended_while_the_van_was_off_destroys_its_key_and_is_signed_for(van: MadeVan):
    link, camera = van.link(van.files(lasts=timedelta(hours=1))), PassersBy(WALK, then="again")
    run = van.start(camera)
    assert camera.seen_round.wait(20)
    assert run.stop() == Exit.ENDED
    recipient = van.fleet.order_of(DEPLOYMENT).vans[DEVICE]
    assert van.vault().holds(recipient)
    van.clock.advance(7200)
    van.fleet.tick()
    again = MadeVanAgain(van)
    link, camera = again.link(van.fleet.files()), PassersBy(WALK)
    assert again.start(camera).ended() == Exit.ENDED
    assert camera.opened == 0
    (receipt,) = documents(van, link, DeletionReceipt)
    assert receipt.closed_because == "fleet_time"
    assert receipt.vision.entries_overwritten == 0  # the list is not opened once more to be closed
    assert receipt.vision.recipient_destroyed == recipient
    assert not van.vault().holds(recipient)


def test_order_that_only_the_clock_calls_over_destroys_nothing(van: MadeVan):
    link, camera = van.link(van.files(lasts=timedelta(hours=1))), PassersBy(WALK)
    van.clock.set_wall(7200)
    run = van.start(camera)
    link.wait_fetched(INDEX, times=3)
    assert run.stop() == Exit.ENDED
    assert camera.opened == 0
    assert van.vault().holds(van.fleet.order_of(DEPLOYMENT).vans[DEVICE])


def test_a_closed_deployment_is_never_opened_again(van: MadeVan):
    van.link(van.files())
    van.start(PassersBy(WALK)).ended()
    second = MadeVanAgain(van)
    order = van.fleet.order_of(DEPLOYMENT)
    key = van.vault().stock()[0].recipient
    van.fleet.publish_version(order.model_copy(update={"version": 7, "vans": {DEVICE: key}}))
    link, camera = second.link(van.fleet.files()), PassersBy(WALK)
    run = second.start(camera)
    link.wait_fetched(INDEX, times=3)
    assert run.stop() == Exit.ENDED
    assert camera.opened == 0


def test_a_delta_is_in_force_without_a_frame_dropped(van: MadeVan):
    """Person 2, who walks past, is put on while the camera runs; nobody else was on the list."""
    link, camera = van.link(van.files(people=(7, 8))), PassersBy(WALK, then="again")
    run = van.start(camera)
    assert camera.seen_round.wait(20)
    assert documents(van, link, AlertDocument) == []
    van.fleet.change(DEPLOYMENT, removes=[entry_for(7).id], adds=[entry_for(2)])
    link.say_changed(van.fleet.files())
    link.heard.wait(lambda items: any(isinstance(each, wire.Publish) for each in items), "the alert")
    assert run.stop() == Exit.ENDED
    health = documents(van, link, HealthDocument)[-1]
    assert (health.watchlist_epoch, health.watchlist_sequence) == (1, 1)
    assert camera.opened == 1


def test_clock_jump_suspends_closes_the_camera_and_destroys_nothing(van: MadeVan, buffers: list[LockedBuffer]):
    link, camera = van.link(van.files()), PassersBy(WALK, then="again")
    run = van.start(camera)
    assert camera.seen_round.wait(20)
    van.clock.set_wall(7200)
    link.wait_state("suspended")
    assert not camera.running
    assert left_in(buffers) == 1
    van.clock.set_wall(-7200)
    van.clock.advance(5)
    van.fleet.tick()
    link.say_changed(van.fleet.files())
    link.heard.wait(lambda items: states_of(items).count("watching") == 2, "watching again")
    assert run.stop() == Exit.ENDED
    assert camera.opened == 2


def test_fleet_that_falls_silent_suspends(van: MadeVan):
    link, camera = van.link(van.files()), PassersBy(WALK, then="again")
    run = van.start(camera)
    assert camera.seen_round.wait(20)
    van.clock.advance(901)
    link.wait_state("suspended")
    assert not camera.running
    assert run.stop() == Exit.ENDED
    assert "nothing was heard" in documents(van, link, HealthDocument)[-1].suspended_because


def test_amended_order_is_opened_anew(van: MadeVan):
    link, camera = van.link(van.files(similarity_threshold=0.999999)), PassersBy(WALK, then="again")
    run = van.start(camera)
    assert camera.seen_round.wait(20)
    order = van.fleet.order_of(DEPLOYMENT)
    van.fleet.publish_version(order.model_copy(update={"version": 2, "similarity_threshold": 0.5}))
    link.say_changed(van.fleet.files())
    link.heard.wait(lambda items: states_of(items).count("watching") == 2, "watching again")
    assert run.stop() == Exit.ENDED
    assert documents(van, link, HealthDocument)[-1].order_version == 2


@pytest.mark.parametrize("step", range(len(STEPS)))
def test_power_cut_in_a_close_is_taken_up_where_it_stopped(van: MadeVan, monkeypatch, step: int):
    """Whatever step the power fails in, the next start finishes the close, and one receipt says so."""
    link = van.link(van.files())
    recipient = van.fleet.order_of(DEPLOYMENT).vans[DEVICE]
    real = closing.Closing._do

    def cut(self, name, journal, overwrite):
        if name == STEPS[step]:
            raise PowerCut
        real(self, name, journal, overwrite)

    monkeypatch.setattr(closing.Closing, "_do", cut)
    with pytest.raises(PowerCut):
        van.start(PassersBy(WALK)).ended()
    monkeypatch.setattr(closing.Closing, "_do", real)
    second = MadeVanAgain(van)
    link = second.link(van.fleet.files())
    camera = PassersBy(WALK)
    assert second.start(camera).ended() == Exit.ENDED
    assert camera.opened == 0
    (receipt,) = documents(van, link, DeletionReceipt)
    assert [each.step for each in receipt.vision.steps] == list(STEPS)
    assert not van.vault().holds(recipient)
