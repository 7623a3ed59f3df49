"""What each half writes to status.json, complete but for when."""

from __future__ import annotations

from typing import Any

VISION: dict[str, Any] = {
    "half": "vision",
    "pid": 4711,
    "facts": {
        "state": "watching",
        "deployment": "market",
        "not_after_utc": "2030-01-01T00:00:00.000Z",
        "watchlist_entries": 500,
        "gallery_locked": True,
        "pack": "street 1 int8",
        "runtime": "ai-edge-litert 2.3.0",
    },
    "camera_error": "",
    "link_connected": True,
    "health": {
        "camera": "delivering",
        "camera_retries": 2,
        "frames_per_s": 14.9,
        "statistics": {
            "frames_read": 1000,
            "frames_processed": 950,
            "faces_seen": 40,
            "faces_compared": 31,
            "alerts": 3,
            "faces_withheld": {"below_threshold": 28, "too_small": 9},
        },
    },
}

LINK: dict[str, Any] = {
    "half": "link",
    "pid": 4712,
    "connected": True,
    "last_error": "",
    "queued": 2,
    "expired": 0,
}
