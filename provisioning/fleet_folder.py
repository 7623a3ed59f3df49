"""The authority's folder: what it is made of, and who may change it at a time.

```
fleet.yaml        name of the fleet, broker, staleness
people.json       public keys: root's, the officers' and the custodians', each with the name of a function
repo/             the repository that vans read: public files only
keys/             online keys: snapshot, timestamp (0600, or a URI in fleet.yaml)
vans/             signing key, key stock and used keys of each van
deployments/ID/   of each deployment: content key, log key, references, what became of it
heard/            what serve has heard of each van; receipts
commands/         commands that the broker has not got yet
```
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field, ValidationError
from securesystemslib.signer import Key, Signer, SSlibKey

from edge.clock import Clock
from edge.config_file import BrokerSettings, Identifier, Section, load_yaml_model
from edge.errors import AuthorityInvalid, RepositoryRefused
from edge.trust.documents import canonical
from provisioning.durable import write_private
from provisioning.ledger import Ledger
from provisioning.signers import Passphrases, key_of, load_signer, write_key
from provisioning.tuf_repository import OnlineSigners, RoleKeys, TufRepository
from provisioning.vans import Vans

Function = Literal["root", "officer", "custodian"]
ONLINE = ("snapshot", "timestamp")
SETTINGS, PEOPLE, FOUNDING = "fleet.yaml", "people.json", "founding.draft"


class FleetSettings(Section):
    """fleet.yaml. A URI in place of an online key: any signer of securesystemslib's."""

    fleet: Identifier
    staleness_s: int = Field(900, ge=60, le=86_400, description="life of a timestamp, s")
    snapshot_key: str | None = None
    timestamp_key: str | None = None
    broker: BrokerSettings | None = None


@dataclass(frozen=True)
class Person:
    """Somebody who signs: a function, a name for it, and a public key."""

    function: Function
    name: str
    key: SSlibKey


class FleetFolder:
    """One authority."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        """Raises: ConfigInvalid."""
        self.folder = folder
        self.clock = clock
        if not (folder / SETTINGS).is_file():
            raise AuthorityInvalid(f"{folder}: no authority here; make one with: lfr-fleet init {folder}")
        self.settings = load_yaml_model(folder / SETTINGS, FleetSettings)
        self.fleet = self.settings.fleet
        self.vans = Vans(folder / "vans", self.fleet)

    @classmethod
    def create(
        cls,
        folder: Path,
        fleet: str,
        people: list[Person],
        clock: Clock,
        staleness_s: int = 900,
        broker: BrokerSettings | None = None,
    ) -> FleetFolder:
        """Folder, settings, people, online keys; the repository is founded when its founding is signed.

        Raises: AuthorityInvalid when something is there already, OSError.
        """
        try:
            FleetSettings(fleet=fleet, staleness_s=staleness_s, broker=broker)
        except ValidationError as error:
            faults = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
            raise AuthorityInvalid(f"fleet {fleet!r}: {faults}") from None
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if (folder / SETTINGS).exists():
            raise AuthorityInvalid(f"{folder}: there is an authority already; take another folder")
        os.chmod(folder, 0o700)
        for name in ("keys", "vans", "deployments", "heard"):
            (folder / name).mkdir(mode=0o700, exist_ok=True)
        for role in ONLINE:
            if not (folder / "keys" / f"{role}.key").exists():
                write_key(folder / "keys" / f"{role}.key", None)
        _write_people(folder / PEOPLE, people)
        settings: dict[str, object] = {"fleet": fleet, "staleness_s": staleness_s}
        if broker is not None:
            settings["broker"] = {**broker.model_dump(mode="json", exclude_defaults=True)}
        write_private(folder / SETTINGS, yaml.safe_dump(settings, sort_keys=False).encode())
        return cls(folder, clock)

    def people(self) -> list[Person]:
        """Everybody whose key the fleet knows. Raises: AuthorityInvalid."""
        path = self.folder / PEOPLE
        try:
            return [
                Person(each["function"], each["name"], key_of(canonical(each["key"]), str(path)))
                for each in json.loads(path.read_bytes())
            ]
        except (OSError, ValueError, KeyError, TypeError, RepositoryRefused) as error:
            raise AuthorityInvalid(f"{path}: not what we wrote: {error}") from None

    def propose_people(self, role: str, people: list[Person]) -> None:
        """Who has root, or targets, once a rotation is published. Raises: OSError."""
        others = [each for each in self.people() if (each.function == "root") != (role == "root")]
        _write_people(self.folder / f"{role}.next.json", [*others, *people])

    def accept_people(self, role: str) -> None:
        """The rotation is published. Raises: OSError."""
        os.replace(self.folder / f"{role}.next.json", self.folder / PEOPLE)

    def person(self, who: str, function: Function | None = None) -> Person:
        """Somebody by name, or by the beginning of a key id. Raises: AuthorityInvalid."""
        fitting = [
            each
            for each in self.people()
            if function in (None, each.function)
            and (each.name == who or (len(who) >= 8 and each.key.keyid.startswith(who)))
        ]
        if len(fitting) != 1:
            known = "; ".join(
                f"{each.name} ({each.key.keyid[:16]}…)" for each in self.people() if function in (None, each.function)
            )
            raise AuthorityInvalid(
                f"{function or 'person'} {who!r}: {len(fitting)} fit, need one of: {known or 'nobody'}"
            )
        return fitting[0]

    def role_keys(self) -> RoleKeys:
        """What a founding names. Raises: AuthorityInvalid, SignerUnusable."""
        people = self.people()
        return RoleKeys(
            root=[each.key for each in people if each.function == "root"],
            targets=[each.key for each in people if each.function in ("officer", "custodian")],
            snapshot=self.online_key("snapshot"),
            timestamp=self.online_key("timestamp"),
        )

    def repository(self) -> TufRepository:
        """Raises: AuthorityInvalid before the founding."""
        if not (self.folder / "repo" / "index.json").is_file():
            raise AuthorityInvalid(
                f"{self.folder}: not founded yet: have {self.folder / FOUNDING} signed by two root keys and two of the "
                "officers and custodians, then: lfr-fleet repo publish"
            )
        return TufRepository.open(self.folder / "repo", self.fleet, self.clock)

    def online_key(self, role: str) -> Key:
        """The public half of an online key. Raises: SignerUnusable."""
        return self._online(role).public_key

    def online(self, log: Signer | None = None) -> OnlineSigners:
        """What this machine signs with. log: that of the deployment in question. Raises: SignerUnusable."""
        snapshot, timestamp = (self._online(role) for role in ONLINE)
        return OnlineSigners(snapshot, timestamp, log or timestamp)

    def ledger(self, deployment: str) -> Ledger:
        """What the authority keeps of a deployment."""
        return Ledger(self.folder / "deployments" / deployment, deployment)

    def ledgers(self) -> list[Ledger]:
        """Of every deployment that was drafted and not forgotten."""
        return [Ledger(path, path.name) for path in sorted((self.folder / "deployments").iterdir()) if path.is_dir()]

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Nobody else changes the repository meanwhile: another command, or serve."""
        descriptor = os.open(self.folder / ".changing", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def serving(self) -> Iterator[bool]:
        """Whether this process is the one that speaks to the broker, from now until the end of the block."""
        descriptor = os.open(self.folder / ".serving", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True
        finally:
            os.close(descriptor)

    def _online(self, role: str) -> Signer:
        where: str | None = getattr(self.settings, f"{role}_key")
        return load_signer(where or str(self.folder / "keys" / f"{role}.key"), Passphrases())


def _write_people(path: Path, people: list[Person]) -> None:
    listed = [{"function": each.function, "name": each.name, "key": _as_value(each.key)} for each in people]
    write_private(path, canonical(listed))


def _as_value(key: Key) -> dict[str, object]:
    return {"keyid": key.keyid, **key.to_dict()}
