"""Choose a cast from a folder of people: who is on the watchlist, who walks past, who is filler."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge.errors import FolderInUse
from hwsim.errors import CastTooSmall
from hwsim.street.people import PersonPhotographs

PHOTOGRAPHS_MAX = 8
"""Photographs of one person that are looked at and used; some folders hold hundreds of one."""

WATCHLIST, STREET, FILLER = "watchlist", "street", "filler"
CAST_NAME = "cast.json"


@dataclass(frozen=True)
class Role:
    """One person's part: the photograph they are enrolled by, and those they walk past with; either may be none."""

    person: str
    enrolled: Path | None
    street: tuple[Path, ...]


@dataclass(frozen=True)
class Cast:
    """On the list and in the street; in the street alone; on the list alone. Each by name."""

    seed: int
    on_list: tuple[Role, ...]
    passers_by: tuple[Role, ...]
    filler: tuple[Role, ...]


def choose_cast(
    people: Sequence[PersonPhotographs],
    in_street: int,
    on_list: int,
    filler: int,
    seed: int,
    accept: Callable[[Path], bool] = lambda photograph: True,
    enrols: Callable[[Path], bool] = lambda photograph: True,
    progress: Callable[[int], None] = lambda done: None,
) -> Cast:
    """Draw a cast by lot; the same people, numbers and seed give the same one.

    in_street: everyone who passes, on_list of them on the watchlist and enrolled by a photograph that the street
    does not show. accept: whether a photograph is fit; those that are not are passed over. enrols: whether a
    build takes it, besides, for those who are on the list.
    Raises: CastTooSmall, with the numbers there are.
    """
    if not 0 <= on_list <= in_street or in_street == 0 or filler < 0:
        raise CastTooSmall(f"{on_list} on the list of {in_street} in the street: need at least one, and no more listed")
    rng = np.random.default_rng([seed, 11])
    listed: list[Role] = []
    others: list[PersonPhotographs] = []
    order = [people[i] for i in rng.permutation(len(people))]
    for person in order:
        role = _listed_role(person, rng, accept, enrols) if len(listed) < on_list else None
        if role is None:
            others.append(person)
        else:
            listed.append(role)
            progress(len(listed))
    passing: list[Role] = []
    filling: list[Role] = []
    for person in others:
        if len(passing) == in_street - on_list and len(filling) == filler:
            break
        passes = len(passing) < in_street - on_list
        fit = _accepted(person, rng, accept if passes else lambda each: accept(each) and enrols(each), 1)
        if not fit:
            continue
        if passes:
            passing.append(Role(person.person, None, fit))
        else:
            filling.append(Role(person.person, fit[0], ()))
        progress(len(listed) + len(passing) + len(filling))
    if len(listed) < on_list or len(passing) < in_street - on_list or len(filling) < filler:
        raise CastTooSmall(
            f"{len(people)} people give {len(listed)} of {on_list} on the list (two fit photographs each), "
            f"{len(passing)} of {in_street - on_list} others in the street and {len(filling)} of {filler} filler; "
            "ask for fewer, or give a larger folder"
        )

    def by_name(roles: list[Role]) -> tuple[Role, ...]:
        return tuple(sorted(roles, key=lambda role: role.person))

    return Cast(seed, by_name(listed), by_name(passing), by_name(filling))


def _accepted(
    person: PersonPhotographs, rng: np.random.Generator, accept: Callable[[Path], bool], wanted: int
) -> tuple[Path, ...]:
    """Up to wanted fit photographs, drawn by lot from the first few."""
    looked_at = rng.permutation(len(person.photographs))[:PHOTOGRAPHS_MAX]
    fit: list[Path] = []
    for index in looked_at:
        if len(fit) < wanted and accept(person.photographs[index]):
            fit.append(person.photographs[index])
    return tuple(fit)


def _listed_role(
    person: PersonPhotographs, rng: np.random.Generator, accept: Callable[[Path], bool], enrols: Callable[[Path], bool]
) -> Role | None:
    if len(person.photographs) < 2:
        return None
    fit = _accepted(person, rng, accept, PHOTOGRAPHS_MAX)
    enrolled = next((each for each in fit if enrols(each)), None) if len(fit) >= 2 else None
    return Role(person.person, enrolled, tuple(sorted(set(fit) - {enrolled}))) if enrolled is not None else None


def write_cast(cast: Cast, out: Path) -> None:
    """Copy the photographs to out/watchlist, out/street/<person> and out/filler, and write out/cast.json.

    An earlier cast in the folder is replaced; anything else there is left alone and refused.
    Raises: FolderInUse when the folder holds something that is no cast.
    """
    if out.exists() and any(out.iterdir()) and not (out / CAST_NAME).is_file():
        raise FolderInUse(f"{out}: not empty, and no cast; give another folder")
    for name in (WATCHLIST, STREET, FILLER):
        if (out / name).exists():
            shutil.rmtree(out / name)
    for role in (*cast.on_list, *cast.filler):
        folder = out / (WATCHLIST if role.street else FILLER)
        folder.mkdir(parents=True, exist_ok=True)
        if role.enrolled is not None:
            shutil.copyfile(role.enrolled, folder / f"{role.person}{role.enrolled.suffix}")
    for role in (*cast.on_list, *cast.passers_by):
        folder = out / STREET / role.person
        folder.mkdir(parents=True)
        for photograph in role.street:
            shutil.copyfile(photograph, folder / photograph.name)
    (out / CAST_NAME).write_text(json.dumps(_document(cast), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _document(cast: Cast) -> dict[str, object]:
    return {
        "type": "cast",
        "version": 1,
        "seed": cast.seed,
        "on_list": [
            {
                "person": role.person,
                "enrolled": role.enrolled.name if role.enrolled else None,
                "street": [path.name for path in role.street],
            }
            for role in cast.on_list
        ],
        "passers_by": [
            {"person": role.person, "street": [path.name for path in role.street]} for role in cast.passers_by
        ],
        "filler": [
            {"person": role.person, "enrolled": role.enrolled.name if role.enrolled else None} for role in cast.filler
        ],
    }
