"""A development authority made on the spot: the certificates and keys of a fleet, in one folder.

For simulation, tests and a developer's bench. Every private key lies in one place and nobody is asked
twice, so it is not how an operational fleet is provisioned.
"""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from edge.clock import Clock, SystemClock
from edge.errors import KeyFileInvalid
from edge.formats.topics import ID_PATTERN
from edge.trust.documents import public_hex
from edge.trust.keys import read_seal_key, read_signing_key, seal_public_hex, write_private

VALID_FOR = timedelta(days=30)
CA_VALID_FOR = timedelta(days=365)
CLOCK_SKEW = timedelta(hours=1)
"""Certificates start this long before they are made, for boxes whose clock runs late."""


@dataclass(frozen=True)
class Certificate:
    """The three PEM files one end of a TLS connection needs; identity is the subject's common name."""

    identity: str
    ca_file: Path
    cert_file: Path
    key_file: Path


@dataclass(frozen=True)
class SigningKeys:
    """An Ed25519 and an X25519 key of one device or room: private files (0600) and public halves in hex."""

    signing_key_file: Path
    seal_key_file: Path
    signing_key_hex: str
    seal_key_hex: str


class Authority:
    """A fleet's certificate authority, kept in a folder, with keys of its devices and rooms.

    Names that are issued again with the same folder get new certificates but keep their signing keys.
    """

    def __init__(self, folder: Path, fleet: str, clock: Clock) -> None:
        self.folder = folder
        self.fleet = fleet
        self.ca_file = folder / "ca.pem"
        self._clock = clock

    @classmethod
    def create(cls, folder: Path, fleet: str, clock: Clock | None = None) -> Authority:
        """Make the folder (0700), the CA. Raises: KeyFileInvalid if there is one already."""
        _check_id(fleet)
        authority = cls(folder, fleet, clock or SystemClock())
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if authority.ca_file.exists():
            raise KeyFileInvalid(f"{authority.ca_file}: there is an authority already; use Authority.open")
        authority._make_ca()
        return authority

    @classmethod
    def open(cls, folder: Path, fleet: str, clock: Clock | None = None) -> Authority:
        """The authority that an earlier `create` made. Raises: KeyFileInvalid when it is not there."""
        authority = cls(folder, fleet, clock or SystemClock())
        for path in (authority.ca_file, authority._ca_key_file):
            if not path.exists():
                raise KeyFileInvalid(f"{path}: no such file; make the authority with Authority.create")
        return authority

    @property
    def _ca_key_file(self) -> Path:
        return self.folder / "ca.key"

    def issue_client(self, identity: str, valid_for: timedelta = VALID_FOR) -> Certificate:
        """A client certificate with CN = identity; a negative valid_for makes one that has expired.

        Raises: ValueError for an identity that is no id of lfr/v1.
        """
        _check_id(identity)
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
        return self._issue(identity, identity, [(usage, False)], valid_for)

    def issue_server(self, name: str = "broker", valid_for: timedelta = VALID_FOR) -> Certificate:
        """A server certificate for localhost, 127.0.0.1 and ::1."""
        names = x509.SubjectAlternativeName(
            [
                x509.DNSName("localhost"),
                x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
                x509.IPAddress(ipaddress.ip_address("::1")),
            ]
        )
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        return self._issue(name, "localhost", [(names, False), (usage, False)], valid_for)

    def device_keys(self, device: str) -> SigningKeys:
        """The device's signing key (alerts, records) and seal key (opens its wrapped watchlist key)."""
        return self._keys(device)

    def room_keys(self, room: str) -> SigningKeys:
        """The room's receipt key (Ed25519) and seal key (opens alerts)."""
        return self._keys(room)

    def _keys(self, identity: str) -> SigningKeys:
        _check_id(identity)
        signing_file = self.folder / f"{identity}.signing.key"
        seal_file = self.folder / f"{identity}.seal.key"
        if not signing_file.exists():
            _write_signing_key(signing_file)
        if not seal_file.exists():
            write_private(seal_file, X25519PrivateKey.generate())
            _public_file(seal_file).write_text(seal_public_hex(read_seal_key(seal_file)) + "\n")
        return SigningKeys(
            signing_key_file=signing_file,
            seal_key_file=seal_file,
            signing_key_hex=public_hex(read_signing_key(signing_file)),
            seal_key_hex=seal_public_hex(read_seal_key(seal_file)),
        )

    def _make_ca(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        now = self._clock.now_utc()
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{self.fleet} development authority")])
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - CLOCK_SKEW)
            .not_valid_after(now + CA_VALID_FOR)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        _write_pem_key(self._ca_key_file, key)
        self.ca_file.write_bytes(certificate.public_bytes(Encoding.PEM))

    def _issue(
        self,
        stem: str,
        common_name: str,
        extensions: list[tuple[x509.ExtensionType, bool]],
        valid_for: timedelta,
    ) -> Certificate:
        ca_key = load_pem_private_key(self._ca_key_file.read_bytes(), password=None)
        assert isinstance(ca_key, ec.EllipticCurvePrivateKey)
        ca = x509.load_pem_x509_certificate(self.ca_file.read_bytes())
        key = ec.generate_private_key(ec.SECP256R1())
        now = self._clock.now_utc()
        not_after = now + valid_for
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)]))
            .issuer_name(ca.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(min(now, not_after) - CLOCK_SKEW)
            .not_valid_after(not_after)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        certificate = builder.sign(ca_key, hashes.SHA256())
        issued = Certificate(common_name, self.ca_file, self.folder / f"{stem}.pem", self.folder / f"{stem}.tls.key")
        _write_pem_key(issued.key_file, key)
        issued.cert_file.write_bytes(certificate.public_bytes(Encoding.PEM))
        return issued


def _check_id(identity: str) -> None:
    if not re.fullmatch(ID_PATTERN, identity):
        raise ValueError(f"identity {identity!r}: need lower-case letters, digits and '-', at most 48")


def _write_signing_key(path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    write_private(path, key)
    _public_file(path).write_text(public_hex(key) + "\n")


def _public_file(private_file: Path) -> Path:
    return private_file.with_suffix(".pub")


def _write_pem_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
