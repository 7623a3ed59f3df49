"""What the room of a simulated deployment is given: its sealed bundle, with the same reasons for everybody."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edge.clock import parse_utc
from edge.formats.bundle import BundlePerson
from edge.formats.categories import Category, Response
from edge.formats.orders import Order
from edge.vision.enrol import read_photograph
from provisioning.enrolment import Entry
from provisioning.examine import shown_jpeg
from provisioning.room_bundle import bundle_head, bundle_name, write_bundle

CATEGORY: Category = "wanted"
RESPONSE: Response = "amber"


def write_simulated_bundle(folder: Path, order: Order, entries: Sequence[Entry]) -> None:
    """Seal who the entries are to the room that the order names, until the order's end.

    Raises: PhotographUnreadable, SealInvalid, OSError.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    jpegs = [shown_jpeg(read_photograph(entry.photograph)) for entry in entries]
    taken = parse_utc(order.not_before_utc).date().isoformat()
    people = [
        BundlePerson(
            entry_id=entry.entry_id,
            reference=entry.reference,
            name=None,
            category=CATEGORY,
            response=RESPONSE,
            reason="simulated deployment",
            lawful_basis="simulated",
            image_source="simulated enrolment",
            image_taken=taken,
            under_18=False,
            under_18_rationale=None,
            photograph_bytes=len(jpeg),
        )
        for entry, jpeg in zip(entries, jpegs, strict=True)
    ]
    head = bundle_head(order.fleet, order.deployment, 0, len(people), order.not_after_utc)
    write_bundle(folder / bundle_name(order.deployment), head, people, jpegs, order.room_seal_key_hex)
