"""Track: which faces of successive frames are one person's passage.

Motion only: a face joins the passage whose predicted place and size it fits best, nearest first. A passage
unseen for a while waits, its gate widening, to be re-linked; then it ends, and its end is always said.
Whether the faces of a passage look like one person is for the fusion to notice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from edge.records import EndedTrack, FaceBox, TrackedFace, TrackUpdate

GATE_WIDTHS = 0.9
"""A face may be this many face widths from where its passage was expected …"""

GATE_WIDTHS_PER_S = 1.5
"""… plus this for each second since it was last seen …"""

GATE_WIDTHS_MAX = 2.5
"""… but never more than this."""

SIZE_RATIO_MAX = 1.7
VELOCITY_SMOOTHING = 0.5


@dataclass
class _Track:
    """A passage under way; the centre's velocity in pixels a second."""

    id: int
    x_px: float
    y_px: float
    width_px: float
    width_max_px: float
    seen_s: float
    frames: int = 1
    vx_px_s: float = 0.0
    vy_px_s: float = 0.0

    def misfit(self, face: FaceBox, now_s: float) -> float | None:
        """How badly a face fits, in face widths; None when it cannot be this passage."""
        waited_s = max(now_s - self.seen_s, 0.0)
        ratio = face.width_px / self.width_px
        if not 1 / SIZE_RATIO_MAX <= ratio <= SIZE_RATIO_MAX:
            return None
        x, y = _centre(face)
        dx = x - (self.x_px + self.vx_px_s * waited_s)
        dy = y - (self.y_px + self.vy_px_s * waited_s)
        distance = math.hypot(dx, dy) / max(self.width_px, face.width_px)
        if distance > min(GATE_WIDTHS + GATE_WIDTHS_PER_S * waited_s, GATE_WIDTHS_MAX):
            return None
        return distance + abs(math.log(ratio))

    def take(self, face: FaceBox, now_s: float) -> None:
        """Move on to where the face is."""
        x, y = _centre(face)
        waited_s = now_s - self.seen_s
        if waited_s > 0:
            fresh = 1 - VELOCITY_SMOOTHING
            self.vx_px_s += fresh * ((x - self.x_px) / waited_s - self.vx_px_s)
            self.vy_px_s += fresh * ((y - self.y_px) / waited_s - self.vy_px_s)
        self.x_px, self.y_px, self.width_px, self.seen_s = x, y, face.width_px, now_s
        self.width_max_px = max(self.width_max_px, face.width_px)
        self.frames += 1


class Tracker:
    """Passages over one camera's frames."""

    def __init__(self, lost_after_s: float) -> None:
        self._lost_after_s = lost_after_s
        self._tracks: list[_Track] = []
        self._next_id = 1

    def update(self, frame_id: int, taken_s: float, faces: tuple[FaceBox, ...]) -> TrackUpdate:
        """Assign the faces of the next frame. taken_s: seconds on the source's time line, never going back."""
        ended = self._end_lost(taken_s)
        pairs = sorted(
            (misfit, t, f)
            for t, track in enumerate(self._tracks)
            for f, face in enumerate(faces)
            if (misfit := track.misfit(face, taken_s)) is not None
        )
        owner: dict[int, _Track] = {}
        taken: set[int] = set()
        for _, t, f in pairs:
            if t not in taken and f not in owner:
                taken.add(t)
                owner[f] = self._tracks[t]
                self._tracks[t].take(faces[f], taken_s)
        for f, face in enumerate(faces):
            if f not in owner:
                owner[f] = self._begin(face, taken_s)
        tracked = tuple(TrackedFace(owner[f].id, face) for f, face in enumerate(faces))
        return TrackUpdate(frame_id, tracked, tuple(map(_summary, ended)))

    def finish(self, frame_id: int) -> TrackUpdate:
        """End every passage: the source has ended or the deployment closes."""
        ended, self._tracks = self._tracks, []
        return TrackUpdate(frame_id, (), tuple(map(_summary, ended)))

    def _end_lost(self, now_s: float) -> list[_Track]:
        """Before anyone joins: after a gap in the frames, whoever stands in the same place is somebody else."""
        ended = [track for track in self._tracks if now_s - track.seen_s > self._lost_after_s]
        self._tracks = [track for track in self._tracks if now_s - track.seen_s <= self._lost_after_s]
        return ended

    def _begin(self, face: FaceBox, now_s: float) -> _Track:
        x, y = _centre(face)
        track = _Track(self._next_id, x, y, face.width_px, face.width_px, now_s)
        self._next_id += 1
        self._tracks.append(track)
        return track


def _centre(face: FaceBox) -> tuple[float, float]:
    return face.left_px + face.width_px / 2, face.top_px + face.height_px / 2


def _summary(track: _Track) -> EndedTrack:
    return EndedTrack(track.id, track.frames, track.width_max_px)
