"""The fleet's commands to suspend and resume: who may, which vans, by one machine or two, with serve or without."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from securesystemslib.signer import Signer

from edge.errors import CommandExpired, DocumentInvalid
from edge.formats.topics import COMMANDS, HEALTH, device_topic
from edge.trust.documents import canonical
from provisioning import commanding
from provisioning.commanding import draft_commands, read_sheet, send_commands, sign_commands
from provisioning.commands import suspending
from provisioning.fleet_folder import FleetFolder
from provisioning.heard import Heard
from provisioning.signers import Passphrases, load_signer
from tests.link.peers import Peer
from tests.provisioning.fleet_rig import FLEET, FleetRig
from tests.provisioning.test_serve import OTHER_ADMIN, Stage, stage

__all__ = ["stage"]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, founded: FleetRig) -> FleetRig:
    """A fleet with a running order; its broker is only named."""
    rig = founded.copied_to(tmp_path_factory.mktemp("running"))
    rig.publish()
    path = rig.authority / "fleet.yaml"
    path.write_text(path.read_text() + "broker: {host: none, ca_file: a, cert_file: b, key_file: c}\n")
    return rig


@pytest.fixture
def published(tmp_path: Path, running: FleetRig) -> FleetRig:
    return running.copied_to(tmp_path)


def suspend(rig: FleetRig, *more: str) -> int:
    return rig.at("order", "suspend", "station-1", "--reason", "the lens is dirty", "--no-push", *more)


def resume(rig: FleetRig, *names: str, more: tuple[str, ...] = ("--no-push",)) -> int:
    keys = [word for name in names for word in ("--key", rig.key(name))]
    return rig.at("order", "resume", "station-1", "--reason", "the lens is clean", *keys, *more)


def left(rig: FleetRig) -> dict[str, dict[str, object]]:
    """By van, the commands that wait for the broker."""
    found = {}
    for path in sorted((rig.authority / "commands").glob("*.json")):
        data = json.loads(path.read_bytes())["data"]
        found[data["signed"]["device"]] = {**data["signed"], "signers": [each["keyid"] for each in data["signatures"]]}
    return found


def test_without_a_key_the_log_s_key_signs_for_the_fleet_and_every_van_is_meant(published: FleetRig):
    assert suspend(published) == 0
    log_key = published.fleet().ledger("station-1").log_signer().public_key.keyid
    found = left(published)
    assert set(found) == {"van-1", "van-2"}
    assert all(each["signers"] == [log_key] and each["command"] == "suspend" for each in found.values())


@pytest.mark.parametrize("name", ["officer", "custodian"])
def test_officer_or_custodian_suspends_the_vans_that_are_named(published: FleetRig, name: str):
    assert suspend(published, "--key", published.key(name), "--vans", "van-2") == 0
    assert set(left(published)) == {"van-2"}


def test_files_of_commands_are_their_owner_s_alone(published: FleetRig):
    suspend(published)
    folder = published.authority / "commands"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in folder.iterdir())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--vans", "van-9"), "not among the vans of station-1"),
        (("--key", "root-1"), "one of officer, custodian, room, fleet suspends"),
        (("--reason", "two\nlines"), "reason"),
    ],
)
def test_what_no_van_would_obey_is_refused_before_it_leaves(
    published: FleetRig, words: tuple[str, str], says: str, capsys: pytest.CaptureFixture[str]
):
    value = published.key(words[1]) if words[0] == "--key" else words[1]
    assert suspend(published, words[0], value) == 2
    assert says in capsys.readouterr().err
    assert left(published) == {}


def test_one_alone_resumes_nothing_and_two_do(published: FleetRig, capsys: pytest.CaptureFixture[str]):
    assert resume(published, "officer") == 2
    assert "need 2" in capsys.readouterr().err
    assert left(published) == {}
    assert resume(published, "officer", "custodian") == 0
    assert {each["command"] for each in left(published).values()} == {"resume"}


def test_two_resume_at_two_machines_by_a_file(published: FleetRig, capsys: pytest.CaptureFixture[str]):
    sheet = published.folder / "resume.json"
    assert resume(published, "officer", more=("--out", str(sheet))) == 0
    assert published.at("order", "send", str(sheet), "--no-push") == 2
    words = ("order", "countersign", str(sheet), "--key", published.key("custodian"))
    assert published.run(*words) == 2
    assert "nothing is signed unseen" in capsys.readouterr().err
    assert published.run(*words, "--yes") == 0
    assert "resume van-1 in station-1" in capsys.readouterr().out
    assert published.at("order", "send", str(sheet), "--no-push") == 0
    assert set(left(published)) == {"van-1", "van-2"}


def test_resumption_that_was_signed_too_slowly_is_not_sent(published: FleetRig):
    fleet = published.fleet()
    drafts = draft_commands(fleet, "station-1", "resume", "slow", ())
    signed = sign_commands(sign_commands(drafts, _signer(published, "officer")), _signer(published, "custodian"))

    class Late(type(fleet.clock)):  # type: ignore[misc]
        def now_utc(self) -> object:
            return super().now_utc() + timedelta(hours=1)

    with pytest.raises(CommandExpired, match="have it made again"):
        send_commands(FleetFolder(published.authority, Late()), signed)
    assert left(published) == {}


def _signer(rig: FleetRig, name: str) -> Signer:
    return load_signer(rig.key(name), Passphrases())


@pytest.mark.parametrize(
    "content", [b"", b"{}", b'{"commands":[]}', b'{"commands":["x"],"more":1}', b"\xff", b'{"commands":[7]}']
)
def test_file_of_commands_in_any_other_form_is_refused(tmp_path: Path, content: bytes):
    (tmp_path / "sheet").write_bytes(content)
    with pytest.raises(DocumentInvalid):
        read_sheet(tmp_path / "sheet")


def test_command_is_numbered_above_what_the_van_has_obeyed_by_anothers_fast_clock(published: FleetRig):
    fast = int(published.fleet().clock.now_utc().timestamp() * 1000) + 3_600_000
    heard = Heard(published.fleet())
    beat = published.vans["van-1"].heartbeat(deployment="station-1", command_number=fast)
    heard.take(device_topic(FLEET, "van-1", HEALTH), beat)
    heard.save()
    assert resume(published, "officer", "custodian") == 0
    assert left(published)["van-1"]["number"] == fast + 1


def test_closed_deployment_is_neither_suspended_nor_resumed(published: FleetRig, capsys: pytest.CaptureFixture[str]):
    key = published.key("officer")
    assert published.at("order", "close", "station-1", "--reason", "over", "--key", key, "--no-push") == 0
    assert suspend(published, "--key", key) == 2
    assert "is closed" in capsys.readouterr().err


def test_without_a_broker_there_is_no_command(rig: FleetRig, capsys: pytest.CaptureFixture[str]):
    rig.publish()
    assert suspend(rig) == 2
    assert "travels by message alone" in capsys.readouterr().err


# On a real broker


@pytest.fixture
def listener(stage: Stage) -> Iterator[Peer]:
    stage.rig.publish()
    peer = stage.peer("van-1", device_topic(FLEET, "van-1", COMMANDS))
    yield peer
    peer.close()


def test_serve_publishes_what_another_command_left_once_retained_and_with_its_expiry(stage: Stage, listener: Peer):
    stage.settle()
    assert suspend(stage.rig) == 0
    stage.drive(lambda: not left(stage.rig), "published")
    (heard,) = listener.heard.wait(lambda items: items, "the command")
    stage.broker.restart()
    stage.drive(lambda: not stage.server.in_step, "the restart is seen")
    stage.settle()
    late = stage.peer(OTHER_ADMIN, device_topic(FLEET, "van-1", COMMANDS))
    (retained,) = late.heard.wait(lambda items: items, "the retained one")
    assert retained.retained
    assert retained.payload == heard.payload
    assert 0 < (retained.expiry_s or 0) <= 86_400
    late.close()


def test_suspension_is_said_to_be_obeyed_when_the_van_says_so(
    stage: Stage, listener: Peer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    stage.server.connection.stop()
    van = stage.rig.vans["van-1"]

    def answer(fleet: FleetFolder, commands: list[commanding.Command]) -> dict[str, str]:
        if listener.heard.all() and not answered:
            answered.append(commands[0].number)
            says = {"deployment": "station-1", "command_number": commands[0].number, "state": "suspended"}
            listener.post(device_topic(FLEET, "van-1", HEALTH), van.heartbeat(**says, suspended_because="by command"))
        return real(fleet, commands)  # type: ignore[return-value]

    answered: list[int] = []
    real = suspending.outcomes
    monkeypatch.setattr(suspending, "outcomes", answer)
    monkeypatch.setattr(suspending, "OBEYED_WAIT_S", 3.0)
    words = ("order", "suspend", "station-1", "--reason", "the lens is dirty")
    assert stage.rig.at(*words, "--vans", "van-1") == 0
    assert "van-1: obeyed; by command" in capsys.readouterr().out
    monkeypatch.setattr(suspending, "OBEYED_WAIT_S", 0.1)
    assert stage.rig.at(*words, "--vans", "van-2") == suspending.NOT_ALL
    assert "not heard of yet: van-2" in capsys.readouterr().out


def test_command_that_the_broker_refuses_is_told_and_stays(stage: Stage):
    stage.rig.publish()
    stage.settle()
    folder = stage.rig.authority / "commands"
    folder.mkdir()
    signed = {"device": "van-77/x", "expires_at_utc": "2099-01-01T00:00:00.000Z"}
    (folder / "station-1.van-77.json").write_bytes(canonical({"data": {"signed": signed}}))
    stage.drive(lambda: any("broker refuses command" in line for line in stage.lines), "the refusal")
    assert stage.server.outgoing.waiting


def test_command_that_expired_before_the_broker_had_it_is_dropped_and_told(stage: Stage):
    stage.rig.publish()
    assert suspend(stage.rig, "--vans", "van-1") == 0
    stage.clock.by = timedelta(hours=25)
    stage.drive(lambda: any("expired before the broker had it" in line for line in stage.lines), "the loss")
    assert not left(stage.rig)
