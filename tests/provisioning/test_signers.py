"""Signing keys: in files under a passphrase, or in a hardware module; and what is refused."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from edge.errors import SignatureInvalid, SignerUnusable
from edge.formats.orders import DeploymentClose
from edge.trust.documents import verify
from provisioning import signers
from provisioning.cli import main
from provisioning.draft_folder import open_draft
from provisioning.signers import (
    PASSPHRASE_VARIABLE,
    Passphrases,
    add_signature,
    import_public,
    load_signer,
    read_public,
    sign_document,
    write_key,
)  # fmt: skip
from tests.provisioning.fleet_rig import FleetRig

CLOSE = DeploymentClose(
    type="deployment_close",
    fleet="fleet-1",
    deployment="station-1",
    made_at_utc="2026-01-01T00:00:00.000Z",
    reason="over",
)


def passphrase_file(folder: Path, text: str) -> Path:
    path = folder / f"{text}.txt"
    path.write_text(text + "\n")
    return path


def test_key_file_is_shut_without_its_passphrase(tmp_path: Path):
    public = write_key(tmp_path / "officer.key", "correct horse")
    right = Passphrases([passphrase_file(tmp_path, "correct horse")])
    assert load_signer(str(tmp_path / "officer.key"), right).public_key.keyid == public.keyid
    with pytest.raises(SignerUnusable, match="does not fit"):
        load_signer(str(tmp_path / "officer.key"), Passphrases([passphrase_file(tmp_path, "wrong horse")]))


def test_key_file_is_its_owners_alone(tmp_path: Path):
    write_key(tmp_path / "officer.key", "correct horse")
    assert (tmp_path / "officer.key").stat().st_mode & 0o777 == 0o600
    (tmp_path / "officer.key").chmod(0o640)
    with pytest.raises(SignerUnusable, match="chmod 600"):
        load_signer(str(tmp_path / "officer.key"), Passphrases())


def test_key_is_never_written_over(tmp_path: Path):
    write_key(tmp_path / "officer.key", None)
    with pytest.raises(SignerUnusable, match="never written over"):
        write_key(tmp_path / "officer.key", None)


def test_short_passphrase_is_refused(tmp_path: Path):
    with pytest.raises(SignerUnusable, match="at least 8"):
        write_key(tmp_path / "officer.key", "short")
    assert not (tmp_path / "officer.key").exists()


def test_passphrase_comes_from_the_environment_where_nobody_can_be_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(PASSPHRASE_VARIABLE, "correct horse")
    assert main(["key", "new", "--out", str(tmp_path / "officer.key")]) == 0
    assert load_signer(str(tmp_path / "officer.key"), Passphrases())
    monkeypatch.delenv(PASSPHRASE_VARIABLE)
    with pytest.raises(SignerUnusable, match="no terminal to ask at"):
        load_signer(str(tmp_path / "officer.key"), Passphrases())


def test_passphrase_is_asked_for_at_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_key(tmp_path / "officer.key", "correct horse")
    monkeypatch.setattr(signers.sys.stdin, "isatty", lambda: True)
    asked = []

    def ask(prompt: str) -> str:
        asked.append(prompt)
        return "correct horse"

    load_signer(str(tmp_path / "officer.key"), Passphrases(ask=ask))
    assert asked == [f"passphrase of {tmp_path / 'officer.key'}: "]


@pytest.mark.parametrize("text", ["", "no key", "{}", "ab" * 31, '{"keyid":"x"}', "\0" * 64])
def test_public_key_that_is_none_is_refused(tmp_path: Path, text: str):
    path = tmp_path / "x.pub"
    path.write_text(text)
    with pytest.raises(SignerUnusable):
        read_public(str(path))


def test_public_half_reads_back_from_file_and_from_hex(tmp_path: Path):
    public = write_key(tmp_path / "officer.key", None)
    assert read_public(str(tmp_path / "officer.key.pub")) == public
    assert read_public(public.keyid) == public


def test_document_is_signed_by_two_one_after_the_other(tmp_path: Path):
    keys = [write_key(tmp_path / name, None).keyid for name in ("one", "two")]
    first, second = (load_signer(str(tmp_path / name), Passphrases()) for name in ("one", "two"))
    data = sign_document(CLOSE, [first])
    with pytest.raises(SignatureInvalid):
        verify(data, DeploymentClose, keys, threshold=2)
    assert verify(add_signature(data, second), DeploymentClose, keys, threshold=2) == CLOSE
    with pytest.raises(SignerUnusable, match="another person's"):
        add_signature(data, first)


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A SoftHSM token with a P-256 key of id 2; its URI."""
    pytest.importorskip("pkcs11", reason="the extra `hsm` is not installed")
    tool = shutil.which("softhsm2-util")
    places = [Path(folder) / "softhsm" / "libsofthsm2.so" for folder in ("/usr/lib", "/usr/lib/x86_64-linux-gnu")]
    library = next((path for path in places if path.exists()), None)
    if tool is None or library is None:
        pytest.skip("softhsm2 is not installed")
    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm2.conf").write_text(f"directories.tokendir = {tmp_path / 'tokens'}\nlog.level = ERROR\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "softhsm2.conf"))
    monkeypatch.setenv("PYKCS11LIB", str(library))
    # A PKCS#11 library reads its configuration once in a process, so the whole session has to share the first one.
    key = tmp_path / "p256.pem"
    commands = (
        ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", str(key)],
        [tool, "--init-token", "--free", "--label", "custodian", "--so-pin", "12345678", "--pin", "12345678"],
        [tool, "--import", str(key), "--token", "custodian", "--label", "k", "--id", "02", "--pin", "12345678"],
    )
    for command in commands:
        subprocess.run(command, check=True, capture_output=True, env=os.environ, timeout=30)
    return "hsm:2?label=custodian"


def test_order_is_signed_with_a_key_in_a_hardware_module(
    token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv(PASSPHRASE_VARIABLE, "12345678")
    public = import_public(token, Passphrases())
    assert main(["key", "show", token, "--out", str(tmp_path / "custodian.pub")]) == 0
    assert read_public(str(tmp_path / "custodian.pub")) == public
    people = []
    for name in ("root-1", "root-2", "root-3", "officer", "deputy"):
        write_key(tmp_path / name, None)
        people.append(f"{name}={tmp_path / name}.pub")
    rig = FleetRig(tmp_path / "rig")
    roots = [word for each in people[:3] for word in ("--root", each)]
    who = ("--officer", people[3], "--custodian", f"custodian={tmp_path / 'custodian.pub'}")
    assert rig.run("init", str(rig.authority), "--fleet", "fleet-1", *roots, *who) == 0
    founding = str(rig.authority / "founding.draft")
    for key in (tmp_path / "root-1", tmp_path / "root-2", tmp_path / "officer", token):
        assert rig.run("repo", "sign", founding, "--key", str(key), "--yes") == 0
    assert rig.at("repo", "publish", founding, "--no-push") == 0
    rig.add_van("van-1")
    assert rig.run("key", "room", "--out", str(rig.folder / "room")) == 0
    ed25519 = [word for name in ("officer", "deputy") for word in ("--delta-signer", f"{tmp_path / name}.pub")]
    draft = rig.draft("station-1", *ed25519, "--closer", f"{tmp_path / 'officer'}.pub")
    assert rig.run("order", "sign", str(draft), "--key", str(tmp_path / "officer"), "--yes") == 0
    assert rig.run("order", "sign", str(draft), "--key", token, "--yes") == 0
    assert not open_draft(draft).draft.missing()
    assert rig.at("order", "publish", str(draft), "--no-push") == 0
    rig.write_stick()
    assert rig.vans["van-1"].open().opened.order.data_custodian.key_id == public.keyid
    capsys.readouterr()
    assert rig.at("watchlist", "remove", "station-1", "ref-0", "--key", token, "--no-push") == 2
    assert "deltas and closes are signed with Ed25519" in capsys.readouterr().err
