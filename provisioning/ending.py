"""The end of a deployment at the authority: the close, its keys destroyed, its files cleared, its receipts awaited."""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from datetime import timedelta

from securesystemslib.signer import Signer

from edge.clock import parse_utc, utc_text
from edge.errors import AuthorityInvalid, LfrError, RepositoryFileMissing
from edge.formats.orders import DeploymentClose
from edge.trust.documents import as_document
from edge.trust.orders import open_close, read_order
from provisioning.fleet_folder import FleetFolder
from provisioning.hints import drop_hint
from provisioning.ledger import DeploymentFile, Ledger
from provisioning.signers import sign_document
from provisioning.tuf_repository import TufRepository

RECEIPT_DUE = timedelta(hours=1)
"""After the end of a deployment, or its close: a van without a receipt by then is overdue."""

FORGET_AFTER = timedelta(hours=24)
"""When a deployment's metadata expires (REPOSITORY.md 1): no van can obey it any more, receipt or not."""


def draft_close(fleet: FleetFolder, deployment: str, reason: str) -> DeploymentClose:
    """The word that a closer is to sign. Raises: DocumentInvalid."""
    fields = {
        "type": "deployment_close",
        "fleet": fleet.fleet,
        "deployment": deployment,
        "made_at_utc": utc_text(fleet.clock.now_utc()),
        "reason": reason,
    }
    return as_document(fields, DeploymentClose)


def close_deployment(fleet: FleetFolder, deployment: str, reason: str, closer: Signer) -> int:
    """End it for good: close published, content keys destroyed, sealed files taken away; how many files were destroyed.

    Raises: AuthorityInvalid, SignatureInvalid when this key may not close it, SignerUnusable.
    """
    ledger = fleet.ledger(deployment)
    if ledger.read().state != "published":
        raise AuthorityInvalid(f"deployment {deployment} is {ledger.read().state}; there is nothing to close")
    data = sign_document(draft_close(fleet, deployment, reason), [closer])
    with fleet.changing():
        repository = fleet.repository()
        open_close(data, read_order(repository.order(deployment)))
        if repository.close(deployment) is None:
            repository.add_close(deployment, data, fleet.online(ledger.log_signer()))
        now = utc_text(fleet.clock.now_utc())
        ledger.change(state="closed", closed_at_utc=now, closed_because=reason)
        return _destroy(fleet, repository, ledger)


def tidy(fleet: FleetFolder, receipts: dict[str, Collection[str]]) -> list[str]:
    """What time or receipts have made due; what was done, in words. receipts: deployment to vans that sent one.

    Harmless done twice, and finishes what a power cut interrupted.
    """
    done = []
    for ledger in fleet.ledgers():
        # What is wrong with one deployment must not keep another's keys alive, nor end serve.
        try:
            with fleet.changing():
                done += _tidy_one(fleet, ledger, receipts)
        except LfrError as error:
            done.append(f"{ledger.deployment}: cannot be seen to: {error}")
    return done


def _tidy_one(fleet: FleetFolder, ledger: Ledger, receipts: dict[str, Collection[str]]) -> list[str]:
    if not ledger.exists:
        return []
    done = []
    file = ledger.read()
    over = fleet.clock.now_utc() >= parse_utc(file.not_after_utc)
    if file.state == "drafted":
        if over and file.keys_destroyed_at_utc is None:
            _destroy(fleet, None, ledger)
            done.append(f"{ledger.deployment}: a draft whose time has passed; its key is destroyed")
        return done
    repository = fleet.repository()
    if file.state == "published" and _is_closed(repository, ledger.deployment):
        now = utc_text(fleet.clock.now_utc())
        file = ledger.change(state="closed", closed_at_utc=now, closed_because="close")
    elif file.state == "published" and over:
        file = ledger.change(state="ended", closed_at_utc=file.not_after_utc, closed_because="order_end")
    if file.state == "published":
        return done
    if file.keys_destroyed_at_utc is None:
        count = _destroy(fleet, repository, ledger)
        done.append(f"{ledger.deployment}: {file.state}; {count} files of keys destroyed, sealed files cleared")
    if not file.cleared and _may_go(fleet, file, receipts):
        _forget(repository, ledger, file)
        done.append(f"{ledger.deployment}: its order and log are cleared")
    return done


def _is_closed(repository: TufRepository, deployment: str) -> bool:
    """Whether a power cut came between the close and what follows from it."""
    with contextlib.suppress(RepositoryFileMissing, KeyError):
        return repository.close(deployment) is not None
    return False


def overdue(file: DeploymentFile, received: Collection[str], fleet: FleetFolder) -> list[str]:
    """Vans whose deletion receipt should be here, and is not."""
    if file.state not in ("closed", "ended"):
        return []
    due = parse_utc(file.closed_at_utc or file.not_after_utc) + RECEIPT_DUE
    return [device for device in file.vans if device not in received] if fleet.clock.now_utc() >= due else []


def _destroy(fleet: FleetFolder, repository: TufRepository | None, ledger: Ledger) -> int:
    """Keys first: a power cut after them leaves ciphertext only."""
    count = ledger.destroy_secrets()
    if repository is not None:
        below = f"deployments/{ledger.deployment}/"
        sealed = [
            name
            for name in repository.names()
            if name.startswith(below) and (name.removeprefix(below).partition("/")[0].isdecimal() or ".adds-" in name)
        ]
        repository.remove_files(sealed)
    ledger.change(keys_destroyed_at_utc=utc_text(fleet.clock.now_utc()))
    return count


def _may_go(fleet: FleetFolder, file: DeploymentFile, receipts: dict[str, Collection[str]]) -> bool:
    if set(file.vans) <= set(receipts.get(file.deployment, ())):
        return True
    return fleet.clock.now_utc() >= parse_utc(file.not_after_utc) + FORGET_AFTER


def _forget(repository: TufRepository, ledger: Ledger, file: DeploymentFile) -> None:
    devices = set(file.vans)
    # A power cut may have come after the files went, and before the ledger said so.
    with contextlib.suppress(RepositoryFileMissing, KeyError):
        devices |= set(read_order(repository.order(ledger.deployment)).vans)
    for device in devices:
        drop_hint(repository, device, ledger.deployment)
    repository.remove_deployment(ledger.deployment)
    ledger.change(cleared=True)
