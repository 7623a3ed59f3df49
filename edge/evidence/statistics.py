"""Counts of a deployment, without per-person data, from every thread of vision."""

from __future__ import annotations

import threading
from collections import Counter

from edge.formats.documents import LatencySummary, Statistics
from edge.records import Reason

LATENCIES_MAX = 10_000


class Counters:
    """Counts that only grow; `snapshot` is consistent."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._frames_read = 0
        self._frames_processed = 0
        self._dropped: Counter[str] = Counter()
        self._withheld: Counter[str] = Counter()
        self._faults: Counter[str] = Counter()
        self._seen = 0
        self._compared = 0
        self._alerts = 0
        self._not_stored = 0
        self._latencies_ms: list[float] = []

    def capture_progress(self, frames_read: int, skipped: int, faults: dict[str, int]) -> None:
        """What the capture stage has counted so far."""
        with self._lock:
            self._frames_read = frames_read
            self._dropped["source"] = skipped
            self._faults = Counter(faults)

    def frame_processed(self) -> None:
        """A frame went through every stage; frames_read less those dropped between stages is their number."""
        with self._lock:
            self._frames_processed += 1

    def frames_dropped(self, where: str, count: int) -> None:
        """How many a mailbox has dropped so far."""
        with self._lock:
            self._dropped[where] = count

    def passage_ended(self, compared: bool, withheld: Reason | None) -> None:
        """A passage is over, with an alert (None) or without."""
        with self._lock:
            self._seen += 1
            self._compared += compared
            if withheld is not None:
                self._withheld[withheld.value] += 1

    def alerted(self) -> None:
        with self._lock:
            self._alerts += 1

    def alert_not_stored(self) -> None:
        """An alert found no room to wait in, because link has stored nothing for very long: it is lost."""
        with self._lock:
            self._not_stored += 1

    def outbox_committed(self, latency_ms: float) -> None:
        """An alert is on disk, so long after its frame was captured."""
        with self._lock:
            if len(self._latencies_ms) < LATENCIES_MAX:
                self._latencies_ms.append(latency_ms)

    def snapshot(self) -> Statistics:
        with self._lock:
            return Statistics(
                frames_read=self._frames_read,
                frames_processed=self._frames_processed,
                frames_dropped={where: count for where, count in sorted(self._dropped.items()) if count},
                faces_seen=self._seen,
                faces_compared=self._compared,
                faces_withheld=dict(sorted(self._withheld.items())),
                alerts=self._alerts,
                alerts_not_stored=self._not_stored,
                camera_faults=dict(sorted(self._faults.items())),
                latency_ms=LatencySummary(
                    count=len(self._latencies_ms),
                    p50=quantile(self._latencies_ms, 0.50),
                    p99=quantile(self._latencies_ms, 0.99),
                ),
            )


def quantile(values: list[float], share: float) -> float | None:
    """The smallest value that at least `share` of the values do not exceed, to 0.1; None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    rank = max(-(-int(share * 1e6) * len(ordered) // 1_000_000), 1)
    return round(ordered[min(rank, len(ordered)) - 1], 1)
