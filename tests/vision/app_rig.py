"""A made van's whole vision half, and what a test asks of it: fixtures and readers that several files share."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge import wire
from edge.formats.documents import AlertDocument, HealthDocument
from edge.formats.receipts import DeletionReceipt
from edge.trust.documents import public_hex
from edge.trust.envelope import unwrap
from edge.vision import app as app_module
from edge.vision import gallery, overseer, pipeline
from edge.vision.memory import LockedBuffer
from tests.vision.made import picture, residue
from tests.vision.made_van import MadeVan, ScriptedLink, keep_in

WALK = [picture((2, 10 + 5 * index, 30, 40)) for index in range(12)]


@pytest.fixture
def van(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MadeVan]:
    for module, name, value in (
        (app_module, "RETRY_WAIT_S", 0.01),
        (app_module, "POLL_S", 0.02),
        (pipeline, "POLL_S", 0.02),
        (overseer, "REFRESH_LEAST_S", 0.0),
    ):
        monkeypatch.setattr(module, name, value)
    van = MadeVan(tmp_path)
    yield van
    van.close()


@pytest.fixture
def buffers(monkeypatch: pytest.MonkeyPatch) -> list[LockedBuffer]:
    """Every locked buffer of the run."""
    made: list[LockedBuffer] = []
    monkeypatch.setattr(gallery, "LockedBuffer", keep_in(made, LockedBuffer))
    return made


def left_in(buffers: list[LockedBuffer]) -> int:
    return residue([buffer.array("u1", (len(buffer._map),)) for buffer in buffers])


def documents(van: MadeVan, link: ScriptedLink, kind: type) -> list[Any]:
    if kind is HealthDocument:
        payloads = [message.payload for message in link.of(wire.Health)]
    else:
        channel = "alerts" if kind is AlertDocument else "records"
        payloads = [message.payload for message in link.of(wire.Publish) if message.channel == channel]
        receipts = [b"deletion_receipt" in payload for payload in payloads]
        payloads = [
            each for each, is_receipt in zip(payloads, receipts, strict=True) if is_receipt is (kind is DeletionReceipt)
        ]
    return [unwrap(payload, kind, {public_hex(van.signing_key)}) for payload in payloads]


def states(link: ScriptedLink) -> list[str]:
    return [each.state for each in link.of(wire.StateChanged)]


def states_of(items: list[Any]) -> list[str]:
    return [each.state for each in items if isinstance(each, wire.StateChanged)]


class PowerCut(Exception):
    """What stops a half between two steps."""


def status_of(van: MadeVan) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((van.folder / "state" / "vision" / "status.json").read_text())
    return value


class MadeVanAgain:
    """The same van after a restart: same folder and keys, a fresh listening socket."""

    def __init__(self, van: MadeVan) -> None:
        van.listener.close()
        van.listener = wire.listen(van.socket_path)
        self.link, self.start = van.link, van.start
