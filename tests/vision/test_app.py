"""The vision half, whole: no order, no camera; an order's end is the end of everything; every ending has its code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge import wire
from edge.errors import CameraCorrupt, CameraStalled, CameraVanished, ModelRejected
from edge.exits import Exit
from edge.formats.documents import AlertDocument, HealthDocument, RecordDocument
from edge.formats.topics import order_name
from edge.trust.documents import public_hex
from edge.trust.envelope import unwrap
from edge.vision import app as app_module
from edge.vision import deployment
from edge.vision.memory import LockedBuffer
from tests.vision.made import picture, residue
from tests.vision.made_van import DEPLOYMENT, DEVICE, MadeVan, PassersBy, ScriptedLink, keep_in

WALK = [picture((2, 10 + 5 * index, 30, 40)) for index in range(12)]
ORDER = order_name(DEVICE)


@pytest.fixture
def van(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MadeVan]:
    monkeypatch.setattr(deployment, "RETRY_WAIT_S", 0.01)
    monkeypatch.setattr(app_module, "_POLL_S", 0.02)
    van = MadeVan(tmp_path)
    yield van
    van.close()


@pytest.fixture
def buffers(monkeypatch: pytest.MonkeyPatch) -> list[LockedBuffer]:
    """Every locked buffer of the run."""
    made: list[LockedBuffer] = []
    monkeypatch.setattr(deployment, "LockedBuffer", keep_in(made, LockedBuffer))
    return made


def left_in(buffers: list[LockedBuffer]) -> int:
    return residue([buffer.array("u1", (len(buffer._map),)) for buffer in buffers])


def documents(van: MadeVan, link: ScriptedLink, kind: type) -> list[Any]:
    channel = {AlertDocument: "alerts", RecordDocument: "records"}.get(kind)
    messages = link.of(wire.Health if channel is None else wire.Publish)
    trusted = {public_hex(van.signing_key)}
    return [unwrap(each.payload, kind, trusted) for each in messages if channel in (None, getattr(each, "channel", ""))]


def states(link: ScriptedLink) -> list[str]:
    return [each.state for each in link.of(wire.StateChanged)]


def status_of(van: MadeVan) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((van.folder / "state" / "vision" / "status.json").read_text())
    return value


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
    assert beats[-1].last_sequence == 2


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
    assert status["facts"]["watchlist_entries"] == 3


def test_sequence_numbers_go_on_after_a_restart(van: MadeVan):
    files = van.files()
    van.link(files)
    van.start(PassersBy(WALK)).ended()
    second = MadeVanAgain(van)
    link = second.link(files)
    second.start(PassersBy(WALK)).ended()
    assert [message.sequence for message in link.of(wire.Publish)] == [3, 4]


class MadeVanAgain:
    """The same van after a restart: same folder and keys, a fresh listening socket."""

    def __init__(self, van: MadeVan) -> None:
        van.listener.close()
        van.listener = wire.listen(van.socket_path)
        self.link, self.start = van.link, van.start


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
    assert link.of(wire.Publish) == link.of(wire.OpenDeployment) == []
    assert van.runtime.embedders[0].handed_out == []


def test_without_an_order_the_camera_is_never_opened(van: MadeVan):
    camera, link = refused_and_asked_again(van, {}, ORDER)
    assert_never_opened(van, camera, link)
    assert states(link)[-1] == "standby"


@pytest.mark.parametrize("wait_s", [-3600.0, 3601.0], ids=["not yet", "over"])
def test_an_order_outside_its_time_is_standby_without_camera(van: MadeVan, wait_s: float):
    files = van.files()
    van.clock.advance(wait_s)
    camera, link = refused_and_asked_again(van, files, ORDER)
    assert_never_opened(van, camera, link)


@pytest.mark.parametrize("change", [{"fleet": "fleet-2"}, {"pack_sha256": "00" * 32}], ids=["fleet", "pack"])
def test_an_order_for_another_fleet_or_pack_is_refused(van: MadeVan, change: dict[str, str]):
    assert_never_opened(van, *refused_and_asked_again(van, van.files(**change), ORDER))


def test_an_order_for_another_van_is_refused(van: MadeVan):
    files = van.files(device="van-2")
    files[ORDER] = files[order_name("van-2")]
    assert_never_opened(van, *refused_and_asked_again(van, files, ORDER))


def test_an_order_mended_by_the_fleet_is_obeyed(van: MadeVan):
    link, camera = van.link(van.files(key=van.signing_key)), PassersBy(WALK)
    run = van.start(camera)
    link.wait_fetched(ORDER, times=2)
    assert camera.opened == 0
    link.files = van.files()
    assert run.ended() == Exit.ENDED
    assert camera.opened == 1


def test_without_any_link_the_camera_stays_closed_and_stopping_works(van: MadeVan, monkeypatch):
    monkeypatch.setattr(deployment, "FETCH_TIMEOUT_S", 0.01)
    camera = PassersBy(WALK)
    assert van.start(camera).stop() == Exit.ENDED
    assert camera.opened == 0


# The end of an order


def test_order_that_ends_while_watching_closes_everything(van: MadeVan, buffers: list[LockedBuffer]):
    link, camera = van.link(van.files(valid_for=timedelta(minutes=5))), PassersBy(WALK, then="again")
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


def test_stopping_while_watching_closes_everything_the_same_way(van: MadeVan, buffers: list[LockedBuffer]):
    link, camera = van.link(van.files()), PassersBy(WALK, then="again")
    run = van.start(camera)
    assert camera.seen_round.wait(20)
    assert run.stop() == Exit.ENDED
    assert left_in(buffers) == 0
    assert camera.released == camera.given
    assert len(documents(van, link, RecordDocument)) == 1


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
    monkeypatch.setattr(app_module, "STORED_WAIT_S", 0.05)
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
