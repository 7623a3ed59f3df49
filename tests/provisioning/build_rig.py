"""What the tests of a build stand on: drawn people of whom the made networks know everything, and a table of them."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from provisioning.assembly import Built, PhotographLine
from provisioning.build_command import BuildWanted, build
from provisioning.entries import OPTIONAL, REQUIRED
from tests.fake_clock import FakeClock
from tests.vision.made import picture
from tests.vision.made_van import MadeRuntime, made_pack

ROW = {
    "category": "wanted",
    "response": "red",
    "lawful_basis": "warrant",
    "image_source": "custody",
    "image_taken": "2020-01-05",
    "reason": "failed to appear",
    "under_18": "no",
}


@dataclass
class Rig:
    """Photographs, rows and an output folder. looked_at: photographs that went through the detector."""

    folder: Path
    runtime: MadeRuntime
    rows: list[dict[str, str]]

    @property
    def out(self) -> Path:
        return self.folder / "built"

    @property
    def looked_at(self) -> int:
        return sum(detector.runs for detector in self.runtime.detectors)

    def photograph(self, name: str, *people: tuple[int, int, int, int]) -> str:
        return self.put(name, picture(*people))

    def put(self, name: str, image: np.ndarray) -> str:
        path = self.folder / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), image)
        return name

    def row(self, reference: str, photograph: str = "", **changes: str) -> None:
        self.rows.append({"reference": reference, "photograph": photograph, **ROW, **changes})

    def person(self, k: int, reference: str | None = None, **changes: str) -> None:
        """A row and the photograph of made person k."""
        name = reference or f"p{k}"
        self.row(name, self.photograph(f"{name}.png", (k, 50, 30, 60)), **changes)

    def table(self) -> Path:
        stream = io.StringIO(newline="")
        writer = csv.DictWriter(stream, REQUIRED + OPTIONAL, restval="")
        writer.writeheader()
        writer.writerows(self.rows)
        path = self.folder / "entries.csv"
        path.write_text(stream.getvalue(), encoding="utf-8", newline="")
        return path

    def wanted(self, **changes: object) -> BuildWanted:
        wanted = BuildWanted(
            photographs=self.folder / "photos",
            entries=self.table(),
            out=self.out,
            policy="uk",
            subjects="synthetic",
            skip_refused=False,
            workers=2,
            alike=0.6,
        )
        return replace(wanted, **changes)  # type: ignore[arg-type]

    def build(self, **changes: object) -> Built:
        return build(self.wanted(**changes), made_pack(), self.runtime, FakeClock(), io.StringIO())


def rig_in(folder: Path) -> Rig:
    (folder / "photos").mkdir()
    return Rig(folder, MadeRuntime(), [])


def line_of(built: Built, photograph: str) -> PhotographLine:
    """What the report says of a photograph."""
    (line,) = (line for line in built.lines if line.photograph == photograph)
    return line
