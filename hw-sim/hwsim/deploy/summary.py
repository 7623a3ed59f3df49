"""The summary of a deployment: summary.json for machines, a table and a sheet for people."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.table import Table

from control_room.sheet import SheetCard, write_sheet
from edge import __version__
from edge.trust.packs import VerifiedPack
from hwsim.deploy.score import Outcome
from models.intervals import clopper_pearson


@dataclass(frozen=True)
class Closed:
    """What the fleet says at the end. cleared: whether nothing of the deployment is left in its repository."""

    receipts: int
    vans: int
    cleared: bool

    @property
    def words(self) -> str:
        """As in `lfr-fleet status`."""
        return f"{self.receipts} of {self.vans} deletion receipts"


@dataclass(frozen=True)
class Ended:
    """How it ended. record, receipt: the van's signed last words, as the room verified them; faults: in words."""

    exit_code: int
    record: dict[str, Any]
    receipt: dict[str, Any] | None
    faults: Sequence[str]
    closed: Closed


@dataclass(frozen=True)
class Facts:
    """What a deployment left behind."""

    alerts: Sequence[dict[str, Any]]
    ended: Ended
    entries: int
    not_enrolled: Sequence[str]
    pack: VerifiedPack
    runtime: str
    threshold: float
    camera: str
    camera_error: str | None


def summarise(facts: Facts, outcome: Outcome | None) -> dict[str, Any]:
    """The object of summary.json; what only truth can tell is null without it."""
    ended = facts.ended
    counts = ended.record["statistics"]
    people: dict[str, Any] = {
        "people_passed": None,
        "people_on_list": None,
        "people_alerted": len({alert["reference"] for alert in facts.alerts}),
        "people_missed": None,
        "false_alerts": None,
        "tpir": None,
    }
    if outcome is not None:
        found, trials = len(outcome.on_list & outcome.alerted), len(outcome.on_list)
        interval = clopper_pearson(found, trials) if trials else None
        people = {
            "people_passed": len(outcome.passed),
            "people_on_list": trials,
            "people_alerted": len(outcome.alerted),
            "people_missed": len(outcome.missed),
            "missed": sorted(outcome.missed),
            "false_alerts": outcome.false_alerts,
            "tpir": None
            if interval is None
            else {
                "value": round(found / trials, 4),
                "low": round(interval.low, 4),
                "high": round(interval.high, 4),
                "found": found,
                "trials": trials,
                "confidence": 0.95,
                "method": "Clopper-Pearson over people",
            },
        }
    return {
        **people,
        "alerts": len(facts.alerts),
        "van_alerts": counts["alerts"],
        "faces_seen": counts["faces_seen"],
        "faces_compared": counts["faces_compared"],
        "faces_withheld": counts["faces_withheld"],
        "frames_read": counts["frames_read"],
        "frames_processed": counts["frames_processed"],
        "frames_dropped": sum(counts["frames_dropped"].values()),
        "frames_dropped_by_place": counts["frames_dropped"],
        "camera_faults": counts["camera_faults"],
        "camera_error": facts.camera_error,
        "latency_ms": {name: counts["latency_ms"][name] for name in ("p50", "p99")},
        "watchlist_entries": facts.entries,
        "not_enrolled": list(facts.not_enrolled),
        "similarity_threshold": facts.threshold,
        "camera": facts.camera,
        "faults": list(ended.faults),
        "van_exit_code": ended.exit_code,
        "deletion_receipts": {"received": ended.closed.receipts, "vans": ended.closed.vans},
        "cleared": ended.closed.cleared,
        "pack": {
            "name": facts.pack.manifest.name,
            "version": facts.pack.manifest.version,
            "precision": facts.pack.precision,
            "purpose": facts.pack.manifest.purpose,
            "sha256": facts.pack.sha256,
        },
        "watchlist_sha256": ended.record["watchlist_sha256"],
        "versions": {
            "lfr_edge": __version__,
            "python": platform.python_version(),
            "runtime": facts.runtime,
            "opencv": version("opencv-python-headless"),
            "numpy": version("numpy"),
            "machine": platform.machine(),
        },
    }


def summary_table(summary: dict[str, Any]) -> Table:
    """The same for a person, without the hashes."""
    table = Table(title="Deployment", show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column()
    for name, value in _rows(summary):
        table.add_row(name, value)
    return table


def _rows(summary: dict[str, Any]) -> list[tuple[str, str]]:
    rows = []
    if summary["people_passed"] is not None:
        tpir = summary["tpir"]
        rows += [
            ("people passed", str(summary["people_passed"])),
            ("of them on the list", str(summary["people_on_list"])),
            ("found", f"{summary['people_alerted']}, missed {summary['people_missed']}"),
            ("false alerts", str(summary["false_alerts"])),
        ]
        if tpir is not None:
            share = f"{tpir['value']:.0%} (95 % interval {tpir['low']:.0%} to {tpir['high']:.0%}, n = {tpir['trials']})"
            rows.append(("TPIR", share))
    else:
        rows.append(("people alerted", str(summary["people_alerted"])))
    withheld = ", ".join(f"{reason.replace('_', ' ')} {n}" for reason, n in summary["faces_withheld"].items())
    latency = summary["latency_ms"]
    rows += [
        ("alerts", f"{summary['alerts']}, from {summary['watchlist_entries']} entries"),
        ("faces seen", f"{summary['faces_seen']}, compared {summary['faces_compared']}"),
        ("withheld", withheld or "none"),
        (
            "frames",
            f"{summary['frames_processed']} processed of {summary['frames_read']}, {summary['frames_dropped']} dropped",
        ),
        ("threshold", f"{summary['similarity_threshold']:.2f}"),
    ]
    if latency["p50"] is not None:
        rows.append(("capture to outbox", f"median {latency['p50']:.0f} ms, 99th percentile {latency['p99']:.0f} ms"))
    received = summary["deletion_receipts"]
    rows.append(("deletion receipts", f"{received['received']} of {received['vans']}"))
    pack = summary["pack"]
    rows.append(
        ("models", f"{pack['name']} {pack['version']}, {pack['precision']}, on {summary['versions']['runtime']}")
    )
    return rows


def draw_sheet(path: Path, facts: Facts, outcome: Outcome | None, saved: Path, photographs: Mapping[str, Path]) -> None:
    """sheet.png: each alert's crop beside its enrolment photograph. photographs: by reference."""
    really = {verdict.event_id: verdict for verdict in outcome.verdicts} if outcome else {}
    cards = []
    for alert in facts.alerts:
        verdict = really.get(alert["event_id"])
        crop = alert.get("crop")
        cards.append(
            SheetCard(
                reference=alert["reference"],
                similarity=alert["similarity"],
                threshold=alert["threshold"],
                live=saved / crop if crop else None,
                enrolment=photographs.get(alert["reference"]),
                latency_ms=alert["latency_ms"],
                note=f"{alert['frames_fused']} frames",
                really=None if verdict is None else verdict.really or "nobody the truth knows",
                category=alert.get("category"),
                response=alert.get("response"),
            )
        )
    counts = facts.ended.record["statistics"]
    lines = [
        f"{facts.camera}: {len(facts.alerts)} alerts from {facts.entries} entries at threshold {facts.threshold:.2f}; "
        f"{counts['faces_seen']} faces seen, {counts['faces_compared']} compared"
    ]
    if outcome is not None:
        lines.append(
            f"{len(outcome.passed)} people passed, {len(outcome.on_list)} on the list, "
            f"{len(outcome.missed)} missed, {outcome.false_alerts} false alerts"
        )
    write_sheet(path, cards, "Alerts of a simulated deployment", lines)
