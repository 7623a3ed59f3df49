"""Orders by the commands of lfr-fleet: what two people have signed is what a van obeys, and nothing less."""

from __future__ import annotations

import json

import pytest

from edge.trust.documents import parse_strict
from provisioning.built_list import read_built
from provisioning.draft_folder import open_draft
from tests.provisioning.fleet_rig import PACK, FleetRig


def test_van_obeys_an_order_that_two_have_signed(rig: FleetRig):
    rig.publish()
    for van in rig.vans.values():
        in_force = van.open()
        assert in_force.opened.order.place == "Station Road"
        assert set(in_force.holder.gallery.entry_ids()) == set(rig.entries.values())


def test_order_signed_by_one_is_not_published(rig: FleetRig, capsys: pytest.CaptureFixture[str]):
    draft = rig.draft()
    rig.sign(draft, "officer")
    assert rig.at("order", "publish", str(draft), "--no-push") == 2
    assert "waits for custodian" in capsys.readouterr().err
    rig.write_stick()
    assert rig.vans["van-1"].find() is None


def test_officer_who_signs_twice_is_still_one(rig: FleetRig, capsys: pytest.CaptureFixture[str]):
    draft = rig.draft()
    rig.sign(draft, "officer", "officer")
    assert rig.at("order", "publish", str(draft), "--no-push") == 2
    assert "waits for custodian" in capsys.readouterr().err


def test_key_of_nobody_named_signs_no_order(rig: FleetRig, capsys: pytest.CaptureFixture[str]):
    draft = rig.draft()
    assert rig.run("order", "sign", str(draft), "--key", rig.key("root-1"), "--yes") == 2
    assert "neither the officer's nor the custodian's" in capsys.readouterr().err


def test_nothing_is_signed_unseen(rig: FleetRig, capsys: pytest.CaptureFixture[str]):
    draft = rig.draft()
    before = (draft / "draft.json").read_bytes()
    assert rig.run("order", "sign", str(draft), "--key", rig.key("officer")) == 2
    assert "no terminal to ask at" in capsys.readouterr().err
    assert (draft / "draft.json").read_bytes() == before


def test_draft_travels_without_keys_or_templates(rig: FleetRig):
    draft = rig.draft()
    assert sorted(path.name for path in draft.iterdir()) == ["draft.json", "manifest.json", "policy.json"]
    secret = json.loads((rig.authority / "deployments" / "station-1" / "epoch-1.key").read_bytes())
    assert secret["content_key"].encode() not in (draft / "draft.json").read_bytes()


def test_signer_reads_who_where_when_and_at_what_threshold(rig: FleetRig, capsys: pytest.CaptureFixture[str]):
    draft = rig.draft()
    capsys.readouterr()
    assert rig.at("order", "show", str(draft)) == 0
    text = capsys.readouterr().out
    order = open_draft(draft).order
    for words in (
        "Station Road",
        "find people wanted by the courts",
        "statute",
        "van-1, van-2",
        "6 entries, synthetic",
    ):
        assert words in text
    assert f"similarity {order.similarity_threshold:g} on litert/int8" in text
    assert text.count("NOT YET signed") == 2


def test_threshold_is_the_calibrations_for_as_long_a_list_as_the_order_allows(rig: FleetRig):
    order = open_draft(rig.draft("station-1", "--entries-max", "3000")).order
    cells = json.loads((PACK / "calibration.json").read_bytes())["tables"][0]["cells"]
    cell = next(each for each in cells if (each["watchlist"], each["fpir"]) == (3000, 0.001))
    assert order.similarity_threshold == cell["threshold"]
    assert (order.calibration.entries, order.calibration.evidence) == (3000, cell["evidence"])


def test_threshold_chosen_by_hand_is_called_so(rig: FleetRig, capsys: pytest.CaptureFixture[str]):
    order = open_draft(rig.draft("station-1", "--threshold", "0.61")).order
    assert (order.similarity_threshold, order.calibration.evidence) == (0.61, "chosen")
    assert "CHOSEN BY HAND" in capsys.readouterr().out


def test_draft_that_passes_a_ceiling_of_the_policy_is_refused(rig: FleetRig, capsys: pytest.CaptureFixture[str]):
    built = rig.build("built", ["ref-1"])
    words = ("--officer", "officer", "--custodian", "custodian", "--vans", "van-1", "--place", "p", "--use-case", "u")
    times = ("--legal-basis", "l", "--from", "2026-01-01T00:00Z", "--to", "2026-01-03T00:00Z")
    room = ("--room", str(rig.folder / "room" / "room-keys.json"), "--out", str(rig.folder / "out"))
    assert rig.at("order", "draft", "long-1", "--build", built, "--pack", str(PACK), *words, *times, *room) == 2
    assert "hours from not_before_utc to not_after_utc 48, at most 24" in capsys.readouterr().err


def test_list_with_a_category_that_the_policy_has_not_is_refused(rig: FleetRig, capsys: pytest.CaptureFixture[str]):
    built = rig.build("built", ["ref-1"], category="court_order")
    with pytest.raises(AssertionError):
        rig.draft("station-1", "--policy", "eu", build=built)
    assert "court_order, which policy eu 1 has not" in capsys.readouterr().err


def test_key_of_a_stock_serves_one_deployment_and_never_another(rig: FleetRig):
    first = open_draft(rig.draft("station-1")).order.vans
    second = open_draft(rig.draft("station-2")).order.vans
    assert not set(first.values()) & set(second.values())


def test_draft_made_again_keeps_its_keys_of_the_stock(rig: FleetRig):
    first = open_draft(rig.draft("station-1")).order.vans
    again = rig.folder / "draft-station-1"
    again.rename(rig.folder / "older")
    assert open_draft(rig.draft("station-1", build=str(rig.folder / "build-station-1"))).order.vans == first
    rig.sign(rig.folder / "older", "officer", "custodian")
    assert rig.at("order", "publish", str(rig.folder / "older"), "--no-push") == 2


def test_key_is_written_down_as_used_before_a_draft_exists(rig: FleetRig):
    built = rig.build("built", ["ref-1"])
    (rig.folder / "draft-station-1").mkdir()
    (rig.folder / "draft-station-1" / "something").write_text("in the way")
    with pytest.raises(AssertionError):
        rig.draft("station-1", build=built)
    assert all(len(van.unused) == 4 for van in rig.fleet().vans.all())
    rig.draft("station-2", build=built)
    assert all(set(van.used.values()) == {"station-2"} for van in rig.fleet().vans.all())


def test_van_without_a_key_left_gets_no_order(rig: FleetRig, capsys: pytest.CaptureFixture[str]):
    built = rig.build("built", ["ref-1"])
    for number in range(4):
        rig.draft(f"station-{number}", build=built)
    with pytest.raises(AssertionError):
        rig.draft("station-9", build=built)
    assert "no unused key in its stock" in capsys.readouterr().err


def test_published_deployment_is_never_drafted_again(rig: FleetRig, capsys: pytest.CaptureFixture[str]):
    rig.publish()
    (rig.folder / "draft-station-1").rename(rig.folder / "older")
    with pytest.raises(AssertionError):
        rig.draft("station-1", build=str(rig.folder / "build-station-1"))
    assert "is published; a new one needs a new name" in capsys.readouterr().err


def test_order_published_twice_is_published_once(rig: FleetRig):
    rig.publish()
    before = rig.fleet().repository().files()
    assert rig.at("order", "publish", str(rig.folder / "draft-station-1"), "--no-push") == 0
    after = rig.fleet().repository().files()
    assert {name for name in before if "timestamp" not in name} == {name for name in after if "timestamp" not in name}


def test_altered_draft_is_refused_by_whoever_reads_it(rig: FleetRig, capsys: pytest.CaptureFixture[str]):
    draft = rig.draft()
    whole = parse_strict((draft / "draft.json").read_bytes(), 4 * 2**20)
    name = next(each for each in whole["files"] if each.endswith("order.json"))
    whole["files"][name] = whole["files"][name][:-8] + "AAAAAA=="
    (draft / "draft.json").write_bytes(
        json.dumps(whole, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
    )
    assert rig.at("order", "show", str(draft)) == 2
    assert "not the one that its role lists" in capsys.readouterr().err


def test_withdrawn_draft_leaves_no_key(rig: FleetRig):
    rig.draft()
    assert rig.at("order", "withdraw", "station-1") == 0
    assert not (rig.authority / "deployments" / "station-1").exists()


def test_templates_lie_nowhere_in_the_authoritys_folder(rig: FleetRig):
    rig.publish()
    row = read_built(rig.folder / "build-station-1").vectors[0]
    stored = (row.astype("float64") * 32767).round().astype("<i2").tobytes()
    kept = [path for path in rig.authority.rglob("*") if path.is_file()]
    assert kept
    assert not [path for path in kept if stored[:32] in path.read_bytes() or row.tobytes()[:32] in path.read_bytes()]
