"""The fleet of a made van: it orders, changes and closes by `lfr-fleet`'s own functions.

What no command does, and an attack needs, is done below them: a later version of an order, a key used twice.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from edge.clock import Clock, utc_text
from edge.formats.categories import Category, Response
from edge.formats.orders import CalibrationCertificate, Order
from edge.trust.documents import canonical, sign
from edge.trust.watchlist_writer import WatchlistEntry
from provisioning.built_list import BuiltList
from provisioning.development import PEOPLE as KEYS
from provisioning.development import found_alone, signer_of
from provisioning.draft_folder import save_draft
from provisioning.ending import close_deployment, draft_close
from provisioning.fleet_folder import Person
from provisioning.list_change import draft_delta, publish_item
from provisioning.order_draft import draft_log_key, draft_order, publish_order
from provisioning.order_terms import OrderTerms, RoomKeys
from provisioning.policy_profiles import profile
from provisioning.signers import add_signature
from provisioning.thresholds import SetThreshold

ENTRIES_MAX, DELTA_ENTRIES_MAX, STALENESS_S = 2_000, 100, 900
FPIR = 0.001
PEOPLE = ("officer", "custodian")


@dataclass(frozen=True)
class Terms:
    """What an order says, where a test cares."""

    deployment: str
    pack_sha256: str
    similarity_threshold: float
    threshold_backend: str
    room: RoomKeys
    begins_in: timedelta = timedelta(seconds=-1)
    lasts: timedelta = timedelta(hours=1)
    alert_retention_h: float = 1.0

    @property
    def threshold(self) -> SetThreshold:
        certificate = CalibrationCertificate(fpir=FPIR, entries=ENTRIES_MAX, calibration_sha256=None, evidence="chosen")
        return SetThreshold(self.similarity_threshold, self.threshold_backend, certificate, "chosen")


@dataclass
class _Given:
    """Of a deployment, for as long as the test lasts: the authority destroys its own at the close."""

    order: Order
    content_key: bytes
    pack_sha256: str


@dataclass
class MadeFleet:
    """One authority in a folder. Everything that it publishes is in `files()`, by repository name."""

    folder: Path
    name: str
    clock: Clock
    _given: dict[str, _Given] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.authority = found_alone(self.folder, self.name, self.clock)
        self._policy, self._policy_bytes = profile("uk")

    @property
    def root_bytes(self) -> bytes:
        """What a van is enrolled with."""
        return self.authority.repository().root_bytes()

    def files(self) -> dict[str, bytes]:
        """All there is to publish."""
        return self.authority.repository().files()

    def hear_stock(self, device: str, signing_key_hex: str, event: bytes) -> None:
        """A van, and the keys it has published."""
        self.authority.vans.add(device, signing_key_hex)
        self.authority.vans.take_stock(event)

    def order(self, terms: Terms, entries: Sequence[WatchlistEntry], device: str) -> Order:
        """Drafted, signed by two, published."""
        built = self._built(entries, terms.pack_sha256)
        begins = self.clock.now_utc() + terms.begins_in
        officer, custodian = map(self._person, PEOPLE)
        wanted = OrderTerms(
            deployment=terms.deployment,
            officer=officer,
            custodian=custodian,
            vans=(device,),
            place="simulated street",
            use_case="simulated deployment",
            legal_basis="none: nobody is looked for in earnest",
            not_before=begins,
            not_after=begins + terms.lasts,
            policy=self._policy,
            threshold=terms.threshold,
            entries_max=ENTRIES_MAX,
            delta_entries_max=DELTA_ENTRIES_MAX,
            room=terms.room,
            alert_retention_h=terms.alert_retention_h,
            staleness_s=STALENESS_S,
        )
        draft = self.folder / f"draft-{terms.deployment}"
        opened = draft_order(self.authority, wanted, built, self._policy_bytes, {}, draft)
        for name in PEOPLE:
            opened.draft.sign(signer_of(self.authority, name))
        save_draft(draft, opened.draft)
        order = publish_order(self.authority, draft)
        secret = self.authority.ledger(terms.deployment).secret(1)
        self._given[terms.deployment] = _Given(order, secret.content_key, terms.pack_sha256)
        return order

    def order_of(self, deployment: str) -> Order:
        """As it was first given."""
        return self._given[deployment].order

    def content_key_of(self, deployment: str) -> bytes:
        """What a hunt for plaintext looks for."""
        return self._given[deployment].content_key

    def change(self, deployment: str, removes: Sequence[str] = (), adds: Sequence[WatchlistEntry] = ()) -> None:
        """A delta, signed by two, in the log."""
        built = self._built(adds, self._given[deployment].pack_sha256) if adds else None
        data = draft_delta(self.authority, deployment, removes, built)
        for name in PEOPLE:
            data = add_signature(data, signer_of(self.authority, name))
        publish_item(self.authority, data, deployment)

    def close(self, deployment: str) -> None:
        """One closer's word."""
        close_deployment(self.authority, deployment, "the deployment is over", signer_of(self.authority, "officer"))

    def tick(self) -> None:
        """A fresh timestamp, as serve makes them."""
        self.authority.repository().refresh_timestamp(self.authority.online())

    def key_of(self, name: str) -> Ed25519PrivateKey:
        """Of the officer or the custodian, who are this fleet's closers and delta signers too."""
        return _private_key(self.authority.folder / KEYS / f"{name}.key")

    def log_key_of(self, deployment: str) -> Ed25519PrivateKey:
        """What the machine that serves signs a deployment's log and commands with."""
        return _private_key(self.authority.ledger(deployment).folder / "log.key")

    def change_log_key(self, deployment: str) -> None:
        """As for when it may be in other hands: both sign the order again, with another key for its log."""
        draft = self.folder / f"log-key-{deployment}"
        opened = draft_log_key(self.authority, deployment, draft)
        for name in PEOPLE:
            opened.draft.sign(signer_of(self.authority, name))
        save_draft(draft, opened.draft)
        publish_order(self.authority, draft)

    def publish_version(self, order: Order) -> None:
        """A later version of an order, signed by the two whom it names: no command drafts one."""
        repository, ledger = self.authority.repository(), self.authority.ledger(order.deployment)
        keys = [self._person(name).key for name in PEOPLE]
        draft = repository.draft_deployment(canonical(order.model_dump(mode="json")), *keys, ledger.log_key())
        for name in PEOPLE:
            draft.sign(signer_of(self.authority, name))
        repository.publish(draft, self.authority.online(ledger.log_signer()))

    def publish_forged_close(self, deployment: str) -> None:
        """As the thief of a log's key: a close by somebody whom the order does not name."""
        data = sign(draft_close(self.authority, deployment, "forged"), [Ed25519PrivateKey.generate()])
        ledger = self.authority.ledger(deployment)
        self.authority.repository().add_close(deployment, data, self.authority.online(ledger.log_signer()))

    def forget_used_keys(self, device: str) -> None:
        """As no fleet may: what was sealed to a key of this van's is followed by more to the same key."""
        path = self.authority.folder / "vans" / f"{device}.json"
        path.write_bytes(canonical({**json.loads(path.read_bytes()), "used": {}}))

    def _person(self, name: str) -> Person:
        return self.authority.person(name)

    def _built(self, entries: Sequence[WatchlistEntry], pack_sha256: str) -> BuiltList:
        categories: list[Category] = [entry.category for entry in entries]
        responses: list[Response] = [entry.response for entry in entries]
        return BuiltList(
            ids=tuple(entry.id for entry in entries),
            categories=tuple(categories),
            responses=tuple(responses),
            vectors=np.stack([entry.template for entry in entries]),
            pack_sha256=pack_sha256,
            backend="made/int8",
            subjects="synthetic",
            policy=f"{self._policy.name}-{self._policy.version}",
            made_at_utc=utc_text(self.clock.now_utc()),
        )


def _private_key(path: Path) -> Ed25519PrivateKey:
    key = load_pem_private_key(path.read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    return key
