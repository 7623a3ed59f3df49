"""Opening a deployment: everything fits and is in locked memory, or nothing is left of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.errors import (
    LfrError,
    OrderExpired,
    OrderInvalid,
    PackPurposeRefused,
    RepositoryFileMissing,
    SealInvalid,
    SignatureInvalid,
    ThresholdMismatch,
    WatchlistInvalid,
)
from edge.formats.topics import order_name, watchlist_part_name
from edge.trust.documents import public_hex
from edge.vision import deployment
from edge.vision.deployment import Identity, await_deployment, open_deployment
from edge.vision.memory import LockedBuffer
from tests.vision.made import DIMENSION, entry_of, template_of
from tests.vision.made_van import BACKEND, DEPLOYMENT, DEVICE, FLEET, MadeVan, keep_in

LIST = f"{DEPLOYMENT}-list"


@pytest.fixture
def van(tmp_path: Path) -> Iterator[MadeVan]:
    van = MadeVan(tmp_path)
    yield van
    van.close()


@pytest.fixture
def identity(van: MadeVan) -> Identity:
    keys = (public_hex(van.authority_key),)
    return Identity(FLEET, DEVICE, keys, van.seal_key, van.pack.sha256, DIMENSION, "bring-up", BACKEND)


class Fleet:
    """Answers fetches from a dict; keeps what was asked."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.asked: list[str] = []

    def fetch(self, name: str, timeout_s: float) -> bytes:
        self.asked.append(name)
        if name not in self.files:
            raise RepositoryFileMissing(f"repository file {name}: not there")
        return self.files[name]


@pytest.fixture
def buffers(monkeypatch: pytest.MonkeyPatch) -> list[LockedBuffer]:
    """Every locked buffer that opening a deployment makes."""
    made: list[LockedBuffer] = []
    monkeypatch.setattr(deployment, "LockedBuffer", keep_in(made, LockedBuffer))
    return made


def bytes_of(buffer: LockedBuffer) -> np.ndarray:
    return buffer.array("u1", (len(buffer._map),))


def test_order_and_watchlist_that_fit_become_a_gallery_of_the_enrolled(van, identity):
    opened = open_deployment(Fleet(van.files(people=(1, 2, 3))).fetch, identity, van.clock)
    assert opened.order.deployment == DEPLOYMENT
    assert len(opened.gallery) == 3
    assert [c.entry_id for c in opened.gallery.search(template_of(2), 0.9).candidates] == [entry_of(2)]
    assert opened.gallery.search(template_of(7), 0.5).candidates == ()


def test_the_gallery_is_locked_and_the_plaintext_is_gone(van, identity, buffers):
    opened = open_deployment(Fleet(van.files()).fetch, identity, van.clock)
    plain, gallery = buffers
    assert not bytes_of(plain).any()
    assert bytes_of(gallery).any()
    assert opened.gallery.locked == gallery.locked


def test_a_watchlist_of_several_parts_is_opened_whole(van, identity):
    files = van.files(people=range(7), per_part=2)
    assert watchlist_part_name(LIST, 4) in files
    fleet = Fleet(files)
    opened = open_deployment(fleet.fetch, identity, van.clock)
    for k in range(7):
        assert [c.entry_id for c in opened.gallery.search(template_of(k), 0.9).candidates] == [entry_of(k)]
    assert fleet.asked == [order_name(DEVICE), *(watchlist_part_name(LIST, index) for index in range(5))]


@pytest.mark.parametrize("missing", [2, 3, 4])
def test_nothing_of_a_list_whose_part_does_not_come_is_left(van, identity, buffers, missing):
    files = van.files(people=range(7), per_part=2)
    del files[watchlist_part_name(LIST, missing)]
    with pytest.raises(RepositoryFileMissing, match=f"{missing:04d}"):
        open_deployment(Fleet(files).fetch, identity, van.clock)
    assert len(buffers) == 2
    assert not any(bytes_of(buffer).any() for buffer in buffers)


@pytest.mark.parametrize("altered", [1, 4])
def test_nothing_of_a_list_with_an_altered_part_is_left(van, identity, buffers, altered):
    files = van.files(people=range(7), per_part=2)
    name = watchlist_part_name(LIST, altered)
    files[name] = files[name][:-1] + bytes([files[name][-1] ^ 1])
    with pytest.raises(WatchlistInvalid, match="altered"):
        open_deployment(Fleet(files).fetch, identity, van.clock)
    assert not any(bytes_of(buffer).any() for buffer in buffers)


def test_no_order_is_missing_and_nothing_else_is_asked_for(van, identity):
    fleet = Fleet({})
    with pytest.raises(RepositoryFileMissing):
        open_deployment(fleet.fetch, identity, van.clock)
    assert fleet.asked == [order_name(DEVICE)]


def test_order_signed_by_no_authority_is_refused_before_the_list_is_asked_for(van, identity):
    fleet = Fleet(van.files(key=van.signing_key))
    with pytest.raises(SignatureInvalid):
        open_deployment(fleet.fetch, identity, van.clock)
    assert fleet.asked == [order_name(DEVICE)]


@pytest.mark.parametrize("wait_s", [-2.0, 3600.0, 1e6])
def test_order_outside_its_time_is_refused(van, identity, wait_s):
    files = van.files()
    van.clock.advance(wait_s)
    with pytest.raises(OrderExpired):
        open_deployment(Fleet(files).fetch, identity, van.clock)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"device": "van-2"}, OrderInvalid),
        ({"fleet": "fleet-2"}, OrderInvalid),
        ({"pack_sha256": "00" * 32}, OrderInvalid),
        ({"backend": "made/float32"}, ThresholdMismatch),
        ({"dimension": 64}, WatchlistInvalid),
    ],
    ids=["another van", "another fleet", "another pack", "another backend", "another template size"],
)
def test_a_deployment_of_something_else_is_refused(van, identity, change, error):
    with pytest.raises(error):
        open_deployment(
            Fleet(van.files() | {order_name("van-2"): van.files()[order_name(DEVICE)]}).fetch,
            replace(identity, **change),
            van.clock,
        )


def test_real_people_under_a_bring_up_pack_are_refused_before_any_of_them_is_asked_for(van, identity, buffers):
    fleet = Fleet(van.files(subjects="real"))
    with pytest.raises(PackPurposeRefused, match=rf"{LIST}.*real.*bring-up"):
        open_deployment(fleet.fetch, identity, van.clock)
    assert fleet.asked == [order_name(DEVICE), watchlist_part_name(LIST, 0)]
    assert not buffers


@pytest.mark.parametrize("subjects", ["real", "synthetic"])
def test_an_operations_pack_takes_either(van, identity, subjects):
    operating = replace(identity, purpose="operations")
    assert len(open_deployment(Fleet(van.files(subjects=subjects)).fetch, operating, van.clock).gallery) == 3


def test_a_list_wrapped_to_another_key_does_not_open(van, identity, tmp_path):
    (tmp_path / "other").mkdir()
    other = MadeVan(tmp_path / "other")
    with pytest.raises(SealInvalid):
        open_deployment(Fleet(van.files()).fetch, replace(identity, seal_key=other.seal_key), van.clock)
    other.close()


class Attempts(threading.Event):
    """A stop that mends or ends things between attempts, in place of waiting."""

    def __init__(self, *between) -> None:
        super().__init__()
        self._between = iter(between)
        self.waits = 0

    def wait(self, timeout: float | None = None) -> bool:
        self.waits += 1
        act = next(self._between, self.set)
        act()
        return self.is_set()


def test_a_bad_deployment_is_asked_for_again_until_it_is_mended(van, identity):
    fleet = Fleet({})
    bad, good = van.files(key=van.signing_key), van.files()
    stop = Attempts(lambda: fleet.files.update(bad), lambda: fleet.files.update(good))
    opened = await_deployment(fleet.fetch, identity, van.clock, stop)
    assert opened is not None
    assert stop.waits == 2


def test_waiting_for_a_deployment_ends_when_stopped(van, identity):
    assert await_deployment(Fleet({}).fetch, identity, van.clock, Attempts(lambda: None)) is None


def test_the_same_refusal_is_said_once(van, identity, caplog):
    stop = Attempts(*[lambda: None] * 5)
    await_deployment(Fleet({}).fetch, identity, van.clock, stop)
    assert len([record for record in caplog.records if "no deployment" in record.message]) == 1


def test_every_refusal_is_one_that_waiting_mends(van, identity):
    """Whatever a fetch brings, opening raises nothing but the house's own errors: the half never dies of it."""
    good = van.files()
    for name in good:
        for wrong in (b"", b"{}", b"\0" * 100, good[name][:-1], good[name] + b" ", b"[" * 5000):
            with pytest.raises(LfrError):
                open_deployment(Fleet(good | {name: wrong}).fetch, identity, van.clock)
