"""A scenario on disk: the clip, its truth, a sheet to look at, and the photographs a watchlist is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hwsim.errors import StreetInvalid
from hwsim.street.clip import write_clip
from hwsim.street.rendered.cast import FILLER_AT_MOST, Cast, write_photographs
from hwsim.street.rendered.head.identity import Identity
from hwsim.street.rendered.scenario import Scenario
from hwsim.street.rendered.scene import RenderedStreet
from hwsim.street.truth import Truth

Progress = Callable[[str, int, int], None]
"""What is being made, how many are done, of how many."""


@dataclass(frozen=True)
class ScenarioFiles:
    """Where everything of a scenario lies in its folder."""

    folder: Path

    @property
    def clip(self) -> Path:
        return self.folder / "clip.mp4"

    @property
    def truth(self) -> Path:
        return self.folder / "truth.jsonl"

    @property
    def sheet(self) -> Path:
        return self.folder / "sheet.png"

    @property
    def watchlist(self) -> Path:
        """Photographs of those wanted, those who stay away included; what `lfr-sim deploy --watchlist` takes."""
        return self.folder / "watchlist"

    @property
    def filler(self) -> Path:
        """Photographs of people who never come by; what `lfr-sim deploy --filler` takes."""
        return self.folder / "filler"


def write_scenario(
    scenario: Scenario, folder: Path, filler: int = 0, progress: Progress = lambda what, done, total: None
) -> Truth:
    """Everything of a scenario; the clip and its truth appear whole or not at all. filler: so many photographs of
    people who never come by. Raises: StreetInvalid, OSError."""
    street = RenderedStreet(scenario)
    files = ScenarioFiles(folder)
    write_lists(street.cast, folder, filler, progress)
    frames = street.header.frames
    return write_clip(street, files.clip, files.truth, files.sheet, lambda done: progress("drawing", done, frames))


def write_lists(cast: Cast, folder: Path, filler: int = 0, progress: Progress = lambda what, done, total: None) -> None:
    """The photographs alone, into FOLDER/watchlist and, where asked, FOLDER/filler. Raises: StreetInvalid, OSError."""
    if not 0 <= filler <= FILLER_AT_MOST:
        raise StreetInvalid(f"filler: {filler} people; need at most {FILLER_AT_MOST}")
    files = ScenarioFiles(folder)
    folder.mkdir(parents=True, exist_ok=True)
    _write_list(cast.wanted + cast.absent, files.watchlist, progress)
    _write_list(cast.filler(filler), files.filler, progress)


def _write_list(people: tuple[Identity, ...], into: Path, progress: Progress) -> None:
    if people:
        write_photographs(people, into, lambda done: progress(into.name, done, len(people)))
