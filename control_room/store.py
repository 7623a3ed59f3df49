"""What the room has received, on disk before it says so: signed events as they came, sealed, never opened.

Every event keeps its id, sequence and hash when its content is deleted, so that a late copy is still known.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from control_room.errors import MessageOutOfPlace, StoreUnusable

_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
  number INTEGER PRIMARY KEY,
  event_id TEXT NOT NULL UNIQUE,
  channel TEXT NOT NULL,
  device TEXT NOT NULL,
  deployment TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  made_at_utc TEXT NOT NULL,
  received_at_utc TEXT NOT NULL,
  event BLOB,
  shown INTEGER NOT NULL DEFAULT 0,
  fault TEXT
);
CREATE INDEX IF NOT EXISTS events_by_sequence ON events (device, deployment, sequence);
CREATE INDEX IF NOT EXISTS events_waiting ON events (number) WHERE shown < 2 AND event IS NOT NULL;
CREATE TABLE IF NOT EXISTS heartbeats (
  device TEXT PRIMARY KEY, session TEXT NOT NULL, beat INTEGER NOT NULL, made_at_utc TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS floors (device TEXT PRIMARY KEY, sequence INTEGER NOT NULL);
PRAGMA user_version = 1;
"""

_COLUMNS = (
    "event_id",
    "channel",
    "device",
    "deployment",
    "sequence",
    "sha256",
    "made_at_utc",
    "received_at_utc",
    "event",
)
_WAITING, _BEING_SHOWN, _SHOWN = 0, 1, 2


class Added(Enum):
    """What the store made of an event."""

    NEW = "new"
    KNOWN = "known"


@dataclass(frozen=True)
class StoredEvent:
    """A row. event: the CloudEvent as received. perhaps_shown: the room stopped while it was showing this one."""

    event_id: str
    channel: str
    device: str
    deployment: str
    sequence: int
    sha256: str
    made_at_utc: str
    received_at_utc: str
    event: bytes
    perhaps_shown: bool = False


@dataclass(frozen=True)
class Heartbeat:
    """The last heartbeat believed of a van, so that an older one is not believed after it."""

    session: str
    beat: int
    made_at_utc: str


class Store:
    """One sqlite file, WAL, synchronous=FULL. Additions count from `commit` on; everything else commits itself."""

    def __init__(self, path: Path) -> None:
        """Raises: StoreUnusable."""
        try:
            self._db = sqlite3.connect(path)
            path.chmod(0o600)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute("PRAGMA secure_delete=ON")
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            if version not in (0, 1):
                raise StoreUnusable(f"{path}: of version {version}, this room reads 1; use the newer lfr-room")
            self._db.executescript(_SCHEMA)
            self._db.execute("UPDATE events SET fault = NULL WHERE fault IS NOT NULL")
            self._db.commit()
        except StoreUnusable:
            raise
        except (sqlite3.Error, OSError) as error:
            raise StoreUnusable(f"{path}: {error}; move it away to begin with an empty one") from None

    def add(self, row: StoredEvent) -> Added:
        """Take an event in; it is durable after `commit`.

        Raises: MessageOutOfPlace when its id is known with another content; StoreUnusable.
        """
        known = self._all("SELECT sha256 FROM events WHERE event_id = ?", (row.event_id,))
        if known:
            if known[0][0] != row.sha256:
                raise MessageOutOfPlace(f"event {row.event_id} is already here with another content")
            return Added.KNOWN
        self._do(
            f"INSERT INTO events ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})",
            [getattr(row, column) for column in _COLUMNS],
        )
        return Added.NEW

    def commit(self) -> None:
        """Make the additions durable: fsync is done when this returns. Raises: StoreUnusable."""
        with _told():
            self._db.commit()

    def with_sequence(self, device: str, deployment: str, sequence: int) -> list[str]:
        """The ids of events that carry this sequence number, three at most."""
        rows = self._all(
            "SELECT event_id FROM events WHERE device = ? AND deployment = ? AND sequence = ? LIMIT 3",
            (device, deployment, sequence),
        )
        return [event_id for (event_id,) in rows]

    def sequences(self) -> list[tuple[str, str, int]]:
        """Device, deployment and sequence of every event not forgotten, as received."""
        return self._all("SELECT device, deployment, sequence FROM events ORDER BY number")

    def floors(self) -> dict[str, int]:
        """By device, the highest sequence of the events that are forgotten."""
        return dict(self._all("SELECT device, sequence FROM floors"))

    def waiting(self, limit: int) -> list[StoredEvent]:
        """Events not shown yet, oldest first; without those that could not be opened since the store was."""
        rows = self._all(
            f"SELECT {', '.join(_COLUMNS)}, shown FROM events"
            " WHERE shown < ? AND event IS NOT NULL AND fault IS NULL ORDER BY number LIMIT ?",
            (_SHOWN, limit),
        )
        return [
            StoredEvent(**dict(zip(_COLUMNS, columns, strict=True)), perhaps_shown=shown == _BEING_SHOWN)
            for *columns, shown in rows
        ]

    def begin_showing(self, event_id: str) -> None:
        """Durably: whatever happens now, this one may have been seen. Raises: StoreUnusable."""
        self._set(event_id, "shown", _BEING_SHOWN)

    def end_showing(self, event_id: str) -> None:
        """Durably: shown, never again. Raises: StoreUnusable."""
        self._set(event_id, "shown", _SHOWN)

    def set_fault(self, event_id: str, why: str) -> None:
        """It cannot be opened with what the room has now; tried again when the store is next opened.

        Raises: StoreUnusable.
        """
        self._set(event_id, "fault", why)

    def heartbeats(self) -> dict[str, Heartbeat]:
        """The last heartbeat believed, by device."""
        rows = self._all("SELECT device, session, beat, made_at_utc FROM heartbeats")
        return {device: Heartbeat(*rest) for device, *rest in rows}

    def set_heartbeat(self, device: str, heartbeat: Heartbeat) -> None:
        """Remember it; durable with the next commit. Raises: StoreUnusable."""
        self._do(
            "INSERT OR REPLACE INTO heartbeats VALUES (?, ?, ?, ?)",
            (device, heartbeat.session, heartbeat.beat, heartbeat.made_at_utc),
        )

    def expire(self, before_utc: str, forget_before_utc: str) -> tuple[int, int]:
        """Delete the content of older events, and all of those received before forget_before_utc.

        Returns how many lost their content, and how many of these had never been shown. The age counts from
        when the van made it or the room received it, whichever is earlier. Raises: StoreUnusable.
        """
        old = "event IS NOT NULL AND min(made_at_utc, received_at_utc) < ?"
        ((unseen,),) = self._all(f"SELECT count(*) FROM events WHERE {old} AND shown = ?", (before_utc, _WAITING))
        expired = self._do(f"UPDATE events SET event = NULL WHERE {old}", (before_utc,))
        self._do(
            "INSERT INTO floors SELECT device, max(sequence) FROM events WHERE received_at_utc < ? GROUP BY device"
            " ON CONFLICT (device) DO UPDATE SET sequence = max(sequence, excluded.sequence)",
            (forget_before_utc,),
        )
        forgotten = self._do("DELETE FROM events WHERE received_at_utc < ?", (forget_before_utc,))
        self.commit()
        if expired or forgotten:
            self._do("PRAGMA wal_checkpoint(TRUNCATE)")
        return expired, unseen

    def close(self) -> None:
        """Commit and close. Raises: StoreUnusable."""
        self.commit()
        self._db.close()

    def _set(self, event_id: str, column: str, value: int | str) -> None:
        self._do(f"UPDATE events SET {column} = ? WHERE event_id = ?", (value, event_id))
        self.commit()

    def _all(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        with _told():
            return self._db.execute(statement, values).fetchall()

    def _do(self, statement: str, values: Sequence[Any] = ()) -> int:
        with _told():
            return self._db.execute(statement, values).rowcount


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StoreUnusable(f"the room's store fails: {error}; is the disk full or gone?") from None
