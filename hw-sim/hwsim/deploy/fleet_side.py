"""The authority of a simulated deployment: the product's own folder, orders and server, with everybody's key at hand.

What people do at machines of their own, with `order sign` and `order close`, is done here one after the other.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from edge.clock import SystemClock
from edge.config_file import BrokerSettings
from edge.errors import BrokerUnreachable
from edge.formats.orders import Order
from hwsim.deploy.lists import POLICY
from hwsim.errors import DeploymentBroken
from provisioning.built_list import read_built
from provisioning.built_people import references_of
from provisioning.development import found_alone, signer_of
from provisioning.draft_folder import open_draft, save_draft
from provisioning.ending import close_deployment
from provisioning.order_draft import draft_order, publish_order
from provisioning.order_terms import DELTA_ENTRIES, OrderTerms, RoomKeys
from provisioning.policy_profiles import profile
from provisioning.room_bundle import bundle_name, seal_bundle
from provisioning.serve import Server
from provisioning.status import DeploymentStatus, fleet_status
from provisioning.thresholds import SetThreshold

ORDER_LASTS = timedelta(hours=2)
ALERT_RETENTION_H = 24.0
SETTLE_S = 30.0
BEGINS_BEFORE = timedelta(seconds=1)
"""So long before now the order begins: it is in force when the van reads it."""


class FleetSide:
    """Serves the fleet, as `lfr-fleet serve` does, for as long as somebody lets it (`serve_for`)."""

    def __init__(self, folder: Path, fleet: str, broker: BrokerSettings, log: Path) -> None:
        """Found it. Raises: AuthorityInvalid, KeyFileInvalid, OSError."""
        self.authority = found_alone(folder, fleet, SystemClock(), broker=broker)
        self.server = Server(self.authority, self._write)
        self._log = log
        log.parent.mkdir(parents=True, exist_ok=True)

    @property
    def root_bytes(self) -> bytes:
        """What a van is enrolled with."""
        return self.authority.repository().root_bytes()

    def start(self) -> None:
        """Begin to connect."""
        self.server.connection.start()

    def stop(self) -> None:
        """Write down what was heard, and say goodbye to the broker."""
        self.server.heard.save()
        self.server.connection.stop()

    def serve_for(self, seconds: float) -> None:
        """Do what is due and hear the vans, so long."""
        clock = self.authority.clock
        until_s = clock.monotonic_s() + seconds
        while (left_s := until_s - clock.monotonic_s()) > 0:
            self.server.step(left_s)

    def push(self) -> None:
        """Until the broker has all of the repository. Raises: DeploymentBroken."""
        try:
            self.server.settle(SETTLE_S)
        except BrokerUnreachable as error:
            raise DeploymentBroken(f"the fleet cannot publish: {error}") from None

    def await_stock(self, device: str, wait_s: float) -> int:
        """How many unused keys the van has published. Raises: DeploymentBroken when none comes in time."""
        for _ in range(int(wait_s / 0.1)):
            if unused := self.authority.vans.get(device).unused:
                return len(unused)
            self.serve_for(0.1)
        refused = "; ".join(self.server.heard.refused) or "none came"
        raise DeploymentBroken(f"{device} has published no stock of keys in {wait_s:.0f} s: {refused}")

    def order(
        self, deployment: str, device: str, build: Path, room: RoomKeys, threshold: SetThreshold, draft: Path
    ) -> Order:
        """Drafted, signed by officer and custodian, published; the broker has it. Raises: LfrError."""
        fleet = self.authority
        built = read_built(build)
        policy, policy_bytes = profile(POLICY)
        now = fleet.clock.now_utc()
        terms = OrderTerms(
            deployment=deployment,
            officer=fleet.person("officer", "officer"),
            custodian=fleet.person("custodian", "custodian"),
            vans=(device,),
            place="simulated street",
            use_case="simulated deployment",
            legal_basis="none: nobody is looked for in earnest",
            not_before=now - BEGINS_BEFORE,
            not_after=now + ORDER_LASTS,
            policy=policy,
            threshold=threshold,
            entries_max=entries_max_of(len(built.ids)),
            delta_entries_max=DELTA_ENTRIES,
            room=room,
            alert_retention_h=ALERT_RETENTION_H,
            staleness_s=fleet.settings.staleness_s,
        )
        draft_order(fleet, terms, built, policy_bytes, references_of(build), draft)
        for name in ("officer", "custodian"):
            opened = open_draft(draft)
            opened.draft.sign(signer_of(fleet, name))
            save_draft(draft, opened.draft)
        order = publish_order(fleet, draft)
        self.push()
        return order

    def seal_bundle(self, order: Order, build: Path, folder: Path) -> str:
        """Who the entries of a build are, for the room that the order names; the bundle's fingerprint."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        out = folder / bundle_name(order.deployment)
        return seal_bundle(
            build, out, self.authority.fleet, order.deployment, order.room_seal_key_hex, order.not_after_utc
        )

    def close(self, deployment: str, reason: str) -> int:
        """The officer's word that it is over; how many files of keys were destroyed. Raises: LfrError."""
        count = close_deployment(self.authority, deployment, reason, signer_of(self.authority, "officer"))
        self.push()
        return count

    def has_receipt(self, deployment: str, device: str) -> bool:
        """Whether the van's deletion receipt was heard, checked and kept."""
        return device in self.server.heard.receipts().get(deployment, ())

    def status(self, deployment: str) -> DeploymentStatus:
        """As `lfr-fleet status` says it."""
        return next(each for each in fleet_status(self.authority).deployments if each.deployment == deployment)

    def is_cleared(self, deployment: str) -> bool:
        """Whether nothing of it is left in the repository."""
        return self.authority.ledger(deployment).read().cleared

    def _write(self, line: str) -> None:
        with self._log.open("a", encoding="utf-8") as log:
            log.write(line + "\n")


def entries_max_of(entries: int) -> int:
    """How long a list of so many may become: a delta longer, as far as the policy allows."""
    return min(entries + DELTA_ENTRIES, profile(POLICY)[0].entries_max)
