"""A fleet's repository for tests: every key at hand, orders as the specification asks for them."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner

from edge.clock import utc_text
from edge.errors import RepositoryFileMissing
from edge.formats.orders import DeploymentClose
from edge.trust.documents import canonical, public_hex, sign
from edge.trust.tuf_keys import ed25519_key
from provisioning.policy_profiles import profile
from provisioning.tuf_repository import OnlineSigners, RoleKeys, TufRepository

FLEET = "demo-fleet"
DEVICE = "van-0001"


def made_signer(name: str) -> CryptoSigner:
    """The signer of a name: always the same key."""
    private = made_key(name)
    return CryptoSigner(private, ed25519_key(public_hex(private)))


def made_key(name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(name.encode().ljust(32, b"."))


def key_id(name: str) -> str:
    return public_hex(made_key(name))


class MadeFleet:
    """A repository, all who sign for it, and a clock. at: when the deployments of `order_bytes` begin."""

    def __init__(self, folder: Path, clock: Any, staleness_s: int = 900) -> None:
        self.clock = clock
        self.online = OnlineSigners(made_signer("snapshot"), made_signer("timestamp"), made_signer("log"))
        self.people = {name: made_signer(name) for name in ("officer", "custodian", "deputy")}
        self.roots = {name: made_signer(name) for name in ("root-1", "root-2", "root-3")}
        self.folder = folder
        self.keys = RoleKeys(
            [each.public_key for each in self.roots.values()],
            [each.public_key for each in self.people.values()],
            self.online.snapshot.public_key,
            self.online.timestamp.public_key,
        )
        self.repository = TufRepository.create(
            folder,
            FLEET,
            self.keys,
            [self.roots["root-1"], self.roots["root-2"], self.people["officer"], self.people["custodian"]],
            self.online,
            clock,
            staleness_s,
        )
        self.first_root = self.repository.root_bytes()

    def order_bytes(self, deployment: str = "station-9", begins: datetime | None = None, **changes: Any) -> bytes:
        """An order for DEVICE, four hours from now unless told otherwise, six hours long."""
        begins = begins or self.clock.now_utc() + timedelta(hours=4)
        fields: dict[str, Any] = {
            "type": "order",
            "deployment": deployment,
            "fleet": FLEET,
            "version": 1,
            "authorising_officer": {"name": "Superintendent, operations", "key_id": key_id("officer")},
            "data_custodian": {"name": "Custodian, information unit", "key_id": key_id("custodian")},
            "use_case": "Wanted persons",
            "legal_basis": "Common law policing",
            "place": "Station forecourt",
            "not_before_utc": utc_text(begins),
            "not_after_utc": utc_text(begins + timedelta(hours=6)),
            "vans": {DEVICE: "ab" * 16},
            "watchlist": {
                "manifest_sha256": "11" * 32,
                "entries_max": 500,
                "delta_entries_max": 20,
                "delta_signers": [key_id("lister-1"), key_id("lister-2")],
            },
            "pack_sha256": "22" * 32,
            "similarity_threshold": 0.6,
            "threshold_backend": "litert/int8",
            "calibration": {"fpir": 0.001, "entries": 1000, "calibration_sha256": "33" * 32, "evidence": "measured"},
            "policy": {"name": "uk", "version": 1, "sha256": "44" * 32},
            "closers": [key_id("closer")],
            "room_receipt_key_hex": "55" * 32,
            "room_seal_key_hex": "66" * 32,
            "alert_retention_h": 24,
            "staleness_s": 3600,
        }
        return canonical(fields | changes)

    def publish_order(self, data: bytes | None = None, signers: tuple[str, ...] = ("officer", "custodian")) -> bytes:
        """Draft, sign by two, publish; the order."""
        data = self.order_bytes() if data is None else data
        people = [self.people[name].public_key for name in ("officer", "custodian")]
        draft = self.repository.draft_deployment(data, *people, self.online.log.public_key)
        for name in signers:
            draft.sign(self.people[name])
        self.repository.publish(draft, self.online)
        return data

    def publish_policy(self) -> bytes:
        policy, data = profile("uk")
        draft = self.repository.draft_policy(policy, data)
        draft.sign(self.people["officer"])
        draft.sign(self.people["deputy"])
        self.repository.publish(draft, self.online)
        return data

    def rotate(self, role: str, names: tuple[str, ...]) -> None:
        """Give a role of root's the keys of other names; those already there sign, and the new ones where they must."""
        new = {name: made_signer(name) for name in names}
        draft = self.repository.draft_rotation(role, [each.public_key for each in new.values()])
        for signer in (*self.roots.values(), *(new.values() if role in ("root", "targets") else ())):
            if draft.missing():
                draft.sign(signer)
        if role == "root":
            self.roots = new
        if role == "targets":
            self.people = dict(zip(self.people, new.values(), strict=False))
        if role in ("snapshot", "timestamp"):
            online = {"snapshot": self.online.snapshot, "timestamp": self.online.timestamp} | {
                role: next(iter(new.values()))
            }
            self.online = OnlineSigners(**online, log=self.online.log)
        self.repository.publish(draft, self.online)

    def close_bytes(self, deployment: str = "station-9") -> bytes:
        close = DeploymentClose(
            type="deployment_close",
            fleet=FLEET,
            deployment=deployment,
            made_at_utc=utc_text(self.clock.now_utc()),
            reason="over",
        )
        return sign(close, [made_key("closer")])


class Courier:
    """Link, for tests: hands out what a fleet has published, and lies where told to.

    lies: messages by name in place of the true ones; None: not there. frozen: an older set of messages to stay with.
    """

    def __init__(self, fleet: MadeFleet) -> None:
        self.fleet = fleet
        self.lies: dict[str, bytes | None] = {}
        self.frozen: dict[str, bytes] | None = None
        self.gone = False
        self.asked: list[tuple[str, bool]] = []
        self.bytes_given = 0
        self._read_at = b""
        self._messages: dict[str, bytes] = {}

    def fetch(self, name: str, fresh: bool) -> bytes:
        self.asked.append((name, fresh))
        messages = self.refill() if self.frozen is None else self.frozen
        data = self.lies[name] if name in self.lies else messages.get(name)
        if self.gone or data is None:
            raise RepositoryFileMissing(f"{name}: nothing came in time")
        self.bytes_given += len(data)
        return data

    def refill(self) -> dict[str, bytes]:
        """What the fleet has published; read anew when there is something new."""
        now = (self.fleet.folder / "metadata" / "timestamp.json").read_bytes()
        if now != self._read_at:
            self._read_at, self._messages = now, self.fleet.repository.files()
        return self._messages

    def freeze(self) -> None:
        """From now on nothing newer is handed out."""
        self.frozen = self.fleet.repository.files()

    def names_asked(self) -> list[str]:
        """Since the last call."""
        names = [name for name, _ in self.asked]
        self.asked.clear()
        return names
