"""What a build leaves: the list for the vans, its people for the room, and nothing of the work."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

from edge.clock import Clock, utc_text
from edge.errors import EntriesInvalid
from edge.formats.bundle import BundlePerson
from edge.formats.pack import Subjects
from edge.trust.packs import VerifiedPack
from provisioning.assembly import Built
from provisioning.built_list import BuiltList, write_built
from provisioning.built_people import write_people
from provisioning.entries import EntryRow
from provisioning.work_file import WorkFile


def write_outputs(
    folder: Path, built: Built, work: WorkFile, pack: VerifiedPack, backend: str, subjects: Subjects, policy: str,
    clock: Clock,
) -> BuiltList:  # fmt: skip
    """The list and its people; the list last, so that where it is the build is whole.

    Raises: EntriesInvalid when no row is left; BuiltListInvalid, OSError.
    """
    if not built.rows:
        raise EntriesInvalid("no row of the table became an entry: there is no list to write")
    ids = tuple(secrets.token_hex(16) for _ in built.rows)

    def people() -> Iterator[tuple[BundlePerson, bytes]]:
        for entry_id, row, sha256 in zip(ids, built.rows, built.shown, strict=True):
            jpeg = work.get(sha256).shown
            yield _person(entry_id, row, len(jpeg)), jpeg

    write_people(folder, people())
    built_list = BuiltList(
        ids=ids,
        categories=tuple(row.category for row in built.rows),
        responses=tuple(row.response for row in built.rows),
        vectors=built.vectors,
        pack_sha256=pack.sha256,
        backend=f"{backend}/{pack.precision}",
        subjects=subjects,
        policy=policy,
        made_at_utc=utc_text(clock.now_utc()),
    )
    write_built(folder, built_list)
    return built_list


def _person(entry_id: str, row: EntryRow, photograph_bytes: int) -> BundlePerson:
    return BundlePerson(
        entry_id=entry_id,
        reference=row.reference,
        name=row.name,
        category=row.category,
        response=row.response,
        reason=row.reason,
        lawful_basis=row.lawful_basis,
        image_source=row.image_source,
        image_taken=row.image_taken,
        under_18=row.under_18,
        under_18_rationale=row.under_18_rationale,
        photograph_bytes=photograph_bytes,
    )
