"""What the authority keeps of a deployment: content keys, the log's key, references; all but the outcome dies with it.

References and templates lie sealed under the content key, so that destroying 32 bytes destroys them.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import Field, ValidationError
from securesystemslib.signer import Key, Signer

from edge.errors import AuthorityInvalid
from edge.formats.documents import Document, Hex32, Identifier, UtcText
from edge.formats.orders import Recipient
from edge.formats.watchlists import Epoch, Sequence, WatchlistManifest
from edge.trust.documents import canonical
from edge.trust.watchlist_writer import EpochSecret
from provisioning.durable import destroy, write_private
from provisioning.signers import Passphrases, load_signer, write_key

State = Literal["drafted", "published", "closed", "ended"]


class VanKey(Document):
    """A van of the deployment: the key that it opens the list with."""

    recipient: Recipient
    public_hex: Hex32


class DeploymentFile(Document):
    """What became of a deployment. revoked: vans without a content key. cleared: whether its files are gone."""

    deployment: Identifier
    state: State
    not_after_utc: UtcText
    vans: dict[Identifier, VanKey]
    revoked: list[Identifier] = Field(default_factory=list)
    published_at_utc: UtcText | None = None
    closed_at_utc: UtcText | None = None
    closed_because: str | None = None
    keys_destroyed_at_utc: UtcText | None = None
    cleared: bool = False


class _EpochFile(Document):
    fleet: Identifier
    manifest: WatchlistManifest
    content_key: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    sealed_sequences: list[Sequence]


class Ledger:
    """One deployment's folder."""

    def __init__(self, folder: Path, deployment: str) -> None:
        self.folder = folder
        self.deployment = deployment

    @property
    def exists(self) -> bool:
        return (self.folder / "deployment.json").is_file()

    def read(self) -> DeploymentFile:
        """Raises: AuthorityInvalid."""
        path = self.folder / "deployment.json"
        try:
            return DeploymentFile.model_validate(json.loads(path.read_bytes()))
        except FileNotFoundError:
            raise AuthorityInvalid(f"deployment {self.deployment}: no draft or order of this name here") from None
        except (ValueError, ValidationError) as error:
            raise AuthorityInvalid(f"{path}: not what we wrote: {error}") from None

    def write(self, file: DeploymentFile) -> None:
        """Raises: OSError."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(self.folder / "deployment.json", canonical(file.model_dump(mode="json")))

    def change(self, **fields: object) -> DeploymentFile:
        """Some fields anew. Raises: AuthorityInvalid, OSError."""
        file = self.read().model_copy(update=fields)
        self.write(file)
        return file

    def log_key(self) -> Key:
        """The public half of the log's key, made when it is first asked for. Raises: SignerUnusable."""
        path = self.folder / "log.key"
        if not path.exists():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return write_key(path, None)
        return self.log_signer().public_key

    def log_signer(self) -> Signer:
        """Raises: SignerUnusable."""
        return load_signer(str(self.folder / "log.key"), Passphrases())

    def next_log_key(self) -> Key:
        """The public half of a key that is to take the log key's place, made anew. Raises: OSError."""
        self._next_log_path.unlink(missing_ok=True)
        return write_key(self._next_log_path, None)

    def next_log_signer(self) -> Signer | None:
        """None where no other key is in the making. Raises: SignerUnusable."""
        return load_signer(str(self._next_log_path), Passphrases()) if self._next_log_path.exists() else None

    def accept_log_key(self) -> None:
        """The repository names the next one. Raises: OSError."""
        os.replace(self._next_log_path, self.folder / "log.key")

    def keep_secret(self, secret: EpochSecret) -> None:
        """On disk before anything sealed under it leaves the machine. Raises: OSError."""
        file = _EpochFile(
            fleet=secret.fleet,
            manifest=secret.manifest,
            content_key=secret.content_key.hex(),
            sealed_sequences=sorted(secret.sealed_sequences),
        )
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(self._secret_path(secret.manifest.epoch), canonical(file.model_dump(mode="json")))

    def secret(self, epoch: int) -> EpochSecret:
        """Raises: AuthorityInvalid when it is gone."""
        path = self._secret_path(epoch)
        try:
            file = _EpochFile.model_validate(json.loads(path.read_bytes()))
        except FileNotFoundError:
            raise AuthorityInvalid(
                f"deployment {self.deployment}: its content key is gone: it was closed, or drafted elsewhere"
            ) from None
        except (ValueError, ValidationError) as error:
            raise AuthorityInvalid(f"{path}: not what we wrote: {error}") from None
        return EpochSecret(file.fleet, file.manifest, bytes.fromhex(file.content_key), set(file.sealed_sequences))

    def keep_references(self, references: Mapping[str, str], epoch: int) -> None:
        """Entry ids by the room's references, sealed under the epoch's key. Raises: AuthorityInvalid, OSError."""
        nonce = os.urandom(12)
        cipher = AESGCM(self._reference_key(epoch))
        sealed = cipher.encrypt(nonce, canonical(dict(references)), self._context(epoch))
        write_private(self.folder / f"references-{epoch}", nonce + sealed)

    def references(self, epoch: int) -> dict[str, str]:
        """Entry ids by reference. Raises: AuthorityInvalid."""
        path = self.folder / f"references-{epoch}"
        try:
            data = path.read_bytes()
            plain = AESGCM(self._reference_key(epoch)).decrypt(data[:12], data[12:], self._context(epoch))
        except FileNotFoundError:
            return {}
        except (InvalidTag, ValueError):
            raise AuthorityInvalid(f"{path}: does not open with its content key: altered, or another epoch's") from None
        found: dict[str, str] = json.loads(plain)
        return found

    def stage(self, files: Mapping[str, bytes]) -> None:
        """Keep sealed files, by repository name, until what they belong to is signed. Raises: OSError."""
        self.unstage()
        for name, data in files.items():
            path = self._staged / name
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(path, data)

    def staged(self) -> dict[str, bytes]:
        """What is kept so, by repository name."""
        paths = [path for path in sorted(self._staged.rglob("*")) if path.is_file()]
        return {path.relative_to(self._staged).as_posix(): path.read_bytes() for path in paths}

    def unstage(self) -> None:
        """Forget it: it is published, or will not be."""
        shutil.rmtree(self._staged, ignore_errors=True)

    def destroy_epoch(self, epoch: int) -> int:
        """Content key and references of an epoch; how many files."""
        return sum(destroy(path) for path in (self._secret_path(epoch), self.folder / f"references-{epoch}"))

    def destroy_secrets(self) -> int:
        """Every key of the deployment and all that was sealed under one; how many files."""
        self.unstage()
        paths = [path for path in self.folder.iterdir() if path.name != "deployment.json"] if self.exists else []
        return sum(destroy(path) for path in sorted(paths, key=lambda path: not path.name.startswith("epoch-")))

    @property
    def _next_log_path(self) -> Path:
        return self.folder / "log.next.key"

    @property
    def _staged(self) -> Path:
        return self.folder / "staged"

    def _secret_path(self, epoch: Epoch) -> Path:
        return self.folder / f"epoch-{epoch}.key"

    def _reference_key(self, epoch: int) -> bytes:
        """Of its own: the content key encrypts the list and nothing else (WATCHLIST.md 1)."""
        return HKDF(SHA256(), 32, None, b"lfr-edge references\0" + self.deployment.encode()).derive(
            self.secret(epoch).content_key
        )

    def _context(self, epoch: int) -> bytes:
        return b"lfr-edge references\0" + canonical([self.deployment, epoch])
