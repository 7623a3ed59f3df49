"""The development authority's promises: who is who, what expires, and who may read what."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edge.clock import SystemClock
from edge.errors import KeyFileInvalid
from edge.trust.keys import read_public_hex, read_seal_key, read_signing_key
from provisioning.authority import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.create(tmp_path / "authority", "fleet-1")


def _load(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_a_client_certificate_names_its_identity_and_is_signed_by_the_ca(authority: Authority):
    issued = authority.issue_client("van-1")
    certificate, ca = _load(issued.cert_file), _load(issued.ca_file)
    assert [each.value for each in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == ["van-1"]
    certificate.verify_directly_issued_by(ca)
    key = certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"


def test_a_server_certificate_is_for_this_machine_alone(authority: Authority):
    names = _load(authority.issue_server().cert_file).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert names.value.get_values_for_type(x509.DNSName) == ["localhost"]
    assert sorted(map(str, names.value.get_values_for_type(x509.IPAddress))) == ["127.0.0.1", "::1"]


def test_a_certificate_can_be_made_that_has_expired(authority: Authority):
    certificate = _load(authority.issue_client("van-1", valid_for=timedelta(days=-2)).cert_file)
    assert certificate.not_valid_before_utc < certificate.not_valid_after_utc < SystemClock().now_utc()


def test_private_files_are_their_owners_alone(authority: Authority):
    authority.issue_client("van-1")
    authority.issue_server()
    authority.device_keys("van-1")
    private = list(authority.folder.glob("*.key"))
    assert len(private) == 5
    assert {stat.S_IMODE(each.stat().st_mode) for each in private} == {0o600}


def test_public_halves_are_beside_the_private_ones(authority: Authority):
    keys = authority.room_keys("room-1")
    assert read_public_hex(keys.signing_key_file.with_suffix(".pub")) == keys.signing_key_hex
    assert read_public_hex(keys.seal_key_file.with_suffix(".pub")) == keys.seal_key_hex
    assert read_signing_key(keys.signing_key_file)
    assert read_seal_key(keys.seal_key_file)


def test_signing_keys_outlive_a_reopening_of_the_authority(authority: Authority):
    keys = authority.device_keys("van-1")
    again = Authority.open(authority.folder, "fleet-1")
    assert again.device_keys("van-1") == keys


def test_an_authority_is_never_written_over(authority: Authority):
    with pytest.raises(KeyFileInvalid, match="already"):
        Authority.create(authority.folder, "fleet-1")


def test_opening_an_authority_that_is_not_there_says_which_file_is_missing(tmp_path: Path):
    with pytest.raises(KeyFileInvalid, match=r"ca\.pem"):
        Authority.open(tmp_path, "fleet-1")


@pytest.mark.parametrize("identity", ["", "van/1", "van+", "#", "../van", "Van-1", "v" * 49])
def test_an_identity_that_could_widen_a_topic_gets_no_certificate(authority: Authority, identity: str):
    with pytest.raises(ValueError, match="identity"):
        authority.issue_client(identity)
