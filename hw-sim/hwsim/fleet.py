"""A simulated fleet: the people of an authority with their keys at one machine, and the deployments they order.

Real signatures, real seals, a real repository; only that officer, custodian and admin sit on one chair. `lfr-fleet` is
how an operational fleet does the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner

from edge.clock import Clock, utc_text
from edge.formats.names import adds_name, chunk_name, hashes_name, hint_name, manifest_name, wrapped_key_name
from edge.formats.orders import DeploymentClose, Order
from edge.formats.pack import Subjects
from edge.formats.receipts import StockedKey
from edge.trust.documents import canonical, document_sha256, public_hex, sign
from edge.trust.policy import refer_to
from edge.trust.tuf_keys import ed25519_key
from edge.trust.watchlist_log import LogState, begin_log, follow, read_item
from edge.trust.watchlist_writer import EpochSecret, WatchlistEntry, seal_base, seal_delta
from provisioning.policy_profiles import profile
from provisioning.tuf_repository import OnlineSigners, RoleKeys, TufRepository


@dataclass(frozen=True)
class Terms:
    """What the authorising officer decides. threshold_backend: what it was set for, `litert/int8`."""

    deployment: str
    pack_sha256: str
    similarity_threshold: float
    threshold_backend: str
    room_receipt_key_hex: str
    room_seal_key_hex: str
    use_case: str = "simulated deployment"
    legal_basis: str = "none: nobody is looked for in earnest"
    place: str = "simulated street"
    lasts: timedelta = timedelta(hours=2)
    alert_retention_h: float = 24.0
    staleness_s: int = 900
    entries_max: int = 2_000
    delta_entries_max: int = 100
    changes: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class _Running:
    order: Order
    secret: EpochSecret
    log: LogState
    in_force: set[str]


class Person:
    """Somebody with an Ed25519 key."""

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.hex = public_hex(self.key)
        self.signer = CryptoSigner(self.key, ed25519_key(self.hex))


class SimulatedFleet:
    """One authority. Everything it publishes is in `files()`, by repository name."""

    def __init__(self, folder: Path, fleet: str, clock: Clock, policy: str = "uk") -> None:
        """Found the repository, with two people's policy profile in it."""
        self.fleet, self._clock = fleet, clock
        self.officer, self.custodian = Person(), Person()
        self.root_holders = [Person() for _ in range(3)]
        self.delta_signers = [Person(), Person()]
        self._online_people = [Person() for _ in range(3)]
        self.online = OnlineSigners(*(person.signer for person in self._online_people))
        keys = RoleKeys(
            root=[person.signer.public_key for person in self.root_holders],
            targets=[self.officer.signer.public_key, self.custodian.signer.public_key],
            snapshot=self.online.snapshot.public_key,
            timestamp=self.online.timestamp.public_key,
        )
        signers = [person.signer for person in (*self.root_holders[:2], self.officer, self.custodian)]
        self.repository = TufRepository.create(folder, fleet, keys, signers, self.online, clock)
        self._policy, data = profile(policy)
        draft = self.repository.draft_policy(self._policy, data)
        for person in (self.officer, self.custodian):
            draft.sign(person.signer)
        self.repository.publish(draft, self.online)
        self._running: dict[str, _Running] = {}

    @property
    def root_bytes(self) -> bytes:
        """What a van is enrolled with."""
        return self.repository.root_bytes()

    def files(self) -> dict[str, bytes]:
        """All there is to publish."""
        return self.repository.files()

    def order(
        self,
        terms: Terms,
        entries: Sequence[WatchlistEntry],
        vans: Mapping[str, StockedKey],
        subjects: Subjects = "synthetic",
    ) -> Order:
        """Seal a list to some vans' keys, have the order signed by two, and put both into the repository."""
        recipients = {key.recipient: key.public_hex for key in vans.values()}
        base = seal_base(self.fleet, terms.deployment, 1, terms.pack_sha256, subjects, entries, recipients)
        now = self._clock.now_utc()
        fields: dict[str, Any] = {
            "type": "order",
            "deployment": terms.deployment,
            "fleet": self.fleet,
            "version": 1,
            "authorising_officer": {"name": "authorising officer", "key_id": self.officer.hex},
            "data_custodian": {"name": "data custodian", "key_id": self.custodian.hex},
            "use_case": terms.use_case,
            "legal_basis": terms.legal_basis,
            "place": terms.place,
            "not_before_utc": utc_text(now - timedelta(seconds=1)),
            "not_after_utc": utc_text(now + terms.lasts),
            "vans": {device: key.recipient for device, key in vans.items()},
            "watchlist": {
                "manifest_sha256": document_sha256(base.manifest),
                "entries_max": terms.entries_max,
                "delta_entries_max": terms.delta_entries_max,
                "delta_signers": [person.hex for person in self.delta_signers],
            },
            "pack_sha256": terms.pack_sha256,
            "similarity_threshold": terms.similarity_threshold,
            "threshold_backend": terms.threshold_backend,
            "calibration": {
                "fpir": 0.001,
                "entries": terms.entries_max,
                "calibration_sha256": None,
                "evidence": "chosen",
            },
            "policy": refer_to(self._policy).model_dump(mode="json"),
            "closers": [self.officer.hex, self.custodian.hex],
            "room_receipt_key_hex": terms.room_receipt_key_hex,
            "room_seal_key_hex": terms.room_seal_key_hex,
            "alert_retention_h": terms.alert_retention_h,
            "staleness_s": terms.staleness_s,
            **terms.changes,
        }
        order = Order.model_validate(fields)
        self._put_base(terms.deployment, 1, base)
        self.publish_order(order)
        for device in vans:
            self.repository.put_file(hint_name(device), canonical({"deployments": [terms.deployment]}))
        state = begin_log(order, base.secret.manifest)
        self._running[terms.deployment] = _Running(order, base.secret, state, {entry.id for entry in entries})
        return order

    def order_of(self, deployment: str) -> Order:
        """As it was first given."""
        return self._running[deployment].order

    def content_key_of(self, deployment: str) -> bytes:
        """What a hunt for plaintext looks for."""
        return self._running[deployment].secret.content_key

    def publish_order(self, order: Order) -> None:
        """An order, or a later version of one, signed by the two whom it names."""
        data = canonical(order.model_dump(mode="json"))
        keys = self.officer.signer.public_key, self.custodian.signer.public_key
        draft = self.repository.draft_deployment(data, *keys, self.online.log.public_key)
        for person in (self.officer, self.custodian):
            draft.sign(person.signer)
        self.repository.publish(draft, self.online)

    def change(self, deployment: str, removes: Sequence[str] = (), adds: Sequence[WatchlistEntry] = ()) -> bytes:
        """A delta, signed by two, in the log; its bytes."""
        running = self._running[deployment]
        made_at = utc_text(self._clock.now_utc())
        sealed = seal_delta(
            running.secret, running.log, running.order, running.in_force, set(removes), list(adds), made_at
        )
        for index, data in enumerate(sealed.adds):
            self.repository.put_file(adds_name(deployment, sealed.delta.sequence, index), data)
        signed = sign(sealed.delta, [person.key for person in self.delta_signers])
        item = read_item(signed, running.order)
        running.log = follow(running.log, item, hashlib.sha256(signed).hexdigest(), running.order)
        running.in_force = (running.in_force - set(removes)) | {entry.id for entry in adds}
        self.repository.add_log_item(deployment, sealed.delta.sequence, signed, self.online)
        return signed

    def close(self, deployment: str, reason: str = "the deployment is over") -> None:
        """One closer's word."""
        close = DeploymentClose(
            type="deployment_close",
            fleet=self.fleet,
            deployment=deployment,
            made_at_utc=utc_text(self._clock.now_utc()),
            reason=reason,
        )
        self.repository.add_close(deployment, sign(close, [self.officer.key]), self.online)

    def tick(self) -> None:
        """A fresh timestamp."""
        self.repository.refresh_timestamp(self.online)

    def _put_base(self, deployment: str, epoch: int, base: Any) -> None:
        self.repository.put_file(manifest_name(deployment, epoch), base.manifest)
        self.repository.put_file(hashes_name(deployment, epoch), base.hashes)
        for index, chunk in enumerate(base.chunks):
            self.repository.put_file(chunk_name(deployment, epoch, index), chunk)
        for recipient, wrapped in base.keys.items():
            self.repository.put_file(wrapped_key_name(deployment, epoch, recipient), wrapped)
