"""Keys that sign: Ed25519 in files with a passphrase, or any key that securesystemslib reaches by a URI.

A key file is encrypted PKCS#8 PEM, mode 0600. Its public half, a small JSON file or 64 hex digits, may travel.
"""

from __future__ import annotations

import getpass
import os
import stat
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from securesystemslib.exceptions import Error as SslibError
from securesystemslib.signer import KEY_TYPE_ED25519, CryptoSigner, HSMSigner, Key, Signer, SSlibKey

from edge.errors import DocumentInvalid, DocumentTooLarge, RepositoryRefused, SignerUnusable
from edge.formats.documents import Document
from edge.trust.documents import (
    DOCUMENT_MAX_BYTES,
    as_document,
    canonical,
    check_signatures,
    parse_strict,
    public_hex,
)  # fmt: skip
from edge.trust.tuf_keys import check_key, ed25519_key

PASSPHRASE_VARIABLE = "LFR_FLEET_PASSPHRASE"
PASSPHRASE_MIN = 8
KEY_FILE_MAX_BYTES = 8 * 1024


class Passphrases:
    """Where passphrases and PINs come from: files in their order, the environment, or the person at the terminal."""

    def __init__(self, files: Sequence[Path] = (), ask: Callable[[str], str] = getpass.getpass) -> None:
        self._files = list(files)
        self._ask = ask
        self._several = len(self._files) > 1

    def give(self, what: str) -> str:
        """The passphrase of a key. One file serves every key, several serve one each. Raises: SignerUnusable."""
        if self._files:
            return _first_line(self._files.pop(0) if self._several else self._files[0])
        from_environment = os.environ.get(PASSPHRASE_VARIABLE)
        if from_environment is not None:
            return from_environment
        if self._several or not sys.stdin.isatty():
            raise SignerUnusable(
                f"{what}: no passphrase and no terminal to ask at; use --passphrase-file or {PASSPHRASE_VARIABLE}"
            )
        return self._ask(f"{what}: ")


def write_key(path: Path, passphrase: str | None) -> SSlibKey:
    """A new Ed25519 key in a file of its own (0600), its public half beside it as `{path}.pub`.

    None: without a passphrase, for keys that a machine uses by itself. Raises: SignerUnusable, OSError.
    """
    encryption: KeySerializationEncryption = NoEncryption()
    if passphrase is not None:
        if len(passphrase) < PASSPHRASE_MIN:
            raise SignerUnusable(
                f"{path}: a passphrase of {len(passphrase)} characters, need at least {PASSPHRASE_MIN}"
            )
        encryption = BestAvailableEncryption(passphrase.encode())
    key = Ed25519PrivateKey.generate()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise SignerUnusable(f"{path}: there is a file already; a key is never written over") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
        file.flush()
        os.fsync(file.fileno())
    public = ed25519_key(public_hex(key))
    write_public(Path(f"{path}.pub"), public)
    return public


def write_public(path: Path, key: Key) -> None:
    """The public half as a file that may travel. Raises: OSError."""
    path.write_bytes(key_bytes(key) + b"\n")


def key_bytes(key: Key) -> bytes:
    """A public key as JSON."""
    return canonical({"keyid": key.keyid, **key.to_dict()})


def read_public(text: str) -> SSlibKey:
    """A public key: 64 hex digits, or the file that `key new` or `key show` wrote. Raises: SignerUnusable."""
    try:
        if len(text) == 64 and not Path(text).exists():
            return ed25519_key(text.lower())
        return key_of(_read(Path(text)).strip(), text)
    except RepositoryRefused as error:
        raise SignerUnusable(f"{text}: {error}") from None


def key_of(data: bytes, where: str) -> SSlibKey:
    """A public key from its JSON. Raises: SignerUnusable, RepositoryRefused."""
    try:
        value: Any = parse_strict(data, KEY_FILE_MAX_BYTES)
        key = Key.from_dict(value.pop("keyid"), value)
    except (DocumentInvalid, KeyError, TypeError, AttributeError, ValueError) as error:
        raise SignerUnusable(f"{where}: no public key: need 64 hex digits, or a .pub file ({error})") from None
    if not isinstance(key, SSlibKey):
        raise SignerUnusable(f"{where}: a key of a kind that vans do not know")
    check_key(key)
    return key


def load_signer(where: str, passphrases: Passphrases, public: Key | None = None) -> Signer:
    """A signer from a key file or a URI. public: for URIs that do not tell it themselves. Raises: SignerUnusable."""
    scheme, separator, _ = where.partition(":")
    if not separator or "/" in scheme or Path(where).exists():
        return _from_file(Path(where), passphrases)

    def secret(what: str) -> str:
        return passphrases.give(f"{what} of {where}")

    try:
        if public is None:
            public = import_public(where, passphrases)
        return Signer.from_priv_key_uri(where, public, secret)
    except (SslibError, ValueError, OSError, ImportError) as error:
        raise SignerUnusable(f"{where}: {error or type(error).__name__}") from None


def import_public(where: str, passphrases: Passphrases) -> Key:
    """The public half of a key in a hardware module: `hsm:[ID][?label=TOKEN]`. Raises: SignerUnusable."""
    scheme, _, rest = where.partition(":")
    if scheme != HSMSigner.SCHEME:
        raise SignerUnusable(f"{where}: give its public half with --public FILE")
    number, _, query = rest.partition("?")
    label = dict(pair.partition("=")[::2] for pair in query.split("&")).get("label")
    try:
        _, key = HSMSigner.import_(int(number) if number else None, label, lambda what: passphrases.give(what))
        check_key(key)
    except Exception as error:  # noqa: BLE001  python-pkcs11 has a tree of its own, which is there only with the extra
        raise SignerUnusable(f"{where}: {error or type(error).__name__}; is PYKCS11LIB set?") from None
    return key


def sign_document(document: Document, signers: Sequence[Signer]) -> bytes:
    """A signed document (ALERT.md 2); more can sign it later. Raises: SignerUnusable, DocumentTooLarge."""
    data = canonical({"signed": document.model_dump(mode="json"), "signatures": []})
    for signer in signers:
        data = add_signature(data, signer)
    return data


def add_signature(data: bytes, signer: Signer) -> bytes:
    """A document with one signature more. Raises: SignerUnusable, DocumentInvalid, DocumentTooLarge."""
    outer = parse_strict(data)
    if not isinstance(outer, dict) or set(outer) != {"signed", "signatures"}:
        raise DocumentInvalid("need a document of exactly `signed` and `signatures`")
    key = signer.public_key
    if key.keytype != KEY_TYPE_ED25519:
        raise SignerUnusable(
            f"key {key.keyid[:16]}… is {key.scheme}: deltas and closes are signed with Ed25519; use the Ed25519 "
            "key that the order names as delta signer or closer"
        )
    if any(each["keyid"] == key.keyid for each in outer["signatures"]):
        raise SignerUnusable(f"key {key.keyid[:16]}… has signed this already; the second signature is another person's")
    message = canonical(outer["signed"])
    try:
        sig = signer.sign(message).signature
    except (SslibError, ValueError, OSError) as error:
        raise SignerUnusable(f"key {key.keyid[:16]}… did not sign: {error}") from None
    signatures = [*outer["signatures"], {"keyid": key.keyid, "sig": sig}]
    check_signatures(outer["signed"], signatures, {key.keyid})
    signed = canonical({"signed": outer["signed"], "signatures": signatures})
    if len(signed) > DOCUMENT_MAX_BYTES:
        raise DocumentTooLarge(f"signed document of {len(signed)} bytes, at most {DOCUMENT_MAX_BYTES}")
    return signed


def signed_fields(data: bytes, kind: type[Document]) -> tuple[Document, tuple[str, ...]]:
    """What a document says and who signed it, nothing verified: for showing. Raises: DocumentInvalid."""
    outer = parse_strict(data)
    if not isinstance(outer, dict) or set(outer) != {"signed", "signatures"}:
        raise DocumentInvalid("need a document of exactly `signed` and `signatures`")
    return as_document(outer["signed"], kind), tuple(each["keyid"] for each in outer["signatures"])


def _from_file(path: Path, passphrases: Passphrases) -> Signer:
    data = _read(path)
    try:
        key = load_pem_private_key(data, None)
    except TypeError:  # cryptography's word for a passphrase that is needed
        passphrase = passphrases.give(f"passphrase of {path}")
        try:
            key = load_pem_private_key(data, passphrase.encode())
        except ValueError:
            raise SignerUnusable(f"{path}: the passphrase does not fit") from None
    except ValueError:
        raise SignerUnusable(f"{path}: no private key in PEM; make one with: lfr-fleet key new --out FILE") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise SignerUnusable(f"{path}: not an Ed25519 key; keys of other kinds belong in a hardware module")
    return CryptoSigner(key, ed25519_key(public_hex(key)))


def _read(path: Path) -> bytes:
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(KEY_FILE_MAX_BYTES + 1)
    except OSError as error:
        raise SignerUnusable(f"{path}: {error.strerror}") from None
    if not stat.S_ISREG(mode) or len(data) > KEY_FILE_MAX_BYTES:
        raise SignerUnusable(f"{path}: no key file")
    if b"PRIVATE KEY" in data and mode & 0o077:
        raise SignerUnusable(f"{path}: mode {mode & 0o777:04o} lets others read a private key; run: chmod 600 {path}")
    return data


def _first_line(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").splitlines()[0]
    except (OSError, UnicodeDecodeError, IndexError):
        raise SignerUnusable(f"{path}: no passphrase to be read there") from None
