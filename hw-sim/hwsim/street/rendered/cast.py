"""The people of a scenario: who passes, who of them is wanted, who is on the list and stays away; their photographs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from hwsim.street.rendered.crowd import name_of
from hwsim.street.rendered.head.identity import Identity, sample_identity
from hwsim.street.rendered.head.portrait import render_portrait
from hwsim.street.rendered.scenario import Scenario

STREET_IDENTITIES = range(200_000, 900_000)
"""Seeds of the people of streets; those that networks are trained on lie elsewhere."""

PHOTOGRAPH_QUALITY = 88
FILLER_AT_MOST = 5000


@dataclass(frozen=True, eq=False)
class Cast:
    """wanted: those of the passing who are on the watchlist. absent: those on it who never come by. strangers: seeds of
    people who are neither, to fill a list with."""

    passing: tuple[Identity, ...]
    wanted: tuple[Identity, ...]
    absent: tuple[Identity, ...]
    strangers: tuple[int, ...]

    def filler(self, count: int) -> tuple[Identity, ...]:
        """More people who never come by, to make a list long."""
        return tuple(sample_identity(seed) for seed in self.strangers[:count])


def cast_of(scenario: Scenario) -> Cast:
    """Drawn by the scenario's seed; nobody twice."""
    crowd = scenario.crowd
    rng = np.random.default_rng([scenario.seed, 51])
    drawn = rng.choice(len(STREET_IDENTITIES), crowd.people + crowd.absent + FILLER_AT_MOST, replace=False)
    seeds = [STREET_IDENTITIES[int(k)] for k in drawn]
    present = crowd.people + crowd.absent
    people = [sample_identity(seed) for seed in seeds[:present]]
    return Cast(
        passing=tuple(people[: crowd.people]),
        wanted=tuple(people[: crowd.wanted]),
        absent=tuple(people[crowd.people :]),
        strangers=tuple(seeds[present:]),
    )


def write_photographs(
    identities: Sequence[Identity], folder: Path, progress: Callable[[int], None] = lambda done: None
) -> None:
    """One enrolment photograph for each person, FOLDER/<name>.jpg: frontal, neutral, as in custody. Raises: OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    for done, identity in enumerate(identities, 1):
        photograph = render_portrait(identity, identity.seed)
        _, data = cv2.imencode(".jpg", photograph, [cv2.IMWRITE_JPEG_QUALITY, PHOTOGRAPH_QUALITY])
        (folder / f"{name_of(identity)}.jpg").write_bytes(data.tobytes())
        progress(done)
