"""The folder of `--save`: alerts, crops, records, health and refusals, each written so that a kill leaves it whole."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from control_room.errors import StoreUnusable
from control_room.incoming import Record
from control_room.opened import OpenedAlert
from control_room.refusals import Refusal
from edge.clock import parse_utc, utc_text
from edge.files import write_durably
from edge.formats.documents import HealthDocument
from edge.formats.receipts import DeletionReceipt
from edge.formats.topics import FROM_VANS


class SavedFolder:
    """Appends each event once, whatever stops the room in between."""

    def __init__(self, folder: Path) -> None:
        """Repair what a kill may have left, and learn which events are here. Raises: StoreUnusable."""
        self._folder = folder
        self._crops = folder / "crops"
        try:
            self._crops.mkdir(parents=True, exist_ok=True)
            self._alerts = _Lines(folder / "alerts.jsonl")
            self._records = _Lines(folder / "records.jsonl")
        except OSError as error:
            raise StoreUnusable(f"{folder}: cannot be written: {error.strerror}") from None
        self._health: dict[str, Any] = {}

    def add_alert(self, alert: OpenedAlert) -> bool:
        """Append an alert and its crop; False when it was here already. Raises: StoreUnusable."""
        if alert.event_id in self._alerts.ids:
            return False
        crop_path = None
        try:
            if alert.crop_jpeg is not None:
                crop_path = f"crops/{alert.event_id}.jpg"
                write_durably(self._folder / crop_path, alert.crop_jpeg)
                born_s = max(0.0, parse_utc(min(alert.decided_at_utc, alert.received_at_utc)).timestamp())
                os.utime(self._folder / crop_path, (born_s, born_s))
            self._alerts.append(alert.event_id, alert.as_line(crop_path))
        except OSError as error:
            raise StoreUnusable(f"{self._folder}: cannot be written: {error}") from None
        return True

    def add_record(self, record: Record, event: bytes) -> bool:
        """Append a verified record; False when it was here already. event: as the van signed it.

        A deletion receipt is kept so too, where the fleet can take it from. Raises: StoreUnusable.
        """
        if record.event_id in self._records.ids:
            return False
        try:
            if isinstance(record, DeletionReceipt):
                folder = self._folder / FROM_VANS / record.device
                folder.mkdir(parents=True, exist_ok=True)
                write_durably(folder / f"{record.event_id}.json", event)
            self._records.append(record.event_id, record.model_dump(mode="json"))
        except OSError as error:
            raise StoreUnusable(f"{self._folder}: cannot be written: {error}") from None
        return True

    def set_health(self, document: HealthDocument) -> None:
        """Write health.json with this as the van's last heartbeat. Raises: StoreUnusable."""
        self._health[document.device] = document.model_dump(mode="json")
        self._write("health.json", json.dumps(self._health, indent=1).encode() + b"\n")

    def set_refused(self, refusals: Iterable[Refusal]) -> None:
        """Write refused.jsonl. Raises: StoreUnusable."""
        lines = [{"topic": each.topic, "why": each.why, "count": each.count} for each in refusals]
        self._write("refused.jsonl", "".join(json.dumps(line) + "\n" for line in lines).encode())

    def expire(self, before: datetime) -> int:
        """Delete crops and lines of alerts older than a moment; returns how many crops went.

        Raises: StoreUnusable.
        """
        deleted = 0
        before_text = utc_text(before)
        try:
            for path in self._crops.iterdir():
                if path.stat().st_mtime < before.timestamp():
                    path.unlink()
                    deleted += 1
            self._alerts.keep(lambda line: min(line["decided_at_utc"], line["received_at_utc"]) >= before_text)
        except OSError as error:
            raise StoreUnusable(f"{self._folder}: cannot be cleared: {error}") from None
        return deleted

    def _write(self, name: str, data: bytes) -> None:
        try:
            write_durably(self._folder / name, data)
        except OSError as error:
            raise StoreUnusable(f"{self._folder / name}: cannot be written: {error}") from None


class _Lines:
    """A file of JSON objects, one a line, each with an event_id; a torn last line is dropped on opening."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.ids: set[str] = set()
        path.touch(mode=0o600)
        content = path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) != len(content):
            os.truncate(path, len(whole))
        for line in whole.splitlines():
            with contextlib.suppress(ValueError, KeyError, TypeError):  # a line not of ours names no event
                self.ids.add(json.loads(line)["event_id"])

    def append(self, event_id: str, value: dict[str, Any]) -> None:
        with self._path.open("ab") as file:
            file.write(json.dumps(value).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self.ids.add(event_id)

    def keep(self, wanted: Callable[[dict[str, Any]], bool]) -> None:
        lines = self._path.read_bytes().splitlines(keepends=True)
        kept = [line for line in lines if _is_wanted(line, wanted)]
        if len(kept) != len(lines):
            write_durably(self._path, b"".join(kept))


def _is_wanted(line: bytes, wanted: Callable[[dict[str, Any]], bool]) -> bool:
    try:
        return wanted(json.loads(line))
    except (ValueError, KeyError, TypeError):
        return True
