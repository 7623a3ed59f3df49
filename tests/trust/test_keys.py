"""A key file holds one key and is its owner's alone, or it is refused by name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.errors import KeyFileInvalid
from edge.trust.documents import public_hex
from edge.trust.keys import read_public_hex, read_seal_key, read_signing_key, seal_public_hex, write_private


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "van.key"


def written(file: Path, content: bytes, mode: int = 0o600) -> Path:
    file.write_bytes(content)
    file.chmod(mode)
    return file


def test_private_keys_are_read_as_written_and_are_their_owners_alone(tmp_path: Path):
    signing, sealing = Ed25519PrivateKey.generate(), X25519PrivateKey.generate()
    write_private(tmp_path / "sign", signing)
    write_private(tmp_path / "seal", sealing)
    assert public_hex(read_signing_key(tmp_path / "sign")) == public_hex(signing)
    assert seal_public_hex(read_seal_key(tmp_path / "seal")) == seal_public_hex(sealing)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_private_key_is_never_written_over_a_file(file: Path):
    written(file, b"kept")
    with pytest.raises(FileExistsError):
        write_private(file, Ed25519PrivateKey.generate())
    assert file.read_bytes() == b"kept"


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o601, 0o777])
def test_private_key_that_others_may_touch_is_refused_and_says_what_to_run(file: Path, mode: int):
    written(file, b"ab" * 32, mode)
    for read in (read_signing_key, read_seal_key):
        with pytest.raises(KeyFileInvalid, match=f"chmod 600 {file}"):
            read(file)
    assert read_public_hex(file) == "ab" * 32


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b" \n\n"])
def test_blanks_after_the_key_do_not_matter_and_capitals_are_lowered(file: Path, end: bytes):
    assert read_public_hex(written(file, b"AB" * 32 + end)) == "ab" * 32


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"ab" * 31,
        b"ab" * 33,
        b"ab" * 16 + b" " + b"ab" * 16,
        b"ab" * 16 + b"\n" + b"ab" * 16,
        b"zz" * 32,
        b"0x" + b"ab" * 32,
        b" " + b"ab" * 32,
        b"ab" * 32 + b"\nab",
        b"ab" * 32 + b" # my key",
        b"\xef\xbb\xbf" + b"ab" * 32,
        "٠".encode() * 64,
        bytes(range(32)),
        b"-----BEGIN PRIVATE KEY-----\nMC4CAQAw\n-----END PRIVATE KEY-----\n",
        b"ab" * 32 + b" " * 10_000 + b"x",
        b"ab" * 1_000_000,
    ],
    ids=lambda content: repr(content[:12]) + str(len(content)),
)
def test_file_that_holds_no_key_is_refused_by_name_and_its_content_not_shown(file: Path, content: bytes):
    written(file, content)
    for read in (read_public_hex, read_signing_key, read_seal_key):
        with pytest.raises(KeyFileInvalid, match=str(file)) as refusal:
            read(file)
        assert "abab" not in str(refusal.value).removeprefix(str(file))


def test_missing_key_file_is_refused_by_name(file: Path):
    with pytest.raises(KeyFileInvalid, match=f"{file}: no such key file"):
        read_signing_key(file)


def test_folder_pipe_and_device_in_the_place_of_a_key_file_are_refused(tmp_path: Path):
    (tmp_path / "folder").mkdir(mode=0o700)
    os.mkfifo(tmp_path / "pipe", 0o600)
    for path in (tmp_path / "folder", tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(KeyFileInvalid, match=str(path)):
            read_signing_key(path)


def test_key_file_that_may_not_be_read_is_refused(file: Path):
    written(file, b"ab" * 32, 0o000)
    if os.access(file, os.R_OK):
        pytest.skip("this user may read every file")
    with pytest.raises(KeyFileInvalid, match="cannot be read"):
        read_signing_key(file)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=300) | st.text("0123456789abcdefABCDEF \n", max_size=80).map(str.encode))
def test_any_file_holds_one_key_or_is_refused(file: Path, content: bytes):
    written(file, content)
    try:
        key = read_public_hex(file)
    except KeyFileInvalid:
        return
    assert key == content.strip().decode().lower()
    assert len(key) == 64
