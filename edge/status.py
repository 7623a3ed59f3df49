"""`lfr-edge status`: what both halves last wrote about themselves, and how old it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from edge.clock import Clock, parse_utc

STALE_AFTER_S = 15.0
HALVES = ("vision", "link")


def read_status(state_dir: Path, clock: Clock, interval_s: float = 0.0) -> dict[str, Any]:
    """Each half's status.json, with `age_s` and `state`: running, silent (too old) or absent.

    interval_s: `health.interval_s`; three of them without a word is silence, and never less than STALE_AFTER_S.
    """
    stale_s = max(STALE_AFTER_S, 3 * interval_s)
    return {half: _read_half(state_dir / half / "status.json", clock, stale_s) for half in HALVES}


def _read_half(path: Path, clock: Clock, stale_s: float) -> dict[str, Any]:
    try:
        status = json.loads(path.read_text(encoding="utf-8"))
        age_s = (clock.now_utc() - parse_utc(status["written_at_utc"])).total_seconds()
    except FileNotFoundError:
        return {"state": "absent", "file": str(path)}
    except (OSError, ValueError, KeyError, TypeError) as error:
        return {"state": "unreadable", "file": str(path), "error": str(error)}
    return {**status, "age_s": round(age_s, 1), "state": "running" if age_s <= stale_s else "silent"}


def status_lines(status: dict[str, Any]) -> list[str]:
    """The same for a person."""
    lines = []
    for half in HALVES:
        facts = status[half]
        lines.append(f"{half:<7} {facts['state']}{_how_known(facts)}")
        if "age_s" in facts:
            try:
                lines += _vision_lines(facts) if half == "vision" else _link_lines(facts)
            except (KeyError, TypeError, ValueError, AttributeError):
                lines.append("  written by another version of the software; see its status.json")
    return lines


def _how_known(facts: dict[str, Any]) -> str:
    if "age_s" in facts:
        return f", heard {facts['age_s']:.0f} s ago"
    return f": {facts['file']}" + ("; is lfr-edge running?" if facts["state"] == "absent" else "")


def _vision_lines(facts: dict[str, Any]) -> list[str]:
    health, known = facts["health"], facts["facts"]
    counts = health["statistics"]
    withheld = ", ".join(f"{reason} {count}" for reason, count in counts["faces_withheld"].items()) or "none"
    return [
        f"  state      {known['state']}, deployment {known['deployment'] or 'none'}, until {known['not_after_utc']}",
        *([f"  suspended  {known['suspended_because']}"] if known.get("suspended_because") else []),
        f"  watchlist  {known['watchlist_entries']} entries, {'locked' if known['gallery_locked'] else 'NOT LOCKED'}",
        f"  models     {known['pack']} on {known['runtime']}",
        f"  camera     {health['camera']}, {health['camera_retries']} retries {facts['camera_error']}".rstrip(),
        f"  frames     {counts['frames_processed']} of {counts['frames_read']} at {health['frames_per_s']}/s",
        f"  faces      {counts['faces_seen']} seen, {counts['faces_compared']} compared, {counts['alerts']} alerts",
        f"  withheld   {withheld}",
    ]


def _link_lines(facts: dict[str, Any]) -> list[str]:
    connected = "connected" if facts["connected"] else f"not connected: {facts.get('last_error') or 'trying'}"
    return [
        f"  broker     {connected}",
        f"  outbox     {facts['queued']} waiting, {facts['expired']} expired unreceipted",
    ]
