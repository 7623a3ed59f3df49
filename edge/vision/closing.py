"""The end of a deployment, step by step: what was done is written down, so that a power cut only repeats one.

RECORDS.md 3 states the steps. The journal holds ids, counts and signed messages; nothing that was sealed is in it.
"""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from edge import wire
from edge.clock import Clock, utc_text
from edge.errors import StateFileInvalid
from edge.files import write_durably
from edge.formats.documents import Statistics
from edge.formats.receipts import STEPS, ClosedBecause, LinkDeleted, Step, StepDone, VisionDeleted
from edge.trust.vault import KeyVault
from edge.vision.link_port import LinkPort
from edge.vision.seal import RecordScope, Sealer

STORED_WAIT_S = 30.0
"""How long link may take to put a document on disk."""
LINK_DELETES_S = 20.0

log = logging.getLogger("lfr.vision.closing")


@dataclass(frozen=True)
class Ended:
    """What the closing has to know of the deployment, once its order and its gallery are gone."""

    scope: RecordScope
    recipient: str
    because: ClosedBecause
    room_receipt_key_hex: str
    entries: int
    statistics: dict[str, Any]


@dataclass
class _Journal:
    ended: Ended
    steps: list[dict[str, str]] = field(default_factory=list)
    entries_overwritten: int = 0
    bytes_overwritten: int = 0
    files_deleted: int = 0
    link: dict[str, Any] | None = None
    statistics_message: dict[str, Any] | None = None
    receipt_message: dict[str, Any] | None = None


class Closing:
    """Runs the steps that are not yet done. One at a time; `pending` after a start means that a close was cut off."""

    def __init__(
        self,
        journal: Path,
        vault: KeyVault,
        forget: Callable[[str], int],
        sealer: Sealer,
        port: LinkPort,
        clock: Clock,
    ) -> None:
        """forget: deletes vision's own kept files of a deployment, and says how many. Raises: StateFileInvalid."""
        self._path = journal
        self._vault = vault
        self._forget = forget
        self._sealer = sealer
        self._port = port
        self._clock = clock
        self._journal = _read(journal)

    @property
    def pending(self) -> str | None:
        """The deployment whose close is not finished."""
        return None if self._journal is None else self._journal.ended.scope.deployment

    def begin(self, ended: Ended) -> None:
        """Write down that a deployment is over; from here on it closes, whatever happens."""
        self._journal = _Journal(ended)
        self._write()

    def run(self, overwrite: Callable[[], tuple[int, int]]) -> bool:
        """Every step that is left; whether all documents are stored.

        overwrite: destroys what is in memory; entries and bytes. Harmless when nothing is.
        Raises: VaultUnusable when the key could not be destroyed; the close stays pending.
        """
        journal = self._journal
        assert journal is not None
        self._port.open_deployment(journal.ended.scope.deployment, journal.ended.room_receipt_key_hex)
        done = {step["step"] for step in journal.steps}
        for step in STEPS:
            if step in done:
                continue
            self._do(step, journal, overwrite)
            journal.steps.append({"step": step, "done_at_utc": utc_text(self._clock.now_utc())})
            self._write()
            log.info("closing %s: %s", journal.ended.scope.deployment, step)
        stored = self._port.wait_stored(STORED_WAIT_S)
        if stored:
            self._path.unlink(missing_ok=True)
            self._journal = None
        return stored

    def _do(self, step: Step, journal: _Journal, overwrite: Callable[[], tuple[int, int]]) -> None:
        ended = journal.ended
        match step:
            case "camera_closed":
                pass  # The pipeline has ended before a close begins; after a power cut there is none.
            case "gallery_overwritten":
                journal.entries_overwritten, journal.bytes_overwritten = overwrite()
            case "key_destroyed":
                self._vault.destroy(ended.recipient)
            case "statistics_recorded":
                if journal.statistics_message is None:
                    statistics = Statistics.model_validate(ended.statistics)
                    message = self._sealer.record_statistics(ended.scope, statistics, ended.entries)
                    journal.statistics_message = _as_fields(message)
                    self._write()
                self._port.publish(_as_message(journal.statistics_message))
            case "files_deleted":
                journal.files_deleted = self._forget(ended.scope.deployment)
            case "mirror_deleted":
                journal.link = self._delete_mirror(ended.scope.deployment)
            case "receipt_recorded":
                if journal.receipt_message is None:
                    journal.receipt_message = _as_fields(self._receipt(journal))
                    self._write()
                self._port.publish(_as_message(journal.receipt_message))

    def _delete_mirror(self, deployment: str) -> dict[str, Any] | None:
        dropped = [
            self._port.drop_files(prefix, LINK_DELETES_S) for prefix in (f"deployments/{deployment}/", "metadata/")
        ]
        if any(each is None for each in dropped):
            log.error("link did not say that it deleted its files of %s", deployment)
            return None
        return {
            "files_deleted": sum(each.files for each in dropped if each is not None),
            "bytes_deleted": sum(each.bytes for each in dropped if each is not None),
            "reported_at_utc": utc_text(self._clock.now_utc()),
        }

    def _receipt(self, journal: _Journal) -> wire.Publish:
        ended = journal.ended
        now = utc_text(self._clock.now_utc())
        steps = [*journal.steps, {"step": "receipt_recorded", "done_at_utc": now}]
        return self._sealer.deletion_receipt(
            ended.scope,
            ended.because,
            VisionDeleted(
                entries_overwritten=journal.entries_overwritten,
                bytes_overwritten=journal.bytes_overwritten,
                recipient_destroyed=ended.recipient,
                key_store=self._vault.kind,
                files_deleted=journal.files_deleted,
                steps=[StepDone.model_validate(step) for step in steps],
            ),
            None if journal.link is None else LinkDeleted.model_validate(journal.link),
        )

    def _write(self) -> None:
        assert self._journal is not None
        write_durably(self._path, json.dumps(asdict(self._journal), indent=1).encode())


def _as_fields(message: wire.Publish) -> dict[str, Any]:
    return {**asdict(message), "payload": base64.b64encode(message.payload).decode()}


def _as_message(fields: dict[str, Any]) -> wire.Publish:
    return wire.Publish(**{**fields, "payload": base64.b64decode(fields["payload"])})


def _read(path: Path) -> _Journal | None:
    """Raises: StateFileInvalid: a close that nobody can finish must not be passed over in silence."""
    try:
        fields = json.loads(path.read_bytes())
        ended = fields.pop("ended")
        scope = RecordScope(**ended.pop("scope"))
        return _Journal(Ended(scope=scope, **ended), **fields)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise StateFileInvalid(
            f"{path}: the journal of an unfinished close cannot be read ({error}); the van will not watch "
            "before: move the file away once its folder `vault` is gone too"
        ) from None
