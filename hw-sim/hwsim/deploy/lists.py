"""The list of a simulated deployment: a table of the photographs in folders, built as `lfr-fleet` builds every list."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from edge.clock import SystemClock
from edge.devices import Runtime
from edge.trust.packs import VerifiedPack
from hwsim.deploy.wanted import StreetWanted, Wanted
from hwsim.errors import DeploymentRefused
from hwsim.street.people import PersonPhotographs, find_people
from provisioning.assembly import Built
from provisioning.build_command import BuildWanted, build
from provisioning.entries import REQUIRED
from provisioning.errors import BuildIncomplete
from provisioning.photograph_report import JSON_NAME
from provisioning.private_files import open_private

POLICY = "uk"
WORKERS = 2
_ROW = {
    "category": "wanted",
    "response": "amber",
    "lawful_basis": "none: nobody is looked for in earnest",
    "image_source": "simulated enrolment",
    "reason": "simulated deployment",
    "under_18": "no",
}


@dataclass(frozen=True)
class Listed:
    """A built list. build: its folder. photographs: of each entry the one that the room sees, by reference.

    filler: how many of the entries are. refused: why, by reference. alike: who may be one person, most alike first.
    """

    build: Path
    photographs: Mapping[str, Path]
    filler: int
    refused: Mapping[str, str]
    alike: tuple[tuple[float, str, str], ...]


def build_list(wanted: Wanted, folder: Path, pack: VerifiedPack, runtime: Runtime, terminal: TextIO) -> Listed:
    """Build what is wanted, in a folder that holds names and faces until it is removed.

    Whoever cannot be enrolled is left out; another takes the place of a filler.
    Raises: DeploymentRefused, PhotographsMissing, and whatever the build refuses as a whole.
    """
    on_list = find_people(wanted.watchlist_dir.resolve())
    others = _others(wanted, {person.person for person in on_list})
    folders = [wanted.watchlist_dir, *([wanted.filler_dir] if wanted.filler_dir else [])]
    base = Path(os.path.commonpath([each.resolve() for each in folders]))
    folder.mkdir(mode=0o700, parents=True)
    out = folder / "built"
    refused: dict[str, str] = {}
    while True:
        listed = [person for person in on_list if person.person not in refused]
        if not listed:
            raise DeploymentRefused(
                f"{wanted.watchlist_dir}: none of its {len(on_list)} people could be enrolled: {_first(refused)}"
            )
        filler = [person for person in others if person.person not in refused][: wanted.filler_count]
        if wanted.filler_count is not None and len(filler) < wanted.filler_count:
            raise DeploymentRefused(
                f"--filler-count {wanted.filler_count}: only {len(filler)} of {len(others)} in {wanted.filler_dir} "
                "could be enrolled"
            )
        rows = [(person.person, _photograph_of(person)) for person in listed]
        rows += [(person.person, person.photographs[0]) for person in filler]
        table = _write_table(folder / "entries.csv", rows, base)
        asked = BuildWanted(base, table, out, POLICY, wanted.subjects, False, WORKERS, wanted.threshold)
        try:
            built = build(asked, pack, runtime, SystemClock(), terminal)
        except BuildIncomplete:
            fresh = {name: why for name, why in _refused_of(out).items() if name not in refused}
            if not fresh:
                raise
            refused |= fresh
            continue
        own = {person.person for person in on_list}
        return Listed(
            out,
            _shown(built, base),
            len(filler),
            {name: why for name, why in refused.items() if name in own},
            _pairs(built),
        )


def _others(wanted: Wanted, taken: set[str]) -> list[PersonPhotographs]:
    """Who may fill the list: nobody who is on it or walks past."""
    if wanted.filler_dir is None or wanted.filler_count == 0:
        return []
    if isinstance(wanted.street, StreetWanted):
        taken = taken | {person.person for person in find_people(wanted.street.people_dir)}
    return [person for person in find_people(wanted.filler_dir.resolve()) if person.person not in taken]


def _photograph_of(person: PersonPhotographs) -> Path:
    """Their one file, or their folder. Raises: DeploymentRefused when there is more than one of either."""
    if len(person.photographs) == 1:
        return person.photographs[0]
    folders = {path.parent for path in person.photographs}
    if len(folders) == 1 and next(iter(folders)).name == person.person:
        return next(iter(folders))
    names = ", ".join(str(path) for path in person.photographs[:4])
    raise DeploymentRefused(f"{person.person}: more than one file or folder is called so ({names}); keep one")


def _write_table(path: Path, rows: Sequence[tuple[str, Path]], base: Path) -> Path:
    today = SystemClock().now_utc().date().isoformat()
    with open_private(path) as file, os.fdopen(os.dup(file.fileno()), "w", encoding="utf-8", newline="") as text:
        writer = csv.DictWriter(text, REQUIRED, restval="")
        writer.writeheader()
        for reference, photograph in rows:
            where = photograph.relative_to(base).as_posix()
            writer.writerow({"reference": reference, "photograph": where, "image_taken": today, **_ROW})
    return path


def _refused_of(out: Path) -> dict[str, str]:
    """What the report of a build says of the rows that stopped it, by reference."""
    try:
        report = json.loads((out / JSON_NAME).read_bytes())
    except FileNotFoundError:  # nothing was looked at
        return {}
    return {row["reference"]: "; ".join(row["mistakes"]) for row in report["rows_refused"]}


def _shown(built: Built, base: Path) -> dict[str, Path]:
    names = {(line.entry.reference, line.sha256): line.photograph for line in built.lines}
    return {
        row.reference: base / names[row.reference, sha256] for row, sha256 in zip(built.rows, built.shown, strict=True)
    }


def _pairs(built: Built) -> tuple[tuple[float, str, str], ...]:
    pairs = set()
    for line in built.lines:
        for each in line.alike:
            first, second = sorted((line.entry.reference, each.reference))
            pairs.add((each.similarity, first, second))
    return tuple(sorted(pairs, reverse=True))


def _first(refused: Mapping[str, str]) -> str:
    return "; ".join(f"{name}: {why}" for name, why in list(refused.items())[:3])
