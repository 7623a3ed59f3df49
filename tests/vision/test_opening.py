"""Finding an order: hints are believed by nobody, and a van without a link goes on with what it verified before."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge import wire
from edge.errors import DocumentInvalid, LfrError
from edge.exits import Exit
from edge.vision.opening import read_hint
from edge.vision.timekeeper import Timekeeper
from tests.fake_clock import FakeClock
from tests.json_values import nearly_json
from tests.made_documents import order
from tests.vision.app_rig import WALK, MadeVanAgain, van
from tests.vision.made_van import MadeVan, PassersBy

__all__ = ["van"]


def test_hint_names_where_to_look():
    assert read_hint(b'{"deployments":["market","station"]}') == ("market", "station")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'{"deployments":"market"}',
        b'{"deployments":["UP"]}',
        b'{"deployments":["a/b"]}',
        b'{"deployments":[1]}',
        b'{"deployments":["a"],"x":1}',
        b'{"deployments": ["a"]}',
        json.dumps({"deployments": [f"d{n}" for n in range(9)]}, separators=(",", ":")).encode(),
        b'{"deployments":["' + b"a" * 5000 + b'"]}',
    ],
)
def test_hint_in_any_other_form_is_refused(data: bytes):
    with pytest.raises(DocumentInvalid):
        read_hint(data)


@given(st.binary(max_size=200) | nearly_json())
def test_no_hint_raises_anything_but_our_own(data: bytes):
    with contextlib.suppress(LfrError):
        assert len(read_hint(data)) <= 8


def test_van_without_a_link_to_the_broker_goes_on_within_the_staleness_limit(van: MadeVan):
    """After a restart link has the list's ciphertext on disk and no broker: what vision kept is verified again."""
    files = van.files()
    van.link(files)
    camera = PassersBy(WALK, then="again")
    run = van.start(camera)
    assert camera.seen_round.wait(20)
    assert run.stop() == Exit.ENDED
    second = MadeVanAgain(van)
    link = second.link({name: data for name, data in files.items() if name.startswith("deployments/")})
    camera = PassersBy(WALK)
    assert second.start(camera).ended() == Exit.ENDED
    assert camera.opened == 1
    assert any(message.channel == "alerts" for message in link.of(wire.Publish))


def test_van_without_a_link_past_the_staleness_limit_keeps_its_camera_closed(van: MadeVan):
    files = van.files()
    van.link(files)
    camera = PassersBy(WALK, then="again")
    run = van.start(camera)
    assert camera.seen_round.wait(20)
    assert run.stop() == Exit.ENDED
    van.clock.advance(901)
    second = MadeVanAgain(van)
    link = second.link({name: data for name, data in files.items() if name.startswith("deployments/")})
    camera = PassersBy(WALK)
    run = second.start(camera)
    link.wait_state("suspended")
    assert camera.opened == 0
    assert run.stop() == Exit.ENDED


def test_used_time_is_kept_over_restarts_and_forgotten_at_the_close(tmp_path: Path):
    clock = FakeClock()
    path = tmp_path / "deployment.json"
    first = Timekeeper(path, clock)
    assert first.kept is None
    begun = order(not_before_utc="2025-01-01T00:00:00.000Z", not_after_utc="2025-01-01T08:00:00.000Z")
    policy = type("Policy", (), {"prepare_h_max": 24.0})()
    first.begin(begun, policy)
    first.verdict()
    clock.advance(120)
    first.verdict()
    first.opened()
    again = Timekeeper(path, clock)
    assert (again.kept, json.loads(path.read_text())["used_s"]) == (
        begun.deployment,
        {begun.deployment: 120.0},
    )
    again.forget(begun.deployment)
    assert not path.exists()


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"deployment":1}', b"\xff"])
def test_used_time_that_cannot_be_read_is_none(tmp_path: Path, content: bytes):
    path = tmp_path / "deployment.json"
    path.write_bytes(content)
    assert Timekeeper(path, FakeClock()).kept is None
