"""How the courier fares, as a file for `lfr-edge status` and as the pipe's LinkStatus."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from edge.files import write_durably
from edge.wire import NAME_MAX_CHARS, LinkStatus

STATUS_FILE = "status.json"


@dataclass(frozen=True)
class LinkReport:
    """All of it numbers, ids and words for an engineer; nothing of what the messages say."""

    broker: str
    connected: bool
    since_utc: str
    session_seq: int
    state: str
    vision_attached: bool
    queued: int
    expired: int
    documents_refused: int
    sets_aside: int
    receipts_refused: int
    receipts_repeated: int
    publishes_refused: int
    messages_dropped: int
    files_kept: int
    bytes_kept: int
    files_evicted: int
    files_not_kept: int
    files_waiting: int
    files_fetched: int
    bytes_fetched: int
    fetched_again: int
    from_disk: int
    from_stick: int
    refused: int
    commands_refused: int
    stick_errors: int
    last_error: str

    def as_link_status(self) -> LinkStatus:
        """The short form for vision."""
        parts = [self.last_error] if self.last_error else []
        counts = {
            "receipts refused": self.receipts_refused,
            "documents refused, outbox full": self.documents_refused,
            "publishes refused": self.publishes_refused,
            "messages dropped": self.messages_dropped,
            "damaged outboxes set aside": self.sets_aside,
            "files not kept": self.files_not_kept,
            "files refused": self.refused,
            "files evicted": self.files_evicted,
            "commands refused": self.commands_refused,
            "stick errors": self.stick_errors,
        }
        parts = [f"{name}: {count}" for name, count in counts.items() if count] + parts
        return LinkStatus(self.connected, self.queued, self.expired, "; ".join(parts)[:NAME_MAX_CHARS])


def write_status(folder: Path, report: LinkReport, written_at_utc: str) -> None:
    """Replace the status file in one step. Raises: OSError."""
    status = {"half": "link", "pid": os.getpid(), **asdict(report), "written_at_utc": written_at_utc}
    write_durably(folder / STATUS_FILE, json.dumps(status, indent=1).encode() + b"\n")
