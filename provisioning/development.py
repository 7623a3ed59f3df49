"""An authority for a bench: every key of it is made here, without a passphrase, and its founding signed at once."""

from __future__ import annotations

from pathlib import Path

from securesystemslib.signer import Signer

from edge.clock import Clock
from edge.config_file import BrokerSettings
from provisioning.fleet_folder import FleetFolder, Function, Person
from provisioning.signers import Passphrases, load_signer, write_key
from provisioning.tuf_repository import TufRepository

PEOPLE = "people"
_NAMES: dict[str, Function] = {
    "root-1": "root",
    "root-2": "root",
    "root-3": "root",
    "officer": "officer",
    "custodian": "custodian",
}
_FOUNDERS = ("root-1", "root-2", "officer", "custodian")


def found_alone(
    folder: Path, fleet: str, clock: Clock, staleness_s: int = 900, broker: BrokerSettings | None = None
) -> FleetFolder:
    """Three holders of root, an officer and a custodian, and a founded repository.

    Raises: AuthorityInvalid when something is there already, OSError.
    """
    made = folder / PEOPLE
    made.mkdir(mode=0o700, parents=True, exist_ok=True)
    people = [Person(function, name, write_key(made / f"{name}.key", None)) for name, function in _NAMES.items()]
    authority = FleetFolder.create(folder, fleet, people, clock, staleness_s, broker)
    draft = TufRepository.draft_founding(authority.role_keys(), clock)
    for name in _FOUNDERS:
        draft.sign(signer_of(authority, name))
    TufRepository.found(folder / "repo", fleet, draft, authority.online(), clock, staleness_s)
    return authority


def signer_of(authority: FleetFolder, name: str) -> Signer:
    """Somebody of such an authority, `officer` for instance. Raises: SignerUnusable."""
    return load_signer(str(authority.folder / PEOPLE / f"{name}.key"), Passphrases())
