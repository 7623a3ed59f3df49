"""What `lfr-sim deploy` is asked for, and the refusals that need no van to see."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edge.formats.pack import Subjects
from hwsim.errors import DeploymentRefused
from hwsim.street.drawing import SCENARIO_PREFIX

STREET = "street"


@dataclass(frozen=True)
class StreetWanted:
    """The street to walk past the van when the camera is `street`."""

    people_dir: Path
    count: int | None
    seed: int
    density: float


@dataclass(frozen=True)
class DrawnWanted:
    """A scenario's drawn street. lists_dir: where the photographs of its lists are to be drawn, None where others are
    given; filler_count: how many people who stay away."""

    scenario: str
    lists_dir: Path | None
    filler_count: int


@dataclass(frozen=True)
class Fault:
    """Kill a part at a moment (seconds after the van began to watch), and start it again later."""

    part: Literal["broker", "room", "link", "vision"]
    at_s: float
    for_s: float


@dataclass(frozen=True)
class Wanted:
    """A deployment. camera: a clip, or None for the street. threshold: what the order will say; None until
    the pack's calibration has been asked.

    subjects: whether everybody who is enrolled, filler too, is a rendered person.
    """

    camera: Path | None
    street: StreetWanted | DrawnWanted | None
    watchlist_dir: Path
    filler_dir: Path | None
    filler_count: int | None
    pack_dir: Path
    precision: Literal["int8", "float32"]
    threshold: float | None
    subjects: Subjects
    truth: Path | None
    out: Path
    pace: Literal["realtime", "fast"]
    pictures: bool
    faults: tuple[Fault, ...]
    keep: bool
    alerted_share_min: float
    false_alerts_max: int

    @property
    def camera_name(self) -> str:
        """What the summary calls the camera."""
        if isinstance(self.street, DrawnWanted):
            return f"{SCENARIO_PREFIX}{Path(self.street.scenario).stem}"
        return STREET if self.camera is None else self.camera.name


def parse_fault(text: str) -> Fault:
    """`broker@8+10`: the broker is killed 8 s after the start and is back 10 s later. Raises: ValueError."""
    part, _, times = text.partition("@")
    at, _, lasts = times.partition("+")
    if part not in ("broker", "room", "link", "vision"):
        raise ValueError(f"{text!r}: need broker, room, link or vision before the @")
    try:
        at_s, for_s = float(at), float(lasts or "0")
    except ValueError:
        raise ValueError(f"{text!r}: need PART@SECONDS or PART@SECONDS+SECONDS, as in broker@8+10") from None
    if not (0 <= at_s <= 3600 and 0 <= for_s <= 600):
        raise ValueError(f"{text!r}: at most 3600 s after the start, for at most 600 s")
    return Fault(part, at_s, for_s)  # type: ignore[arg-type]


def check_wanted(wanted: Wanted) -> None:
    """Raises: DeploymentRefused, saying which path is missing and what it should hold."""
    if wanted.camera is not None and not wanted.camera.exists():
        raise DeploymentRefused(
            f"--camera {wanted.camera}: no such clip; give a video file, street, or rendered:SCENARIO"
        )
    drawn = isinstance(wanted.street, DrawnWanted) and wanted.street.lists_dir is not None
    for name, folder in (("--watchlist", wanted.watchlist_dir), ("--filler", wanted.filler_dir)):
        if folder is not None and not folder.is_dir() and not drawn:
            raise DeploymentRefused(f"{name} {folder}: no such folder; need one photograph or folder per person")
    if isinstance(wanted.street, StreetWanted) and not wanted.street.people_dir.is_dir():
        raise DeploymentRefused(f"--people {wanted.street.people_dir}: no such folder; need photographs of who passes")
    if wanted.truth is not None and not wanted.truth.is_file():
        raise DeploymentRefused(f"--truth {wanted.truth}: no such file; write one with: lfr-sim street --truth FILE")
    if wanted.truth is not None and wanted.street is not None:
        raise DeploymentRefused("--truth: the street brings its own truth; leave it out")
    if wanted.out.exists() and not wanted.out.is_dir():
        raise DeploymentRefused(f"--out {wanted.out}: is a file; need a folder")
