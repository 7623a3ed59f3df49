"""Replays recorded detections and templates through tracking, fusion, search and decision.

`python -m tests.replay.replay` writes golden.json from recording.json; a golden changes in a commit of its own.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.evidence.statistics import Counters
from edge.records import Alarm, DetectedFrame, FaceBox, Frame, Quality, Reason, Template
from edge.vision.decide import Rules
from edge.vision.detect_loop import carry_over
from edge.vision.face_loop import FaceLoop, FaceStages
from edge.vision.gallery import Gallery
from edge.vision.mailbox import Mailbox
from edge.vision.memory import LockedBuffer
from edge.vision.track import Tracker
from tests.fake_clock import FakeClock
from tests.vision.made import face_at

HERE = Path(__file__).resolve().parent


def unit(steps: list[int]) -> NDArray[np.float32]:
    vector = np.array(steps, np.float64)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


class _Recorded:
    """In place of gate, aligner and embedder: what was recorded of the face that is asked for."""

    def __init__(self) -> None:
        self.of: dict[int, dict[str, Any]] = {}
        self._aligning: dict[str, Any] = {}

    def assess(self, image: NDArray[np.uint8], face: FaceBox) -> Quality:
        recorded = self.of[id(face)]
        refusal = Reason(recorded["refusal"]) if recorded["refusal"] else None
        return Quality(recorded["quality"], face.width_px, 100.0, 0.0, 128.0, refusal)

    def align(self, image: NDArray[np.uint8], landmarks: NDArray[np.float32]) -> NDArray[np.uint8]:
        self._aligning = next(each for each in self.of.values() if each["landmarks"] is landmarks)
        return np.zeros((4, 4, 3), np.uint8)

    def embed(self, aligned: NDArray[np.uint8], quality: float, frame_id: int) -> Template:
        return Template(unit(self._aligning["template"]), quality, frame_id)


def replay(recording: dict[str, Any]) -> dict[str, Any]:
    """The decisions that a recording leads to: passages frame by frame, alerts, and why others were withheld."""
    alarms: list[Alarm] = []
    counters, recorded = Counters(), _Recorded()
    detected: Mailbox[DetectedFrame] = Mailbox(merge=carry_over)
    stages = FaceStages(
        gate=recorded,  # type: ignore[arg-type]
        aligner=recorded,  # type: ignore[arg-type]
        embedder=recorded,  # type: ignore[arg-type]
        gallery=_gallery(recording["gallery"]),
        rules=Rules(**recording["rules"]),
        templates_max=recording["templates_max"],
        hits_min=2,
        face_width_min_px=24.0,
    )
    loop = FaceLoop(stages, detected, alarms.append, counters, FakeClock())
    tracker = Tracker(recording["lost_after_s"])
    passages = []
    for number, frame in enumerate(recording["frames"]):
        faces = tuple(face_at(*each["box"], frame_id=number) for each in frame["faces"])
        recorded.of = {
            id(face): {**each, "landmarks": face.landmarks} for face, each in zip(faces, frame["faces"], strict=True)
        }
        update = tracker.update(number, frame["taken_s"], faces)
        passages.append([tracked.track_id for tracked in update.tracked])
        picture = np.zeros((480, 800, 3), np.uint8)
        loop._handle(DetectedFrame(Frame(number, picture, None, frame["taken_s"], 0.0), faces, update, 0.0))
    loop._handle(DetectedFrame(None, (), tracker.finish(len(recording["frames"])), 0.0))
    statistics = counters.snapshot()
    return {
        "passages": passages,
        "alerts": [_told(alarm) for alarm in alarms],
        "faces_seen": statistics.faces_seen,
        "faces_compared": statistics.faces_compared,
        "faces_withheld": statistics.faces_withheld,
    }


def _told(alarm: Alarm) -> dict[str, Any]:
    match = alarm.match
    return {
        "frame": alarm.face.frame_id,
        "entry": match.entry_id,
        "similarity": round(match.similarity, 4),
        "frames_fused": match.frames_fused,
    }


def _gallery(listed: dict[str, list[int]]) -> Gallery:
    rows = np.stack([unit(steps) for steps in listed.values()])
    buffer = LockedBuffer(rows.nbytes)
    templates = buffer.array("f4", rows.shape)
    templates[:] = rows
    return Gallery(tuple(listed), templates, buffer)


def recording() -> dict[str, Any]:
    value: dict[str, Any] = json.loads((HERE / "recording.json").read_text())
    return value


def main() -> None:
    """Write golden.json beside this file."""
    golden = replay(recording())
    passages = ",\n".join("  " + json.dumps(each) for each in golden.pop("passages"))
    rest = json.dumps(golden, indent=1)[:-2]
    (HERE / "golden.json").write_text(f'{rest},\n "passages": [\n{passages}\n ]\n}}\n')


if __name__ == "__main__":
    main()
