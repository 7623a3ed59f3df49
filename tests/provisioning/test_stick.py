"""A fleet without a broker: everything by stick, there and back."""

from __future__ import annotations

import os

import pytest

from control_room.saved import SavedFolder
from edge.formats.receipts import DeletionReceipt
from edge.trust.envelope import unwrap
from provisioning.status import fleet_status
from tests.provisioning.fleet_rig import FleetRig


def leave(rig: FleetRig, device: str, name: str, data: bytes) -> None:
    folder = rig.messages / "from-vans" / device
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def test_deployment_goes_there_and_its_receipts_come_back_by_stick(rig: FleetRig, capsys: pytest.CaptureFixture[str]):
    rig.publish()
    van = rig.vans["van-1"]
    watching = van.open()
    assert rig.at("order", "close", "station-1", "--reason", "over", "--key", rig.key("custodian")) == 0
    assert "lfr-fleet stick write" in capsys.readouterr().out
    rig.write_stick()
    assert van.is_closed(watching)
    recipients = rig.fleet().ledger("station-1").read().vans
    van.vault.destroy(recipients["van-1"].recipient)
    van.vault.refill(4)
    leave(rig, "van-1", "keys.json", van.stock())
    leave(
        rig,
        "van-1",
        "0192f1c0-0000-7000-8000-000000000000.json",
        van.receipt("station-1", recipients["van-1"].recipient),
    )
    assert rig.at("stick", "read", str(rig.messages)) == 0
    text = capsys.readouterr().out
    assert "van-1: 4 unused keys in stock" in text
    assert "van-1: deletion receipt for station-1 (close)" in text
    assert fleet_status(rig.fleet()).deployments[0].receipts == ("van-1",)


def test_receipt_that_came_while_nobody_served_is_taken_from_the_room(
    rig: FleetRig, capsys: pytest.CaptureFixture[str]
):
    rig.publish()
    assert rig.at("order", "close", "station-1", "--reason", "over", "--key", rig.key("custodian")) == 0
    van, recipient = rig.vans["van-1"], rig.fleet().ledger("station-1").read().vans["van-1"].recipient
    van.vault.destroy(recipient)
    event = van.receipt("station-1", recipient)
    saved = rig.messages / "saved"
    SavedFolder(saved).add_record(
        unwrap(event, DeletionReceipt, {rig.fleet().vans.get("van-1").signing_key_hex}), event
    )
    assert rig.at("stick", "read", str(saved)) == 0
    assert "van-1: deletion receipt for station-1 (close)" in capsys.readouterr().out
    assert fleet_status(rig.fleet()).deployments[0].receipts == ("van-1",)


def test_stick_for_one_van_has_its_deployments_alone(rig: FleetRig):
    rig.publish()
    rig.vans = {"van-1": rig.vans["van-1"]}
    rig.publish("market-2")
    assert rig.at("stick", "write", str(rig.messages), "--van", "van-2") == 0
    names = [path.relative_to(rig.messages).as_posix() for path in rig.messages.rglob("*") if path.is_file()]
    assert not [name for name in names if "market-2" in name or "van-1" in name]
    assert [name for name in names if name.startswith("deployments/station-1/1/chunk")]


def test_writing_again_takes_away_what_is_over_and_leaves_what_vans_left(rig: FleetRig):
    rig.publish()
    leave(rig, "van-1", "keys.json", b"whatever")
    (rig.messages / "readme.txt").write_text("somebody else's")
    assert rig.at("order", "close", "station-1", "--reason", "over", "--key", rig.key("officer")) == 0
    rig.write_stick()
    assert not list(rig.messages.glob("deployments/station-1/1/*"))
    assert (rig.messages / "from-vans" / "van-1" / "keys.json").exists()
    assert (rig.messages / "readme.txt").exists()


def test_nothing_on_a_stick_is_believed_unsigned(rig: FleetRig, capsys: pytest.CaptureFixture[str]):
    rig.publish()
    one, two = rig.vans["van-1"], rig.vans["van-2"]
    recipient = rig.fleet().ledger("station-1").read().vans["van-1"].recipient
    leave(rig, "van-1", "forged.json", two.receipt("station-1", recipient))
    leave(rig, "van-1", "keys.json", two.stock(device="van-1", number=99))
    leave(rig, "van-2", "moved.json", one.receipt("station-1", recipient))
    leave(rig, "van-1", "huge.json", b" " * 200_000)
    leave(rig, "van-1", "rubbish.json", b"{]")
    os.symlink("/etc/hostname", rig.messages / "from-vans" / "van-1" / "link.json")
    os.mkfifo(rig.messages / "from-vans" / "van-1" / "pipe.json")
    capsys.readouterr()
    assert rig.at("stick", "read", str(rig.messages)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 7
    assert all("refused" in line or "left alone" in line for line in lines)
    assert not fleet_status(rig.fleet()).deployments[0].receipts
