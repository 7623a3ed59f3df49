"""The frozen records that stages pass to each other: frames, faces, templates, decisions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray


def _nothing_to_release() -> None:
    """The release of a frame whose pixels nobody else owns."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One capture: a full picture and a smaller one of the same instant.

    main: uint8 BGR, (height, width, 3). lores: the same view, uint8 BGR, smaller, or None when the
    detector is to shrink `main` itself. taken_s: seconds on the source's own time line (a clip's media
    time, a camera's sensor time); received_s: monotonic seconds when it reached us, for latency.
    release: gives the buffers back to the camera; call once, pixels are invalid afterwards.
    """

    id: int
    main: NDArray[np.uint8]
    lores: NDArray[np.uint8] | None
    taken_s: float
    received_s: float
    release: Callable[[], None] = _nothing_to_release


@dataclass(frozen=True, eq=False)
class FaceBox:
    """A face found in a frame, in pixels of `Frame.main`.

    landmarks: float32 (5, 2), left to right as seen in the image: eye, eye, nose, mouth corner, mouth corner.
    """

    frame_id: int
    left_px: float
    top_px: float
    width_px: float
    height_px: float
    score: float
    landmarks: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class TrackedFace:
    """A face and the track (one person's passage) it belongs to."""

    track_id: int
    face: FaceBox


@dataclass(frozen=True)
class EndedTrack:
    """A passage that is over: on how many frames a face was found, and how wide at most."""

    track_id: int
    frames: int
    width_max_px: float


@dataclass(frozen=True, eq=False)
class TrackUpdate:
    """What one frame did to the tracks: who is in view, and whose passage is over."""

    frame_id: int
    tracked: tuple[TrackedFace, ...]
    ended: tuple[EndedTrack, ...]


class Reason(str, Enum):
    """Why a passage ended without an alert."""

    TOO_SMALL = "too_small"
    TOO_BLURRED = "too_blurred"
    TURNED_AWAY = "turned_away"
    BADLY_EXPOSED = "badly_exposed"
    CUT_BY_EDGE = "cut_by_edge"
    TOO_BRIEF = "too_brief"
    TOO_FEW_FRAMES = "too_few_frames"
    BELOW_THRESHOLD = "below_threshold"
    AMBIGUOUS = "ambiguous"
    ALERTED_RECENTLY = "alerted_recently"


@dataclass(frozen=True)
class Quality:
    """How fit a face is for comparison; score 0..1 weights its template, refusal says why it may not count."""

    score: float
    width_px: float
    sharpness: float
    yaw: float
    exposure: float
    refusal: Reason | None


@dataclass(frozen=True, eq=False)
class Template:
    """A face as a vector: float32 (d,), Euclidean norm 1."""

    vector: NDArray[np.float32]
    quality: float
    frame_id: int


@dataclass(frozen=True)
class Candidate:
    """An entry of the gallery and its cosine similarity to a probe (-1..1).

    category, response: why it is on the list, and what was planned for a match (WATCHLIST.md 3).
    """

    entry_id: str
    similarity: float
    category: str | None = None
    response: str | None = None


@dataclass(frozen=True)
class SearchResult:
    """Every entry at or above the threshold, best first, and the best below it for the margin rule."""

    candidates: tuple[Candidate, ...]
    runner_up_similarity: float


@dataclass(frozen=True)
class Withheld:
    """The decision not to alert, and why."""

    reason: Reason


@dataclass(frozen=True)
class Match:
    """The decision to alert: which entry, how alike, on how many frames; why it is listed, and what was planned."""

    entry_id: str
    similarity: float
    threshold: float
    frames_fused: int
    category: str | None = None
    response: str | None = None


Decision = Match | Withheld


@dataclass(frozen=True, eq=False)
class DetectedFrame:
    """A frame, its faces and what they did to the passages; frame is None at the very end of a source."""

    frame: Frame | None
    faces: tuple[FaceBox, ...]
    update: TrackUpdate
    detected_s: float


@dataclass(frozen=True)
class Crop:
    """A matched face, alone, as JPEG bytes, and its size."""

    jpeg: bytes
    width_px: int
    height_px: int


@dataclass(frozen=True, eq=False)
class Alarm:
    """A match on its way to be sealed; done_s: when each stage was done, monotonic seconds.

    frame_id, taken_s, received_s: of the deciding frame.
    """

    match: Match
    face: FaceBox
    crop: Crop
    taken_s: float
    received_s: float
    done_s: Mapping[str, float]
