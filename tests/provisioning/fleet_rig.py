"""A fleet made by its commands, and vans that read what it publishes with the van's own code: no broker, no camera."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.clock import SystemClock, utc_text
from edge.drivers.file_secrets import FileSecrets
from edge.errors import RepositoryFileMissing
from edge.formats.bundle import BundlePerson
from edge.formats.documents import Document, HealthDocument
from edge.formats.receipts import DeletionReceipt
from edge.trust.documents import public_hex, sign
from edge.trust.envelope import wrap
from edge.trust.manifest import PackFacts
from edge.trust.packs import read_manifest
from edge.trust.repository import Repository
from edge.trust.vault import KeyVault
from edge.vision.in_force import InForce
from edge.vision.opening import Box, Found, OrderSeeker
from provisioning.built_list import BuiltList, write_built
from provisioning.built_people import write_people
from provisioning.cli import main
from provisioning.fleet_folder import FleetFolder
from tests.key_stocks import stock_event
from tests.link.rig import new_event_id

FLEET = "fleet-1"
PACK = Path(__file__).resolve().parents[2] / "models" / "packs" / "bringup"
BACKEND = "litert/int8"
DIMENSION = 128
CLOCK = SystemClock()


def made_build(folder: Path, names: list[str], seed: int = 0, category: str = "wanted", pack: Path = PACK) -> list[str]:
    """What watchlist build leaves, of drawn templates; the entry ids in the order of the names."""
    random = np.random.default_rng([seed, len(names)])
    manifest, pack_sha256 = read_manifest(pack)
    vectors = random.normal(size=(len(names), manifest.embedder.dimension)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = [random.bytes(16).hex() for _ in names]
    folder.mkdir(parents=True)
    built = BuiltList(
        ids=tuple(ids),
        categories=(category,) * len(ids),  # type: ignore[arg-type]
        responses=("red",) * len(ids),
        vectors=vectors,
        pack_sha256=pack_sha256,
        backend=BACKEND,
        subjects="synthetic",
        policy="uk-1",
        made_at_utc=utc_text(CLOCK.now_utc()),
    )
    write_built(folder, built)
    write_people(folder, [(_person(entry_id, name), b"jpeg") for entry_id, name in zip(ids, names, strict=True)])
    return ids


def _person(entry_id: str, reference: str) -> BundlePerson:
    return BundlePerson(
        entry_id=entry_id,
        reference=reference,
        name=None,
        category="wanted",
        response="red",
        reason="failed to appear",
        lawful_basis="warrant",
        image_source="custody",
        image_taken="2020-01-05",
        under_18=False,
        under_18_rationale=None,
        photograph_bytes=4,
    )


@dataclass
class RigVan:
    """A van's trust: its vault, its signing key, and a repository that it reads from a folder of messages."""

    folder: Path
    device: str
    messages: Path
    root: bytes = b""
    signing_key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    def __post_init__(self) -> None:
        self.vault = KeyVault(self.folder / "vault", FileSecrets(self.folder / "secrets"))
        self.vault.refill(4)
        self._repository: Repository | None = None
        self._beat = 0

    @property
    def signing_key_hex(self) -> str:
        return public_hex(self.signing_key)

    def stock(self, **changes: object) -> bytes:
        """The event of its key stock."""
        return stock_event(self.vault, FLEET, self.device, self.signing_key, CLOCK, changes)

    def receipt(self, deployment: str, recipient: str, because: str = "close") -> bytes:
        """The event of its deletion receipt."""
        event_id, now = new_event_id(), utc_text(CLOCK.now_utc())
        vision = {
            "entries_overwritten": 3,
            "bytes_overwritten": 1536,
            "recipient_destroyed": recipient,
            "key_store": "file",
            "files_deleted": 2,
            "steps": [],
        }
        fields = {
            "type": "record",
            "kind": "deletion_receipt",
            "event_id": event_id,
            "fleet": FLEET,
            "device": self.device,
            "deployment": deployment,
            "sequence": 9,
            "made_at_utc": now,
            "software_version": "0.1.0",
            "closed_because": because,
            "vision": vision,
            "link": None,
            "not_covered": ["broker", "flash_remanence"],
        }
        return self.event("record", DeletionReceipt.model_validate(fields), event_id)

    def heartbeat(self, **changes: object) -> bytes:
        """The event of a heartbeat, a later one each time."""
        self._beat += 1
        fields = {
            "type": "health",
            "fleet": FLEET,
            "device": self.device,
            "deployment": None,
            "session": "session-1",
            "beat": self._beat,
            "made_at_utc": utc_text(CLOCK.now_utc()),
            "state": "watching",
            "last_sequence": 0,
            "frames_per_s": 9.5,
            "camera": "ok",
            "camera_retries": 0,
            "statistics": None,
            "outbox_queued": 0,
            "outbox_expired": 0,
        }
        return self.event("health", HealthDocument.model_validate({**fields, **changes}))

    def event(self, kind: str, document: Document, event_id: str | None = None) -> bytes:
        now = utc_text(CLOCK.now_utc())
        signed = sign(document, [self.signing_key])
        return wrap(signed, event_id or new_event_id(), f"/lfr/v1/{FLEET}/{self.device}", kind, now)

    def fetch(self, name: str, fresh: bool) -> bytes:
        """A message of the repository."""
        try:
            return (self.messages / name).read_bytes()
        except FileNotFoundError:
            raise RepositoryFileMissing(f"{name} is not there") from None

    def find(self) -> Found | None:
        """The order that it would obey now, whatever its time; the seeker's last complaint is in `error`."""
        if self._repository is None:
            self._repository = Repository(self.folder / "repository", self.root, self.fetch, CLOCK)
        box = Box(FLEET, self.device, read_manifest(PACK)[1], BACKEND)
        seeker = OrderSeeker(box, self._repository, self.vault, self.fetch)
        found = seeker.find(None, lambda found: True)
        self.error = seeker.error
        return found

    def open(self) -> InForce:
        """Order and list, by the van's own code."""
        found = self.find()
        assert found is not None, self.error
        assert self._repository is not None
        pack = PackFacts(read_manifest(PACK)[1], DIMENSION, "bring-up")
        key = self.vault.take(found.opened.recipient)
        return InForce(found.opened, found.view, key, pack, self._repository, self.fetch)

    def refreshed(self, in_force: InForce) -> InForce:
        """What is in force, after another look at the repository."""
        assert self._repository is not None
        in_force.follow(self._repository.refresh())
        return in_force

    def is_closed(self, in_force: InForce) -> bool:
        assert self._repository is not None
        return in_force.is_closed(self._repository.refresh())


class FleetRig:
    """A development authority, a built list, and vans; `run` is the command itself."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = folder / "authority"
        self.messages = folder / "stick"
        self.vans: dict[str, RigVan] = {}
        self.entries: dict[str, str] = {}

    def found(self, *vans: str) -> FleetRig:
        """Make all of it anew."""
        words = ("--fleet", FLEET, "--staleness-s", "43200", "--development")
        assert self.run("init", str(self.authority), *words) == 0
        for name in vans:
            self.add_van(name)
        assert self.run("key", "room", "--out", str(self.folder / "room")) == 0
        return self

    def copied_to(self, folder: Path) -> FleetRig:
        """The same fleet and vans in another folder: founding takes half a second."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        copy = FleetRig(folder)
        for name, van in self.vans.items():
            copy.vans[name] = RigVan(folder / name, name, copy.messages, van.root, van.signing_key)
        return copy

    def run(self, *words: str) -> int:
        """Run lfr-fleet; its exit code."""
        return main(words)

    def at(self, *words: str) -> int:
        """The same, on this authority."""
        return self.run(*words, "--authority", str(self.authority))

    def key(self, name: str) -> str:
        return str(self.authority / "people" / f"{name}.key")

    def add_van(self, name: str) -> RigVan:
        root = self.authority / "repo" / "metadata" / "1.root.json"
        van = RigVan(self.folder / name, name, self.messages, root.read_bytes())
        assert self.at("van", "add", name, "--signing-key", van.signing_key_hex) == 0
        path = self.folder / f"{name}.stock"
        path.write_bytes(van.stock())
        assert self.at("van", "stock", str(path)) == 0
        self.vans[name] = van
        return van

    def build(self, name: str, references: list[str], seed: int = 0, category: str = "wanted") -> str:
        folder = self.folder / name
        self.entries |= dict(zip(references, made_build(folder, references, seed, category), strict=True))
        return str(folder)

    def draft(self, deployment: str = "station-1", *more: str, build: str | None = None, hours: float = 4) -> Path:
        """An order's draft, of a list of six where none is given."""
        built = build or self.build(f"build-{deployment}", [f"ref-{number}" for number in range(6)])
        begin, end = (CLOCK.now_utc() + timedelta(hours=each) for each in (-1, hours - 1))
        out = self.folder / f"draft-{deployment}"
        words = (
            *("order", "draft", deployment, "--build", built, "--pack", str(PACK)),
            *("--officer", "officer", "--custodian", "custodian", "--vans", ",".join(self.vans)),
            *("--place", "Station Road", "--use-case", "find people wanted by the courts", "--legal-basis", "statute"),
            *("--from", minute(begin), "--to", minute(end), "--room", str(self.folder / "room" / "room-keys.json")),
            *("--out", str(out)),
        )
        assert self.at(*words, *more) == 0
        return out

    def sign(self, draft: Path, *names: str) -> None:
        for name in names:
            assert self.run("order", "sign", str(draft), "--key", self.key(name), "--yes") == 0

    def publish(self, deployment: str = "station-1", *more: str, hours: float = 4) -> None:
        """Drafted, signed by both, published."""
        draft = self.draft(deployment, *more, hours=hours)
        self.sign(draft, "officer", "custodian")
        assert self.at("order", "publish", str(draft), "--no-push") == 0
        self.write_stick()

    def write_stick(self) -> None:
        """What a van can read."""
        assert self.at("stick", "write", str(self.messages)) == 0

    def fleet(self, clock: object = CLOCK) -> FleetFolder:
        return FleetFolder(self.authority, clock)  # type: ignore[arg-type]


def minute(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%MZ")
