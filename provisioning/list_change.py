"""Changes of a list: drafted here, signed by those whom the order names, published whole or not at all."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from edge.clock import utc_text
from edge.errors import AuthorityInvalid
from edge.formats.names import adds_name, manifest_name
from edge.formats.watchlists import WatchlistBase, WatchlistDelta
from edge.trust.documents import document_sha256
from edge.trust.manifest import read_manifest
from edge.trust.watchlist_log import follow, read_item
from edge.trust.watchlist_writer import WatchlistEntry, seal_base, seal_delta
from provisioning.built_list import BuiltList
from provisioning.fleet_folder import FleetFolder
from provisioning.ledger import Ledger
from provisioning.list_now import ListNow, list_now, log_now, order_now
from provisioning.order_draft import base_files, entries_of
from provisioning.signers import sign_document
from provisioning.tuf_repository import TufRepository


def draft_delta(
    fleet: FleetFolder,
    deployment: str,
    removes: Collection[str] = (),
    built: BuiltList | None = None,
    references: Mapping[str, str] | None = None,
) -> bytes:
    """An item that takes entries off and puts a built list on, without a signature yet.

    references: of what is put on. Raises: AuthorityInvalid, DeltaInvalid, WatchlistInvalid.
    """
    with fleet.changing():
        ledger, now = _running(fleet, deployment)
        if built is not None and now.compaction_due:
            # Taking somebody off never waits for two people.
            raise AuthorityInvalid(
                f"{deployment}: deltas of {now.delta_bytes:,} bytes on {now.base_bytes:,}, {now.items} items: "
                f"first make a new base with: lfr-fleet watchlist compact {deployment}"
            )
        adds = _additions(now, built)
        made_at = utc_text(fleet.clock.now_utc())
        try:
            sealed = seal_delta(now.secret, now.state, now.order, now.entries.keys(), frozenset(removes), adds, made_at)
        finally:
            ledger.keep_secret(now.secret)
        if references:
            known = ledger.references(now.state.epoch)
            ledger.keep_references({**known, **references}, now.state.epoch)
        sequence = sealed.delta.sequence
        ledger.stage({adds_name(deployment, sequence, index): data for index, data in enumerate(sealed.adds)})
        return sign_document(sealed.delta, [])


def draft_base(fleet: FleetFolder, deployment: str, vans_out: Collection[str] = ()) -> bytes:
    """An item that begins a new epoch with what is in force, under a new content key; vans_out do not get it.

    Raises: AuthorityInvalid, WatchlistInvalid.
    """
    with fleet.changing():
        ledger, now = _running(fleet, deployment)
        vans = ledger.read().vans
        strangers = sorted(set(vans_out) - set(vans))
        if strangers:
            raise AuthorityInvalid(f"{', '.join(strangers)}: not among the vans of {deployment}: {', '.join(vans)}")
        out = {*vans_out, *ledger.read().revoked}
        staying = {device: key for device, key in vans.items() if device not in out}
        if not staying:
            raise AuthorityInvalid(
                f"{deployment}: no van would be left; end it with: lfr-fleet order close {deployment}"
            )
        epoch = now.state.epoch + 1
        sealed = seal_base(
            fleet.fleet,
            deployment,
            epoch,
            now.order.pack_sha256,
            now.secret.manifest.subjects,
            list(now.entries.values()),
            {key.recipient: key.public_hex for key in staying.values()},
        )
        item = WatchlistBase(
            type="watchlist_base",
            fleet=fleet.fleet,
            deployment=deployment,
            sequence=now.state.sequence + 1,
            previous_sha256=now.state.previous_sha256,
            made_at_utc=utc_text(fleet.clock.now_utc()),
            epoch=epoch,
            manifest_sha256=document_sha256(sealed.manifest),
            entries=len(now.entries),
        )
        references = ledger.references(now.state.epoch)
        ledger.keep_secret(sealed.secret)
        ledger.keep_references({name: each for name, each in references.items() if each in now.entries}, epoch)
        ledger.stage(base_files(deployment, epoch, sealed))
        return sign_document(item, [])


def publish_item(fleet: FleetFolder, data: bytes, deployment: str) -> WatchlistDelta | WatchlistBase:
    """A signed item and its sealed files into the repository. Harmless done twice.

    Raises: SignatureInvalid, DeltaInvalid, DocumentInvalid, AuthorityInvalid.
    """
    with fleet.changing():
        repository, ledger = fleet.repository(), fleet.ledger(deployment)
        order = order_now(repository, deployment)
        item = read_item(data, order)
        published = item.sequence in repository.log_sequences(deployment)
        if not published or repository.log_item(deployment, item.sequence) != data:
            state, _ = log_now(repository, deployment)
            follow(state, item, document_sha256(data), order)
            for name, file in _staged_for(item, ledger.staged()).items():
                repository.put_file(name, file)
            repository.add_log_item(deployment, item.sequence, data, fleet.online(ledger.log_signer()))
        if isinstance(item, WatchlistBase):
            _leave_epochs_before(fleet, repository, ledger, item)
        ledger.unstage()
    return item


def find_entries(ledger: Ledger, now: ListNow, wanted: Sequence[str]) -> list[str]:
    """Entry ids from ids or the room's references. Raises: AuthorityInvalid, with all that are unknown."""
    references = ledger.references(now.state.epoch)
    found = {each: each if each in now.entries else references.get(each) for each in wanted}
    unknown = [each for each, entry_id in found.items() if entry_id not in now.entries]
    if unknown:
        raise AuthorityInvalid(f"{ledger.deployment}: not on the list now: {', '.join(unknown[:8])}")
    return sorted({str(entry_id) for entry_id in found.values()})


def _running(fleet: FleetFolder, deployment: str) -> tuple[Ledger, ListNow]:
    ledger = fleet.ledger(deployment)
    if ledger.read().state != "published":
        raise AuthorityInvalid(f"deployment {deployment} is {ledger.read().state}; its list is not to be changed")
    return ledger, list_now(fleet.repository(), ledger)


def _additions(now: ListNow, built: BuiltList | None) -> list[WatchlistEntry]:
    if built is None:
        return []
    order, manifest = now.order, now.secret.manifest
    if built.pack_sha256 != order.pack_sha256 or built.subjects != manifest.subjects:
        raise AuthorityInvalid(
            f"built with pack {built.pack_sha256[:16]}… of {built.subjects} people; {order.deployment} has "
            f"{order.pack_sha256[:16]}… and {manifest.subjects} people"
        )
    beyond = sorted(set(built.categories) - set(now.policy.categories))
    if beyond:
        raise AuthorityInvalid(f"entries of category {', '.join(beyond)}, which the policy of the order has not")
    return entries_of(built)


def _staged_for(item: WatchlistDelta | WatchlistBase, staged: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """The sealed files that the item pins. Raises: AuthorityInvalid when those at hand are another draft's."""
    if isinstance(item, WatchlistBase):
        manifest = staged.get(manifest_name(item.deployment, item.epoch), b"")
        fits = document_sha256(manifest) == item.manifest_sha256 and read_manifest(manifest).entries == item.entries
        names = list(staged)
    else:
        names = [adds_name(item.deployment, item.sequence, index) for index in range(len(item.adds_sha256))]
        fits = [document_sha256(staged.get(name, b"")) for name in names] == item.adds_sha256
    if not fits:
        raise AuthorityInvalid(
            f"item {item.sequence} of {item.deployment}: the sealed files here belong to another draft; draft it again"
        )
    return {name: staged[name] for name in names}


def _leave_epochs_before(fleet: FleetFolder, repository: TufRepository, ledger: Ledger, base: WatchlistBase) -> None:
    """What went before the new base is cleared, and its content key destroyed."""
    deployment = base.deployment
    repository.compact_log(deployment, base.sequence, fleet.online(ledger.log_signer()))
    below = f"deployments/{deployment}/"
    old = [
        name
        for name in repository.names()
        if name.startswith(below)
        and (_epoch_of(name, below) < base.epoch or (".adds-" in name and _sequence_of(name) < base.sequence))
    ]
    repository.remove_files(old)
    for epoch in range(1, base.epoch):
        ledger.destroy_epoch(epoch)
    recipients = {
        name.rpartition("key-")[2] for name in repository.names() if name.startswith(f"{below}{base.epoch}/key-")
    }
    revoked = [device for device, key in ledger.read().vans.items() if key.recipient not in recipients]
    ledger.change(revoked=revoked)


def _epoch_of(name: str, below: str) -> float:
    """Infinite for what belongs to no epoch."""
    level = name.removeprefix(below).partition("/")[0]
    return int(level) if level.isdecimal() else float("inf")


def _sequence_of(name: str) -> int:
    return int(name.rpartition("/")[2].partition(".")[0])
