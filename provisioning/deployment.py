"""What the room needs to show an alert: reference and photograph of each entry (thin: in the clear)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from edge.vision.enrol import read_photograph
from provisioning.enrolment import Entry

BUNDLE_PHOTOGRAPH_SIDE_PX = 320


def write_room_bundle(folder: Path, deployment: str, entries: Sequence[Entry]) -> None:
    """What the room needs to show an alert: reference and photograph of each entry, by entry id."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    photographs = folder / "photos"
    photographs.mkdir(exist_ok=True)
    listed = []
    for entry in entries:
        name = f"photos/{entry.entry_id}.jpg"
        image = read_photograph(entry.photograph)
        scale = min(BUNDLE_PHOTOGRAPH_SIDE_PX / max(image.shape[:2]), 1.0)
        if scale < 1.0:
            image = np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
        _, jpeg = cv2.imencode(".jpg", image)
        (folder / name).write_bytes(jpeg.tobytes())
        listed.append({"entry_id": entry.entry_id, "reference": entry.reference, "photograph": name})
    bundle = {"watchlist": f"{deployment}-list", "deployment": deployment, "entries": listed}
    (folder / "bundle.json").write_text(json.dumps(bundle, indent=1), encoding="utf-8")
