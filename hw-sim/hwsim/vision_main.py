"""The vision half of a simulated van: the product's own, with a street composed in the camera's place."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from edge.clock import Clock
from edge.config import Settings
from edge.devices import Camera
from edge.vision_main import half_parser, run_guarded, run_vision
from hwsim.errors import StreetInvalid
from hwsim.street.camera import FrameSource, StreetCamera
from hwsim.street.compose import StreetComposer, StreetPlan
from hwsim.street.drawing import need_renderer
from hwsim.street.finder import choose_finder
from hwsim.street.people import find_people
from hwsim.street.portraits import load_portraits
from hwsim.street.truth import truth_line

LORES_FROM_WIDTH_PX = 960
"""Smaller cameras have one stream, and faces are sought in it; larger ones a second of half the size."""


class DrawnSpec(BaseModel):
    """street.json of a drawn street: its scenario, and where the truth about it is written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scenario: str
    truth_file: Path


class StreetSpec(BaseModel):
    """street.json of photographs: who walks past, and where the truth about it is written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    people_dir: Path
    count: Annotated[int, Field(ge=1)] | None
    seed: Annotated[int, Field(ge=0)]
    density: Annotated[float, Field(gt=0)]
    truth_file: Path


def open_street(spec_file: Path, settings: Settings, clock: Clock) -> Camera:
    """The street of a spec; the truth file grows as its frames are read. Raises: StreetInvalid, PackInvalid."""
    try:
        spec = TypeAdapter[DrawnSpec | StreetSpec](DrawnSpec | StreetSpec).validate_json(spec_file.read_bytes())
    except (OSError, ValidationError) as error:
        raise StreetInvalid(f"{spec_file}: {error}") from None
    source = _draw(spec) if isinstance(spec, DrawnSpec) else _compose(spec, settings)
    spec.truth_file.write_text(truth_line(source.header), encoding="utf-8")
    return StreetCamera(
        source,
        settings.camera.pace,
        clock,
        lores=source.header.width_px >= LORES_FROM_WIDTH_PX,
        on_shown=lambda truth: _append(spec.truth_file, truth_line(truth)),
    )


def _compose(spec: StreetSpec, settings: Settings) -> FrameSource:
    pack_dir = settings.inference.pack_dir
    finder = choose_finder(pack_dir.parent, pack_dir.name)
    portraits = load_portraits(find_people(spec.people_dir), finder.find, spec.seed, spec.count).portraits
    return StreetComposer(portraits, StreetPlan(seed=spec.seed, density=spec.density))


def _draw(spec: DrawnSpec) -> FrameSource:
    need_renderer()
    from hwsim.street.rendered.scenario import read_scenario
    from hwsim.street.rendered.scene import RenderedStreet

    return RenderedStreet(read_scenario(spec.scenario))


def _append(path: Path, line: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(line)


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m hwsim.vision_main --config FILE --street SPEC --listen-fd N`."""
    parser = half_parser("lfr-sim-vision", __doc__)
    parser.add_argument("--street", type=Path, required=True, help="street.json")
    options = parser.parse_args(argv)
    return run_guarded(
        lambda: run_vision(options, lambda settings, clock: open_street(options.street, settings, clock))
    )


if __name__ == "__main__":
    sys.exit(main())
