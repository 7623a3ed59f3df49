"""What the fleet has heard of its vans: states, heartbeats, key stocks and deletion receipts, by each van's own key.

Receipts are kept for good, as they came. Everything else is the newest word alone.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

from pydantic import ValidationError

from edge.clock import Clock, parse_utc, utc_text
from edge.errors import DocumentInvalid, LfrError
from edge.files import write_durably
from edge.formats.documents import Count, Document, HealthDocument, Identifier, UtcText
from edge.formats.receipts import DeletionReceipt
from edge.formats.topics import HEALTH, KEYS, RECORDS, STATE, device_of
from edge.trust.documents import as_document, canonical, parse_strict
from edge.trust.envelope import unwrap
from provisioning.fleet_folder import FleetFolder

STATE_MAX_BYTES = 4096
CHANNELS = (STATE, KEYS, RECORDS, HEALTH)
REFUSED_MAX = 200


class StateWord(Document):
    """A van's retained word of its state: unsigned, shown and nothing more (TOPICS.md 3)."""

    device: Identifier
    session_seq: Count
    state: str


class VanWords(Document):
    """The newest of each kind."""

    state: StateWord | None = None
    state_heard_at_utc: UtcText | None = None
    health: HealthDocument | None = None
    health_heard_at_utc: UtcText | None = None


class Heard:
    """Files below `heard/`: `{device}.json`, `receipts/{deployment}.{device}.json`."""

    def __init__(self, fleet: FleetFolder) -> None:
        self._fleet = fleet
        self._folder = fleet.folder / "heard"
        self._clock: Clock = fleet.clock
        self._words: dict[str, VanWords] = {}
        self._unsaved: set[str] = set()
        self.refused: Counter[str] = Counter()

    def take(self, topic: str, payload: bytes) -> str | None:
        """A message of a van's; a line worth telling, if it is. What is not believed is counted by its reason."""
        try:
            device = device_of(topic)
            channel = topic.rpartition("/")[2]
            self._fleet.vans.get(device)
            if channel == STATE:
                return self._take_state(device, payload)
            if channel == HEALTH:
                return self._take_health(device, payload)
            if channel == KEYS:
                return self.take_stock(payload, device)
            if channel == RECORDS:
                return self.take_record(payload, device)
        except LfrError as error:
            if len(self.refused) < REFUSED_MAX or str(error) in self.refused:
                self.refused[f"{type(error).__name__}: {error}"[:300]] += 1
        return None

    def take_stock(self, event: bytes, device: str | None = None) -> str | None:
        """Raises: DocumentInvalid, SignatureInvalid, AuthorityInvalid."""
        found, newer = self._fleet.vans.take_stock(event)
        if device not in (None, found):
            raise DocumentInvalid(f"key stock of {found} under the topic of {device}")
        return f"{found}: {len(self._fleet.vans.get(found).unused)} unused keys in stock" if newer else None

    def take_record(self, event: bytes, device: str | None = None) -> str | None:
        """A deletion receipt is kept; other records are the room's.

        Raises: DocumentInvalid, SignatureInvalid, AuthorityInvalid.
        """
        signed = _signed(event)
        if signed.get("kind") != "deletion_receipt":
            return None
        claimed = str(signed.get("device"))
        van = self._fleet.vans.get(claimed)
        receipt = unwrap(event, DeletionReceipt, {van.signing_key_hex})
        if receipt.fleet != self._fleet.fleet or device not in (None, receipt.device):
            raise DocumentInvalid(f"receipt of {receipt.fleet}: {receipt.device} under the topic of {device}")
        file = self._fleet.ledger(receipt.deployment).read()
        key = file.vans.get(receipt.device)
        if key is None or key.recipient != receipt.vision.recipient_destroyed:
            raise DocumentInvalid(
                f"receipt of {receipt.device} for {receipt.deployment}: key {receipt.vision.recipient_destroyed} is "
                f"destroyed, it says; its order named {key.recipient if key else 'no key of this van'}"
            )
        path = self._receipt_path(receipt.deployment, receipt.device)
        if path.exists():
            return None
        path.parent.mkdir(mode=0o700, exist_ok=True)
        write_durably(path, event)
        return f"{receipt.device}: deletion receipt for {receipt.deployment} ({receipt.closed_because})"

    def receipts(self) -> dict[str, set[str]]:
        """Deployment to the vans whose receipt is here."""
        found: dict[str, set[str]] = {}
        for path in sorted((self._folder / "receipts").glob("*.json")):
            deployment, _, device = path.stem.partition(".")
            found.setdefault(deployment, set()).add(device)
        return found

    def receipt(self, deployment: str, device: str) -> DeletionReceipt:
        """One that is here. Raises: AuthorityInvalid, DocumentInvalid, SignatureInvalid."""
        van = self._fleet.vans.get(device)
        return unwrap(self._receipt_path(deployment, device).read_bytes(), DeletionReceipt, {van.signing_key_hex})

    def words(self, device: str) -> VanWords:
        """The newest that was heard of a van."""
        if device not in self._words:
            try:
                self._words[device] = VanWords.model_validate(json.loads(self._path(device).read_bytes()))
            except (OSError, ValueError, ValidationError):
                self._words[device] = VanWords()  # never heard of, or written by an older version: heard again soon
        return self._words[device]

    def save(self) -> None:
        """Write down what is new. Raises: OSError."""
        for device in sorted(self._unsaved):
            # Not durably: it is heard again soon, and a hundred vans beat every few seconds.
            fresh = self._path(device).with_suffix(".new")
            fresh.write_bytes(canonical(self._words[device].model_dump(mode="json")))
            os.replace(fresh, self._path(device))
        self._unsaved.clear()

    def _take_state(self, device: str, payload: bytes) -> str | None:
        word = as_document(parse_strict(payload, STATE_MAX_BYTES), StateWord)
        if word.device != device:
            raise DocumentInvalid(f"state of {word.device} under the topic of {device}")
        held = self.words(device).state
        if held is not None and word.session_seq < held.session_seq:
            return None  # the late last will of an older connection
        self._change(device, state=word, state_heard_at_utc=self._now())
        return None if held is not None and held.state == word.state else f"{device}: {word.state}"

    def _take_health(self, device: str, payload: bytes) -> str | None:
        beat = unwrap(payload, HealthDocument, {self._fleet.vans.get(device).signing_key_hex})
        if (beat.fleet, beat.device) != (self._fleet.fleet, device):
            raise DocumentInvalid(f"heartbeat of {beat.fleet}: {beat.device} under the topic of {device}")
        held = self.words(device).health
        if held is not None and not _is_newer(beat, held):
            return None
        self._change(device, health=beat, health_heard_at_utc=self._now())
        if beat.watchlist_sequence is None or (held is not None and _list_of(held) == _list_of(beat)):
            return None
        return f"{device}: list {beat.watchlist_epoch}.{beat.watchlist_sequence} of {beat.deployment} in force"

    def _change(self, device: str, **fields: object) -> None:
        self._words[device] = self.words(device).model_copy(update=fields)
        self._unsaved.add(device)

    def _now(self) -> str:
        return utc_text(self._clock.now_utc())

    def _path(self, device: str) -> Path:
        return self._folder / f"{device}.json"

    def _receipt_path(self, deployment: str, device: str) -> Path:
        return self._folder / "receipts" / f"{deployment}.{device}.json"


def _list_of(beat: HealthDocument) -> tuple[object, ...]:
    return beat.deployment, beat.watchlist_epoch, beat.watchlist_sequence


def _is_newer(beat: HealthDocument, held: HealthDocument) -> bool:
    """RECORDS.md 4."""
    if beat.session == held.session:
        return beat.beat > held.beat
    try:
        return parse_utc(beat.made_at_utc) > parse_utc(held.made_at_utc)
    except ValueError:
        return False


def _signed(event: bytes) -> dict[str, object]:
    value = parse_strict(event)
    try:
        signed = value["data"]["signed"]
    except (KeyError, TypeError):
        raise DocumentInvalid("no event of a van") from None
    if not isinstance(signed, dict):
        raise DocumentInvalid("no event of a van")
    return signed
