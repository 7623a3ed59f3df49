"""The end of a deployment at the authority: keys die, files are cleared, receipts are awaited and checked."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from edge.clock import SystemClock
from edge.errors import DocumentInvalid, SignatureInvalid
from provisioning.ending import FORGET_AFTER, RECEIPT_DUE, tidy
from provisioning.heard import Heard
from provisioning.status import fleet_status
from tests.provisioning.fleet_rig import FleetRig


class Later(SystemClock):
    """The machine's clocks, hours ahead."""

    def __init__(self, by: timedelta) -> None:
        self.by = by

    def now_utc(self) -> datetime:
        return super().now_utc() + self.by


def content_key(rig: FleetRig) -> bytes:
    return rig.fleet().ledger("station-1").secret(1).content_key


def holders(rig: FleetRig, secret: bytes) -> list[Path]:
    files = [path for path in rig.authority.rglob("*") if path.is_file()]
    return [path for path in files if secret in path.read_bytes() or secret.hex().encode() in path.read_bytes()]


def close(rig: FleetRig, *more: str) -> int:
    words = ("order", "close", "station-1", "--reason", "the suspect was found", "--key")
    return rig.at(*words, rig.key("officer"), "--no-push", *more)


def recipient(rig: FleetRig, device: str) -> str:
    return rig.fleet().ledger("station-1").read().vans[device].recipient


def test_one_closer_ends_it_and_the_van_hears_of_it(rig: FleetRig):
    rig.publish()
    van = rig.vans["van-1"]
    watching = van.open()
    assert not van.is_closed(watching)
    assert close(rig) == 0
    rig.write_stick()
    assert van.is_closed(watching)


def test_content_key_dies_with_the_close(rig: FleetRig):
    rig.publish()
    secret = content_key(rig)
    assert holders(rig, secret)
    assert close(rig) == 0
    assert not holders(rig, secret)
    assert sorted(path.name for path in (rig.authority / "deployments" / "station-1").iterdir()) == ["deployment.json"]


def test_close_says_what_it_cannot_promise(rig: FleetRig, capsys: pytest.CaptureFixture[str]):
    rig.publish()
    close(rig)
    assert "snapshots and backups of this machine kept, this cannot reach" in capsys.readouterr().out


def test_sealed_list_is_cleared_at_the_close_and_the_word_stays_for_vans_to_hear(rig: FleetRig):
    rig.publish()
    assert close(rig) == 0
    names = rig.fleet().repository().names()
    assert not [name for name in names if name.startswith("deployments/station-1/1/")]
    assert [name for name in names if name.endswith("close.json")]


def test_stranger_cannot_close(rig: FleetRig, capsys: pytest.CaptureFixture[str]):
    rig.publish()
    words = ("order", "close", "station-1", "--reason", "mischief", "--key", rig.key("root-1"), "--no-push")
    assert rig.at(*words) == 2
    assert "none of the 2 keys accepted here" in capsys.readouterr().err
    assert content_key(rig)


def test_closed_list_is_not_changed_any_more(rig: FleetRig, capsys: pytest.CaptureFixture[str]):
    rig.publish()
    close(rig)
    assert close(rig) == 2
    assert rig.at("watchlist", "remove", "station-1", "ref-0", "--key", rig.key("officer"), "--no-push") == 2
    assert "is closed" in capsys.readouterr().err


def test_time_ends_it_without_a_word(rig: FleetRig):
    rig.publish()
    secret = content_key(rig)
    fleet = rig.fleet(Later(timedelta(hours=3, minutes=1)))
    assert tidy(fleet, {})
    assert fleet.ledger("station-1").read().state == "ended"
    assert not holders(rig, secret)
    assert not tidy(fleet, {})


def test_draft_whose_time_passed_loses_its_key(rig: FleetRig):
    rig.draft()
    secret = content_key(rig)
    tidy(rig.fleet(Later(timedelta(hours=4))), {})
    assert not holders(rig, secret)


def test_order_and_log_are_cleared_once_every_van_has_signed_for_its_end(rig: FleetRig):
    rig.publish()
    close(rig)
    heard = Heard(rig.fleet())
    for number, van in enumerate(rig.vans.values()):
        assert not rig.fleet().ledger("station-1").read().cleared
        heard.take_record(van.receipt("station-1", recipient(rig, van.device)))
        tidy(rig.fleet(), dict(heard.receipts()))
        assert rig.fleet().ledger("station-1").read().cleared == (number == 1)
    names = rig.fleet().repository().names()
    assert not [name for name in names if "station-1" in name]
    assert rig.fleet().repository().file("hints/van-1.json") == b'{"deployments":[]}'
    rig.fleet().repository().refresh_timestamp(rig.fleet().online())


def test_next_deployment_is_ordered_after_one_was_cleared(rig: FleetRig):
    rig.publish()
    close(rig)
    heard = Heard(rig.fleet())
    for van in rig.vans.values():
        heard.take_record(van.receipt("station-1", recipient(rig, van.device)))
    tidy(rig.fleet(), dict(heard.receipts()))
    rig.publish("market-2")
    assert rig.vans["van-1"].open().opened.order.deployment == "market-2"


def test_what_no_van_can_obey_any_more_is_cleared_though_receipts_are_missing(rig: FleetRig):
    rig.publish()
    late = Later(timedelta(hours=3) + FORGET_AFTER + timedelta(minutes=1))
    tidy(rig.fleet(late), {})
    assert rig.fleet().ledger("station-1").read().cleared
    assert fleet_status(rig.fleet(late)).deployments[0].overdue == ("van-1", "van-2")


def test_missing_receipt_is_overdue_an_hour_after_the_end(rig: FleetRig):
    rig.publish()
    close(rig)
    heard = Heard(rig.fleet())
    heard.take_record(rig.vans["van-1"].receipt("station-1", recipient(rig, "van-1")))
    (now,) = fleet_status(rig.fleet()).deployments
    assert (now.receipts, now.awaited, now.overdue) == (("van-1",), ("van-2",), ())
    (late,) = fleet_status(rig.fleet(Later(RECEIPT_DUE + timedelta(minutes=1)))).deployments
    assert late.overdue == ("van-2",)


def test_receipt_by_another_vans_key_is_refused(rig: FleetRig):
    rig.publish()
    forged = rig.vans["van-2"]
    forged.device = "van-1"
    with pytest.raises(SignatureInvalid):
        Heard(rig.fleet()).take_record(forged.receipt("station-1", recipient(rig, "van-1")))


def test_receipt_for_another_key_than_the_order_named_is_refused(rig: FleetRig):
    rig.publish()
    heard = Heard(rig.fleet())
    with pytest.raises(DocumentInvalid, match="its order named"):
        heard.take_record(rig.vans["van-1"].receipt("station-1", recipient(rig, "van-2")))
    assert not heard.receipts()


def test_replayed_key_stock_brings_no_key_back(rig: FleetRig):
    old = rig.vans["van-1"].stock()
    rig.publish()
    van = rig.vans["van-1"]
    van.vault.take(recipient(rig, "van-1"))
    van.vault.refill(4)
    vans = rig.fleet().vans
    assert vans.take_stock(van.stock()) == ("van-1", True)
    assert vans.take_stock(old) == ("van-1", False)
    assert recipient(rig, "van-1") not in {key.recipient for key in vans.get("van-1").unused}


def test_key_stock_of_another_van_or_fleet_is_refused(rig: FleetRig):
    van, vans = rig.vans["van-1"], rig.fleet().vans
    number = van.vault.number + 5
    with pytest.raises(SignatureInvalid):
        vans.take_stock(van.stock(device="van-2", number=number))
    with pytest.raises(DocumentInvalid, match="key stock of elsewhere"):
        vans.take_stock(van.stock(fleet="elsewhere", number=number))
