"""Makes recording.json: what a detector and an embedder saw of nine made passages. Run it to record anew.

Nobody's face: templates are random directions, and what a camera adds to them is random too. Afterwards
`python -m tests.replay.replay` writes golden.json, in a commit of its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).resolve().parent
DIMENSION = 16
FRAMES_PER_S = 8
LAST_S = 16.0
STEPS = 100
"""Templates are recorded in whole steps and brought to unit length on reading."""

Place = Callable[[float], tuple[float, float, float]]


def people(count: int) -> list[NDArray[np.float64]]:
    """Directions at right angles: in 16 dimensions chance alone would make strangers alike."""
    rows, _ = np.linalg.qr(np.random.default_rng(1).normal(0, 1, (DIMENSION, count)))
    return list(rows.T)


def alike(first: NDArray[np.float64], second: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """Somebody between two people."""
    mixed = share * first + (1 - share) * second
    return np.asarray(mixed / np.linalg.norm(mixed))


def walk(x_px: float, y_px: float, speed_px_s: float, width_px: float, grows: float = 1.0) -> Place:
    return lambda s: (x_px + speed_px_s * s, y_px, width_px * grows**s)


FIRST, SECOND, THIRD, FOURTH, NOBODY, OTHER, NEAR_THIRD = people(7)
LISTED = {
    "a" * 32: FIRST,
    "b" * 32: SECOND,
    "c" * 32: THIRD,
    "d" * 32: FOURTH,
    "e" * 32: alike(THIRD, NEAR_THIRD, 0.97),
}

PASSAGES: list[tuple[str, float, float, NDArray[np.float64], Place, float, str | None]] = [
    # who, from, to, template, place, noise, refusal
    ("a listed person, coming nearer", 0.0, 4.0, FIRST, walk(100, 200, 60, 30, 1.2), 0.10, None),
    ("somebody not listed, crossing her way", 0.5, 4.0, NOBODY, walk(420, 215, -80, 40), 0.10, None),
    ("a face too small throughout", 1.0, 5.0, SECOND, walk(600, 60, 5, 14), 0.10, "too_small"),
    ("a listed person seen badly, then well", 3.0, 6.0, SECOND, walk(150, 400, 90, 50), 0.22, None),
    ("a listed person whose double is listed", 5.0, 8.0, THIRD, walk(500, 200, -40, 60), 0.05, None),
    ("one frame only", 6.0, 6.1, SECOND, walk(50, 100, 0, 40), 0.05, None),
    ("turned away", 7.0, 9.0, FIRST, walk(700, 420, -30, 60), 0.10, "turned_away"),
    ("the listed person again, soon after", 9.0, 11.0, FIRST, walk(100, 200, 70, 45), 0.10, None),
    ("a track that passes from somebody to a listed person", 11.0, 12.0, OTHER, walk(300, 300, 20, 50), 0.05, None),
    ("… the listed person", 12.0, 14.0, FOURTH, walk(320, 300, 20, 50), 0.05, None),
]


def record() -> dict[str, Any]:
    random = np.random.default_rng(7)
    frames = []
    for number in range(int(LAST_S * FRAMES_PER_S)):
        taken_s = number / FRAMES_PER_S
        faces = []
        for _, begin_s, end_s, template, place, noise, refusal in PASSAGES:
            if not begin_s <= taken_s < end_s or random.random() < 0.06:
                continue
            x, y, width = place(taken_s - begin_s)
            seen = template + noise * random.normal(0, 1, DIMENSION)
            steps = np.round(STEPS * seen / np.linalg.norm(seen)).astype(int)
            box = [round(float(value), 1) for value in (x, y, width, width * 1.2)]
            quality = round(float(np.clip(width / 80 + random.normal(0, 0.05), 0.02, 1)), 3)
            faces.append({"box": box, "quality": quality, "refusal": refusal, "template": steps.tolist()})
        frames.append({"taken_s": taken_s, "faces": faces})
    return {
        "rules": {"threshold": 0.7, "frames_min": 2, "margin_min": 0.05, "cooldown_s": 60.0},
        "lost_after_s": 1.0,
        "templates_max": 5,
        "gallery": {entry: np.round(STEPS * vector).astype(int).tolist() for entry, vector in LISTED.items()},
        "frames": frames,
    }


def main() -> None:
    """Write recording.json beside this file, a frame a line."""
    recording = record()
    frames = recording.pop("frames")
    head = json.dumps(recording, indent=1)[:-2]
    lines = ",\n".join("  " + json.dumps(frame, separators=(",", ":")) for frame in frames)
    (HERE / "recording.json").write_text(f'{head},\n "frames": [\n{lines}\n ]\n}}\n')


if __name__ == "__main__":
    main()
