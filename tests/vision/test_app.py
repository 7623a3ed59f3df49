"""The vision half, whole: no order, no camera; an order's end is the end of everything; every ending has its code."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from edge import wire
from edge.errors import CameraCorrupt, CameraStalled, CameraVanished, ModelRejected
from edge.exits import Exit
from edge.formats.documents import AlertDocument, HealthDocument, RecordDocument
from edge.formats.names import INDEX, hint_name
from edge.formats.receipts import DeletionReceipt
from edge.vision import app as app_module
from edge.vision import closing
from edge.vision.memory import LockedBuffer
from tests.vision.app_rig import (
    WALK,
    MadeVanAgain,
    buffers,
    documents,
    left_in,
    states,
    status_of,
    van,
)
from tests.vision.made import residue
from tests.vision.made_van import BACKEND, DEPLOYMENT, DEVICE, MadeVan, PassersBy, ScriptedLink

__all__ = ["buffers", "van"]


# A good deployment


def test_a_deployment_from_its_order_to_its_end(van: MadeVan, buffers: list[LockedBuffer]):
    link, camera = van.link(van.files()), PassersBy(WALK)
    assert van.start(camera).ended() == Exit.ENDED
    (alert,) = documents(van, link, AlertDocument)
    assert (alert.deployment, alert.device, alert.sequence) == (DEPLOYMENT, DEVICE, 1)
    (record,) = documents(van, link, RecordDocument)
    assert record.sequence == 2
    assert (record.statistics.alerts, record.statistics.faces_seen, record.statistics.frames_read) == (1, 1, 12)
    assert record.watchlist_entries == 3
    assert states(link)[-4:] == ["preparing", "watching", "closing", "standby"]
    (receipt,) = documents(van, link, DeletionReceipt)
    assert (receipt.sequence, receipt.closed_because, receipt.vision.entries_overwritten) == (3, "camera_end", 3)
    assert left_in(buffers) == 0
    assert residue(van.runtime.embedders[0].handed_out) == 0
    assert (camera.opened, camera.running, camera.released) == (1, False, 12)


def test_link_is_told_whose_receipts_count_before_the_first_alert(van: MadeVan):
    link = van.link(van.files())
    van.start(PassersBy(WALK)).ended()
    kinds = [type(message) for message in link.heard.all()]
    assert kinds.index(wire.OpenDeployment) < kinds.index(wire.Publish)


def test_each_state_is_beaten_at_once_and_signed(van: MadeVan):
    link = van.link(van.files())
    van.start(PassersBy(WALK)).ended()
    beats = documents(van, link, HealthDocument)
    assert {"watching", "standby"} <= {beat.state for beat in beats}
    assert [beat.beat for beat in beats] == sorted({beat.beat for beat in beats})
    assert beats[-1].last_sequence == 3


def test_status_file_says_how_it_ended(van: MadeVan):
    van.link(van.files())
    van.start(PassersBy(WALK)).ended()
    status = status_of(van)
    assert (status["half"], status["facts"]["state"], status["facts"]["deployment"]) == (
        "vision",
        "standby",
        DEPLOYMENT,
    )
    assert status["health"]["statistics"]["alerts"] == 1
    assert status["facts"]["watchlist_entries"] == 0


def test_sequence_numbers_go_on_after_a_restart(van: MadeVan):
    van.link(van.files())
    van.start(PassersBy(WALK)).ended()
    second = MadeVanAgain(van)
    link = second.link(van.files(deployment="market-2"))
    second.start(PassersBy(WALK)).ended()
    assert [message.sequence for message in link.of(wire.Publish)] == [4, 5, 6]


# No order, no camera


def refused_and_asked_again(van: MadeVan, files: dict[str, bytes], name: str) -> tuple[PassersBy, ScriptedLink]:
    """A van that was told something wrong, has asked again, and was then stopped."""
    camera, link = PassersBy(WALK), van.link(files)
    run = van.start(camera)
    link.wait_fetched(name, times=3)
    assert run.stop() == Exit.ENDED
    return camera, link


def assert_never_opened(van: MadeVan, camera: PassersBy, link: ScriptedLink) -> None:
    assert (camera.opened, camera.given) == (0, 0)
    assert "watching" not in states(link)
    assert link.of(wire.Publish) == []
    assert van.runtime.embedders[0].handed_out == []


def test_without_an_order_the_camera_is_never_opened(van: MadeVan):
    camera, link = refused_and_asked_again(van, {}, INDEX)
    assert_never_opened(van, camera, link)
    assert states(link)[-1] == "standby"


def test_an_order_that_is_over_is_standby_without_camera(van: MadeVan):
    files = van.files()
    van.clock.advance(3601)
    camera, link = refused_and_asked_again(van, files, INDEX)
    assert_never_opened(van, camera, link)


def test_list_is_prepared_before_its_time_and_the_camera_waits(van: MadeVan):
    link, camera = van.link(van.files(begins_in=timedelta(minutes=10))), PassersBy(WALK)
    run = van.start(camera)
    link.heard.wait(lambda items: any(isinstance(each, wire.OpenDeployment) for each in items), "the list opened")
    assert (camera.opened, states(link)[-1]) == (0, "preparing")
    van.clock.advance(601)
    assert run.ended() == Exit.ENDED
    assert camera.opened == 1


@pytest.mark.parametrize("change", [{"pack_sha256": "00" * 32}, {"threshold_backend": "other/int8"}])
def test_an_order_for_another_pack_or_backend_is_refused(van: MadeVan, change: dict[str, str]):
    assert_never_opened(van, *refused_and_asked_again(van, van.files(**change), INDEX))


def test_an_order_for_another_van_is_refused(van: MadeVan):
    files = van.files(device="van-2")
    files[hint_name(DEVICE)] = files[hint_name("van-2")]
    assert_never_opened(van, *refused_and_asked_again(van, files, INDEX))


def test_an_order_mended_by_the_fleet_is_obeyed(van: MadeVan):
    link, camera = van.link(van.files(threshold_backend="other/int8")), PassersBy(WALK)
    run = van.start(camera)
    link.wait_fetched(INDEX, times=2)
    assert camera.opened == 0
    order = van.fleet.order_of(DEPLOYMENT)
    van.fleet.publish_version(order.model_copy(update={"version": 2, "threshold_backend": BACKEND}))
    link.say_changed(van.fleet.files())
    assert run.ended() == Exit.ENDED
    assert camera.opened == 1


def test_without_any_link_the_camera_stays_closed_and_stopping_works(van: MadeVan, monkeypatch):
    monkeypatch.setattr(app_module, "FETCH_TIMEOUT_S", 0.01)
    camera = PassersBy(WALK)
    assert van.start(camera).stop() == Exit.ENDED
    assert camera.opened == 0


# Endings that are failures


@pytest.mark.parametrize("error", [CameraVanished("unplugged"), CameraStalled("no frame"), CameraCorrupt("garbage")])
def test_a_camera_that_fails_for_good_has_its_own_exit_code_and_is_named(van: MadeVan, error, buffers):
    link = van.link(van.files())
    assert van.start(PassersBy(WALK, then=error)).ended() == Exit.CAMERA_FAILED
    last = documents(van, link, HealthDocument)[-1]
    assert last.camera == "failed"
    assert last.statistics.camera_faults == {error.reason: 1}
    assert status_of(van)["camera_error"] == str(error)
    assert documents(van, link, RecordDocument)[0].statistics.camera_faults == {error.reason: 1}
    assert left_in(buffers) == 0


def test_documents_that_link_does_not_store_have_their_own_exit_code(van: MadeVan, monkeypatch):
    monkeypatch.setattr(closing, "STORED_WAIT_S", 0.05)
    link = van.link(van.files())
    link.stores = False
    assert van.start(PassersBy(WALK)).ended() == Exit.NOT_STORED


@pytest.mark.parametrize("network", ["detectors", "embedders"])
def test_a_network_that_fails_ends_the_half_with_its_error_and_leaves_nothing(van: MadeVan, buffers, network):
    van.link(van.files())
    camera = PassersBy(WALK, then="again")
    load = van.runtime.load

    def failing(content: bytes, label: str):
        model = load(content, label)
        if model in getattr(van.runtime, network):
            model.fails_after = 5
        return model

    van.runtime.load = failing  # type: ignore[method-assign]
    run = van.start(camera)
    with pytest.raises(ModelRejected, match="as told"):
        run.ended()
    assert left_in(buffers) == 0
    assert residue(van.runtime.embedders[0].handed_out) == 0
    assert not camera.running
    assert camera.released == camera.given


def test_a_disk_that_takes_no_status_ends_neither_heartbeat_nor_deployment(van: MadeVan, buffers, monkeypatch):
    van.link(van.files())
    camera = PassersBy(WALK, then="again")
    run = van.start(camera)
    assert camera.seen_round.wait(20)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("edge.vision.reporter.write_durably", full)
    run.app.request_stop()
    assert run.ended() == Exit.ENDED
    assert left_in(buffers) == 0


def test_latency_is_counted_from_capture_to_what_link_has_stored(van: MadeVan):
    link = van.link(van.files())
    van.start(PassersBy(WALK)).ended()
    (record,) = documents(van, link, RecordDocument)
    assert record.statistics.latency_ms.count <= 1
    assert status_of(van)["health"]["statistics"]["latency_ms"]["count"] == 1


def test_the_camera_s_pictures_are_not_changed(van: MadeVan):
    van.link(van.files())
    before = [image.copy() for image in WALK]
    van.start(PassersBy(WALK)).ended()
    assert all(np.array_equal(a, b) for a, b in zip(before, WALK, strict=True))
