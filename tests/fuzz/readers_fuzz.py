"""Coverage-guided fuzz of the other readers of what somebody else sends: nothing but LfrError comes out.

    python -m venv FOLDER && FOLDER/bin/pip install -e . atheris==3.0.0      # atheris is not in the lock
    FOLDER/bin/python -m tests.fuzz.readers_fuzz READER CORPUS -max_total_time=300

READER: index, metadata, hint, parts, receipt, pipe, room, bundle, entries, or any, which takes them in turn. CORPUS: a
folder; a good one of each is put into it.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["edge", "provisioning", "control_room"]):
    from control_room.bundle_file import BundleFile
    from control_room.incoming import Reader
    from edge import wire
    from edge.clock import parse_utc
    from edge.errors import LfrError
    from edge.formats.parts import head_of, split
    from edge.formats.topics import ALERTS, device_topic
    from edge.link.receipts import read_receipt
    from edge.trust.documents import canonical
    from edge.trust.tuf_kept import KeptMetadata, read_index
    from edge.vision.opening import read_hint
    from provisioning.entries import REQUIRED, read_entries

from provisioning.policy_profiles import profile
from tests.vectors import make_bundle_vectors as bundles
from tests.vectors.make_vectors import DEVICE, FLEET, VAN, every_vector, raw

POLICY = profile("uk")[0]
ROOM = Reader(FLEET, {DEVICE: raw(VAN).hex()})
SCRATCH = Path(tempfile.mkdtemp(prefix="fuzz-")) / "a.bundle"


def read_a_bundle(data: bytes) -> None:
    SCRATCH.write_bytes(data)
    file = BundleFile(SCRATCH, FLEET, bundles.ROOM_SEAL, parse_utc(bundles.BEFORE_THE_END))
    file.close()


READERS: dict[str, Callable[[bytes], object]] = {
    "index": read_index,
    "metadata": KeptMetadata.from_bytes,
    "hint": read_hint,
    "parts": head_of,
    "receipt": lambda data: read_receipt(data, FLEET, DEVICE, {raw(VAN).hex(): ["deployment-1"]}),
    "pipe": lambda data: wire.decode(data, (*wire.FROM_VISION, *wire.FROM_LINK)),
    "room": lambda data: ROOM.read(device_topic(FLEET, DEVICE, ALERTS), data),
    "bundle": read_a_bundle,
    "entries": lambda data: read_entries(data, POLICY, date(2026, 1, 1), "entries.csv"),
}


def good_ones() -> dict[str, list[bytes]]:
    """Where each reader's corpus begins."""
    alerts = [content.partition(b"\n\n")[2] for content in every_vector().values()]
    row = "op-114,a.jpg,wanted,red,warrant,custody,2024-11-30,failed to appear,no"
    part = split("a.bin", b"x" * 100_000)
    kept = {"roots": ["a"], "timestamp": "b", "snapshot": "c", "targets": "d", "roles": {"e": "f"}}
    return {
        "index": [b'{"root":1}'],
        "metadata": [canonical(kept)],
        "hint": [b'{"deployments":["station-1"]}'],
        "parts": [part["a.bin"]],
        "receipt": alerts,
        "pipe": [wire.encode(wire.FetchFile(1, "index.json", True))],
        "room": alerts,
        "bundle": [content.partition(b"\n\n")[2] for content in bundles.every_vector().values()],
        "entries": [f"{','.join(REQUIRED)}\n{row}\n".encode()],
    }


def main() -> None:
    name, corpus, *options = sys.argv[1:]
    folder = Path(corpus)
    folder.mkdir(parents=True, exist_ok=True)
    chosen = list(READERS) if name == "any" else [name]
    good = good_ones()
    for each in chosen:
        for number, data in enumerate(good[each]):
            (folder / f"{each}-{number}").write_bytes(data)

    def once(data: bytes) -> None:
        for each in chosen:
            try:
                READERS[each](data)
            except LfrError:
                continue

    atheris.Setup([sys.argv[0], str(folder), *options], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
