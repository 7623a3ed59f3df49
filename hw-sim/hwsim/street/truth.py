"""Who really is where, frame by frame: the format, its strict reader, and the questions a score asks.

JSON lines. The first is a header, each other one a frame, in ascending order; a frame that was never composed
(a live camera skips what nobody read in time) has no line.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hwsim.errors import TruthInvalid

LINE_MAX_BYTES = 1 << 20
FRAMES_MAX = 1_000_000
PEOPLE_MAX = 100_000

PersonId = Annotated[str, Field(min_length=1, max_length=255)]
Pixels = Annotated[float, Field(ge=-100_000, le=100_000, allow_inf_nan=False)]
Point = tuple[Pixels, Pixels]
Length = Annotated[float, Field(gt=0, le=100_000, allow_inf_nan=False)]


class Box(Protocol):
    """Anything with the place of a face; `FaceBox` and `PersonSeen` both are."""

    @property
    def left_px(self) -> float: ...
    @property
    def top_px(self) -> float: ...
    @property
    def width_px(self) -> float: ...
    @property
    def height_px(self) -> float: ...


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class TruthHeader(_Line):
    """What was composed: the seed, the picture, and everyone who passes."""

    type: Literal["street"] = "street"
    version: Literal[1] = 1
    seed: int = Field(ge=0, lt=1 << 63)
    frames_per_s: float = Field(gt=0, le=1000, allow_inf_nan=False)
    width_px: int = Field(gt=0, le=100_000)
    height_px: int = Field(gt=0, le=100_000)
    frames: int = Field(gt=0, le=FRAMES_MAX)
    people: tuple[PersonId, ...] = Field(max_length=PEOPLE_MAX)

    @model_validator(mode="after")
    def _nobody_twice(self) -> TruthHeader:
        if len(set(self.people)) != len(self.people):
            raise ValueError("a person is listed twice")
        return self


class PersonSeen(_Line):
    """One face in one frame: its box in pixels, and the share of it inside the picture and not covered.

    landmarks_px, where the street knows them: eye, eye, nose tip, mouth corner, mouth corner, left to right in a
    frontal picture, each as (column, row).
    """

    person: PersonId
    left_px: Pixels
    top_px: Pixels
    width_px: Length
    height_px: Length
    visible: float = Field(ge=0, le=1, allow_inf_nan=False)
    landmarks_px: tuple[Point, Point, Point, Point, Point] | None = None


class TruthFrame(_Line):
    """Everyone with a face in one frame; taken_s is the frame's media time."""

    frame: int = Field(ge=0, lt=FRAMES_MAX)
    taken_s: float = Field(ge=0, le=1e9, allow_inf_nan=False)
    people: tuple[PersonSeen, ...] = Field(max_length=10_000)


def iou(a: Box, b: Box) -> float:
    """Intersection over union of two boxes, 0..1."""
    width = min(a.left_px + a.width_px, b.left_px + b.width_px) - max(a.left_px, b.left_px)
    height = min(a.top_px + a.height_px, b.top_px + b.height_px) - max(a.top_px, b.top_px)
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (a.width_px * a.height_px + b.width_px * b.height_px - shared)


class Truth:
    """A header and its frames, ready to be asked."""

    def __init__(self, header: TruthHeader, frames: Iterable[TruthFrame]) -> None:
        """Raises: TruthInvalid when frames are out of order, beyond the header's number, or show a stranger to it."""
        self.header = header
        self.frames = tuple(frames)
        known, last = set(header.people), -1
        for frame in self.frames:
            if not last < frame.frame < header.frames:
                raise TruthInvalid(f"frame {frame.frame} after frame {last}: need ascending, below {header.frames}")
            last = frame.frame
            seen = [person.person for person in frame.people]
            if not known.issuperset(seen) or len(set(seen)) != len(seen):
                raise TruthInvalid(f"frame {frame.frame} shows a person twice, or one the header does not list")

    @cached_property
    def _by_frame(self) -> dict[int, tuple[PersonSeen, ...]]:
        return {frame.frame: frame.people for frame in self.frames}

    @cached_property
    def _times_s(self) -> list[float]:
        return [frame.taken_s for frame in self.frames]

    def persons_in_frame(self, frame: int) -> tuple[PersonSeen, ...]:
        """Everyone with a face in a frame; nobody when the frame was not composed."""
        return self._by_frame.get(frame, ())

    def frame_at(self, taken_s: float) -> int | None:
        """The number of the composed frame nearest a media time; None when there is none."""
        if not self.frames:
            return None
        after = bisect_left(self._times_s, taken_s)
        near = [i for i in (after - 1, after) if 0 <= i < len(self.frames)]
        return self.frames[min(near, key=lambda i: abs(self._times_s[i] - taken_s))].frame

    def person_at(self, frame: int, box: Box, iou_min: float = 0.3) -> str | None:
        """Whose face a box in a frame is: the best overlap of at least iou_min, or None."""
        overlaps = [(iou(person, box), person.person) for person in self.persons_in_frame(frame)]
        best = max(overlaps, default=(0.0, ""))
        return best[1] if best[0] >= iou_min else None

    def person_at_time(self, taken_s: float, box: Box, iou_min: float = 0.3) -> str | None:
        """As `person_at`, by media time."""
        frame = self.frame_at(taken_s)
        return None if frame is None else self.person_at(frame, box, iou_min)

    def people_passed(self, width_min_px: float = 24.0, visible_min: float = 0.9) -> tuple[str, ...]:
        """Those who in at least one frame showed so much of so large a face, in the header's order."""
        seen = {
            person.person
            for frame in self.frames
            for person in frame.people
            if person.width_px >= width_min_px and person.visible >= visible_min
        }
        return tuple(person for person in self.header.people if person in seen)

    def passage_s(self, person: str) -> tuple[float, float] | None:
        """Media times at which a person's face is first and last in the picture; None when it never is."""
        times = [f.taken_s for f in self.frames if any(seen.person == person for seen in f.people)]
        return (times[0], times[-1]) if times else None


def truth_line(line: TruthHeader | TruthFrame) -> str:
    """One line of a truth file, with its newline."""
    return json.dumps(line.model_dump(mode="json", exclude_none=True), ensure_ascii=False, separators=(",", ":")) + "\n"


def read_truth(path: Path) -> Truth:
    """A truth file. Raises: TruthInvalid, naming the line; FileNotFoundError."""
    with path.open("rb") as stream:
        header = _parse(path, 1, stream.readline(LINE_MAX_BYTES + 1), TruthHeader)
        frames: list[TruthFrame] = []
        while line := stream.readline(LINE_MAX_BYTES + 1):
            number = len(frames) + 2
            if len(frames) == header.frames:
                raise TruthInvalid(f"{path}: line {number}: the header promises {header.frames} frames, here is more")
            frames.append(_parse(path, number, line, TruthFrame))
    try:
        return Truth(header, frames)
    except TruthInvalid as error:
        raise TruthInvalid(f"{path}: {error}") from None


_AnyLine = TypeVar("_AnyLine", TruthHeader, TruthFrame)


def _parse(path: Path, number: int, line: bytes, kind: type[_AnyLine]) -> _AnyLine:
    if len(line) > LINE_MAX_BYTES:
        raise TruthInvalid(f"{path}: line {number}: over {LINE_MAX_BYTES} bytes")
    try:
        json.loads(line, object_pairs_hook=_no_key_twice)
        return kind.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "line"
        raise TruthInvalid(f"{path}: line {number}: {where}: {first['msg']}") from None
    except (ValueError, RecursionError) as error:
        raise TruthInvalid(f"{path}: line {number}: no JSON object of type {kind.__name__}: {error}") from None


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return fields
