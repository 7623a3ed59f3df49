"""The outbox: documents on disk until the room's signed receipt, or their retention, ends them.

A PUBACK ends nothing: a broker killed after it loses the message (FINDINGS, MQTT). When a row is sent
again is kept in memory, for monotonic time does not outlive the process; after a start all rows are due.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from edge.clock import Clock, utc_text
from edge.errors import OutboxBusy, OutboxCorrupt, OutboxFull

SCHEMA_VERSION = 1
DEPLOYMENTS_KEPT = 16
"""Deployments without rows whose receipt key is remembered."""
SET_ASIDE_MAX = 4
"""Damaged files kept for a look; older ones are deleted."""
RESEND_FACTOR_MAX = 12.0
JOURNAL_MAX_BYTES = 4 * 1024 * 1024

_SCHEMA = """
CREATE TABLE IF NOT EXISTS outbox (
  row INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id TEXT NOT NULL UNIQUE,
  channel TEXT NOT NULL,
  topic TEXT NOT NULL,
  deployment TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  expires_at_utc TEXT NOT NULL,
  payload BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS outbox_expiry ON outbox (expires_at_utc);
CREATE INDEX IF NOT EXISTS outbox_deployment ON outbox (deployment);
CREATE TABLE IF NOT EXISTS deployments (
  opened INTEGER PRIMARY KEY AUTOINCREMENT,
  deployment TEXT NOT NULL UNIQUE,
  room_receipt_key_hex TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TEMP TABLE schedule (row INTEGER PRIMARY KEY, attempts INTEGER NOT NULL, due_s REAL NOT NULL);
CREATE INDEX temp.schedule_due ON schedule (due_s, row);
INSERT INTO schedule SELECT row, 0, 0 FROM outbox;
"""

log = logging.getLogger("lfr.link.outbox")


@dataclass(frozen=True)
class Row:
    """A document waiting for its receipt."""

    event_id: str
    channel: str
    topic: str
    deployment: str
    sequence: int
    expires_at_utc: str
    payload: bytes


class Outbox:
    """Rows in sqlite (WAL, synchronous=FULL), held by this process alone. Used by one thread."""

    def __init__(self, path: Path, rows_max: int, resend_s: float, clock: Clock) -> None:
        """Open, or make, the file; a damaged one is set aside. Raises: OutboxBusy, OSError."""
        self._path = path
        self._rows_max = rows_max
        self._resend_s = resend_s
        self._clock = clock
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            self._database = _open(path)
        except sqlite3.OperationalError as error:
            raise OutboxBusy(f"{path}: {error}; does another link half run on this state folder?") from None
        except sqlite3.DatabaseError as error:
            _set_aside(path, utc_text(clock.now_utc()), str(error))
            self._database = _open(path)
        # Held here: they are asked for several times a second, for as long as the box is idle.
        self.queued = int(self._value("SELECT count(*) FROM outbox"))
        self._expired = int(self._value("SELECT coalesce(max(value), 0) FROM counters WHERE name = 'expired'"))
        self._set_aside = len(_set_aside_files(path))

    @property
    def expired(self) -> int:
        """Rows that ended by their retention, ever; survives restarts."""
        return self._expired

    @property
    def set_aside(self) -> int:
        """Damaged files that lay beside the outbox when it was opened."""
        return self._set_aside

    @property
    def full(self) -> bool:
        """Whether the next row would be refused."""
        return self.queued >= self._rows_max

    def open_deployment(self, deployment: str, room_receipt_key_hex: str) -> None:
        """Remember whose receipts end this deployment's rows. Raises: OutboxFull when the disk is."""
        with self._transaction():
            self._database.execute("DELETE FROM deployments WHERE deployment = ?", (deployment,))
            self._database.execute(
                "INSERT INTO deployments (deployment, room_receipt_key_hex) VALUES (?, ?)",
                (deployment, room_receipt_key_hex),
            )
            self._database.execute(
                "DELETE FROM deployments WHERE opened <= (SELECT max(opened) FROM deployments) - ?"
                " AND deployment NOT IN (SELECT deployment FROM outbox)",
                (DEPLOYMENTS_KEPT,),
            )

    def deployments_by_key(self) -> dict[str, list[str]]:
        """Which deployments' rows a receipt signed by each key may end."""
        found: dict[str, list[str]] = {}
        for key, deployment in self._database.execute("SELECT room_receipt_key_hex, deployment FROM deployments"):
            found.setdefault(key, []).append(deployment)
        return found

    def insert(self, row: Row) -> bool:
        """Put a row on disk, due at once; False if its event id is there already. Raises: OutboxFull."""
        if self._value("SELECT count(*) FROM outbox WHERE event_id = ?", (row.event_id,)):
            return False
        if self.full:
            raise OutboxFull(f"the outbox holds {self.queued} rows, at most {self._rows_max}: is the room reading?")
        with self._transaction():
            cursor = self._database.execute(
                "INSERT INTO outbox (event_id, channel, topic, deployment, sequence, expires_at_utc, payload)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (row.event_id, row.channel, row.topic, row.deployment, row.sequence, row.expires_at_utc, row.payload),
            )
            self._database.execute("INSERT INTO schedule VALUES (?, 0, 0)", (cursor.lastrowid,))
        self.queued += 1
        return True

    def due(self, limit: int, without: Iterable[str] = ()) -> list[Row]:
        """At most `limit` rows to be sent now, the longest due first, then the oldest."""
        if not self.queued:
            return []
        excluded = set(without)
        rows = self._query(
            "SELECT event_id, channel, topic, deployment, sequence, expires_at_utc, payload"
            " FROM temp.schedule JOIN outbox USING (row) WHERE due_s <= ? ORDER BY due_s, row LIMIT ?",
            (self._clock.monotonic_s(), limit + len(excluded)),
        )
        return [Row(*each) for each in rows if each[0] not in excluded][:limit]

    def of_channel(self, channel: str, limit: int) -> list[Row]:
        """The oldest rows of one channel."""
        rows = self._query(
            "SELECT event_id, channel, topic, deployment, sequence, expires_at_utc, payload"
            " FROM outbox WHERE channel = ? ORDER BY row LIMIT ?",
            (channel, limit),
        )
        return [Row(*each) for each in rows]

    def sent(self, event_id: str) -> None:
        """A row was handed to the broker: due again after resend_s, doubling to 12 times that."""
        found = self._query(
            "SELECT row, attempts FROM temp.schedule JOIN outbox USING (row) WHERE event_id = ?", (event_id,)
        )
        for row, attempts in found:
            wait_s = self._resend_s * min(2.0**attempts, RESEND_FACTOR_MAX)
            self._query(
                "UPDATE schedule SET attempts = ?, due_s = ? WHERE row = ?",
                (min(attempts + 1, 16), self._clock.monotonic_s() + wait_s, row),
            )

    def all_due(self) -> None:
        """A new connection: every row is due now, the oldest first."""
        self._query("UPDATE schedule SET attempts = 0, due_s = 0")

    def settle(self, event_ids: Iterable[str], deployments: Iterable[str]) -> int:
        """End the rows with these ids in these deployments; how many there were."""
        allowed = list(deployments)
        ended = 0
        with self._transaction():
            for event_id in event_ids:
                ended += self._delete(f"event_id = ? AND deployment IN ({_marks(allowed)})", (event_id, *allowed))
        self.queued -= ended
        return ended

    def expire(self) -> int:
        """End the rows whose retention is over, and count them for good; how many there were."""
        now = utc_text(self._clock.now_utc())
        if not self._value("SELECT EXISTS (SELECT 1 FROM outbox WHERE expires_at_utc <= ?)", (now,)):
            return 0
        with self._transaction():
            ended = self._delete("expires_at_utc <= ?", (now,))
            self._database.execute(
                "INSERT INTO counters VALUES ('expired', ?) ON CONFLICT DO UPDATE SET value = value + excluded.value",
                (ended,),
            )
        self.queued -= ended
        self._expired += ended
        return ended

    def close(self) -> None:
        """Close the file; what is in it stays."""
        self._database.close()

    def _delete(self, where: str, values: tuple[object, ...]) -> int:
        self._database.execute(f"DELETE FROM temp.schedule WHERE row IN (SELECT row FROM outbox WHERE {where})", values)
        return self._database.execute(f"DELETE FROM outbox WHERE {where}", values).rowcount

    def _value(self, statement: str, values: tuple[object, ...] = ()) -> int:
        return int(self._query(statement, values)[0][0])

    def _query(self, statement: str, values: tuple[object, ...] = ()) -> list[tuple]:
        try:
            return self._database.execute(statement, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise _as_ours(self._path, error) from None

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._database.execute("BEGIN IMMEDIATE")
            yield
            self._database.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            with contextlib.suppress(sqlite3.Error):  # sqlite has rolled back by itself where the disk is full
                self._database.execute("ROLLBACK")
            raise _as_ours(self._path, error) from None


def _open(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None, timeout=2.0)
    try:
        # Exclusive: a second link half on the same folder is refused instead of sending everything twice.
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")  # NORMAL loses rows on a power cut (FINDINGS, Device service)
        database.execute("PRAGMA secure_delete = ON")
        database.execute("PRAGMA temp_store = MEMORY")
        database.execute(f"PRAGMA journal_size_limit = {JOURNAL_MAX_BYTES}")
        fault = database.execute("PRAGMA quick_check(1)").fetchone()[0]
        if fault != "ok":
            raise sqlite3.DatabaseError(fault)
        version = database.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, SCHEMA_VERSION):
            raise sqlite3.DatabaseError(f"schema version {version}, need {SCHEMA_VERSION}")
        database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        database.executescript(_SCHEMA)
        os.chmod(path, 0o600)
    except BaseException:
        database.close()
        raise
    return database


def _set_aside(path: Path, now_utc: str, why: str) -> None:
    stamp = now_utc.replace(":", "").replace(".", "")
    for suffix in ("", "-wal", "-shm"):
        source = path.with_name(path.name + suffix)
        if source.exists():
            source.rename(path.with_name(f"{path.name}.damaged-{stamp}{suffix}"))
    for old in _set_aside_files(path)[:-SET_ASIDE_MAX]:
        for suffix in ("", "-wal", "-shm"):
            old.with_name(old.name + suffix).unlink(missing_ok=True)
    log.error(
        "%s is damaged (%s): set aside as %s.damaged-%s, starting with an empty one; rows in it were not delivered",
        path, why, path.name, stamp,
    )  # fmt: skip


def _set_aside_files(path: Path) -> list[Path]:
    return sorted(each for each in path.parent.glob(f"{path.name}.damaged-*Z"))


def _marks(values: list[str]) -> str:
    return ",".join("?" * len(values))


def _as_ours(path: Path, error: sqlite3.DatabaseError) -> Exception:
    if isinstance(error, sqlite3.OperationalError):
        return OutboxFull(f"{path}: {error}; is the disk full?")
    if type(error) is sqlite3.DatabaseError:  # its subclasses are mistakes of ours, not of the file
        return OutboxCorrupt(f"{path}: {error}; start again: it will be set aside")
    return error
