"""A van's view of a fleet's repository for tests, and what thieves of keys can make of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from tuf.api.metadata import Metadata, MetaFile, Snapshot, Timestamp

from edge.clock import utc_text
from edge.errors import LfrError
from edge.trust.orders import read_order
from edge.trust.repository import Repository
from tests.made_repository import Courier, MadeFleet, made_signer

STATION = "station-9"


class Van:
    """A van's repository over a courier; `restart` makes it anew from its disk."""

    def __init__(self, folder: Path, fleet: MadeFleet) -> None:
        self.folder, self.fleet = folder, fleet
        self.courier = Courier(fleet)
        self.outside = 0
        self.restart()

    def restart(self) -> None:
        self.repository = Repository(
            self.folder,
            self.fleet.first_root,
            self.courier.fetch,
            self.fleet.clock,
            lambda: self.outside,
            lambda number: setattr(self, "outside", number),
        )

    def act(self) -> None:
        """As a van does that has read everything."""
        view = self.repository.refresh()
        order = read_order(view.order(STATION).data)
        log = view.log(STATION, 0)
        self.repository.acted_on(STATION, order.version, log[-1].sequence if log else 0)

    def lose(self, *names: str) -> None:
        for name in names:
            path = self.folder / name
            if path.is_file():
                path.unlink()
        self.restart()


def fails(van: Van) -> bool:
    """Whether reading everything is refused, as ours: any other error would end the half that sees."""
    try:
        view = van.repository.refresh()
        view.order(STATION)
        view.log(STATION, 0)
    except LfrError:
        return True
    return False


def changed(data: bytes, change: Callable[[Any], None], *signers: str) -> bytes:
    """Metadata with a change, signed by these and nobody else."""
    metadata: Metadata[Any] = Metadata.from_bytes(data)
    change(metadata.signed)
    metadata.signatures.clear()
    for name in signers:
        metadata.sign(made_signer(name), append=True)
    return metadata.to_bytes()


def newest(fleet: MadeFleet, role: str) -> tuple[str, bytes]:
    """The file of a role with the highest version."""
    files = {name: data for name, data in fleet.repository.files().items() if name.endswith(f".{role}.json")}
    name = max(files, key=lambda each: int(each.split("/")[1].split(".")[0]))
    return name, files[name]


def forge_online(fleet: MadeFleet, roles: dict[str, bytes], jump: int = 1) -> dict[str, bytes | None]:
    """What a thief of both online keys can publish: these roles at their versions, a snapshot and a timestamp."""
    _, data = newest(fleet, "snapshot")
    snapshot: Metadata[Snapshot] = Metadata.from_bytes(data)
    snapshot.signed.version += jump
    for file, content in roles.items():
        version, _, role = file.removeprefix("metadata/").partition(".")
        snapshot.signed.meta[role] = MetaFile(int(version))
        assert Metadata.from_bytes(content)
    snapshot.sign(fleet.online.snapshot)
    made_at = fleet.clock.now_utc().replace(microsecond=0)
    before = Metadata[Timestamp].from_bytes(fleet.repository.files()["metadata/timestamp.json"]).signed
    timestamp = Metadata(
        Timestamp(
            version=before.version + jump,
            expires=made_at + timedelta(seconds=900),
            snapshot_meta=MetaFile(snapshot.signed.version),
            unrecognized_fields={"made_at_utc": utc_text(made_at), "staleness_s": 900},
        )
    )
    timestamp.sign(fleet.online.timestamp)
    return {
        **roles,
        f"metadata/{snapshot.signed.version}.snapshot.json": snapshot.to_bytes(),
        "metadata/timestamp.json": timestamp.to_bytes(),
    }
