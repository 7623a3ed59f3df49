"""Commands to a made van, and what its heartbeats say of them."""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.formats.documents import HealthDocument
from tests.trust.made_commands import command_event, command_fields
from tests.vision.app_rig import WALK, documents
from tests.vision.made_fleet import PEOPLE
from tests.vision.made_van import AppRun, MadeVan, PassersBy, ScriptedLink


def command(van: MadeVan, kind: str, number: int, *keys: Ed25519PrivateKey, **changes: Any) -> bytes:
    return command_event(command_fields(kind, number, van.clock.now_utc(), **changes), *keys)


def suspend(van: MadeVan, number: int = 1, **changes: Any) -> bytes:
    return command(van, "suspend", number, van.room_receipt_key, **changes)


def resume(van: MadeVan, number: int = 2, **changes: Any) -> bytes:
    return command(van, "resume", number, *(van.fleet.key_of(name) for name in PEOPLE), **changes)


def wait_beat(van: MadeVan, link: ScriptedLink, wanted: Any) -> HealthDocument:
    link.heard.wait(lambda items: any(wanted(each) for each in documents_in(van, items)), "heartbeat")
    return next(each for each in reversed(documents(van, link, HealthDocument)) if wanted(each))


def documents_in(van: MadeVan, items: list[Any]) -> list[HealthDocument]:
    """Of what is heard so far, without asking for it under its own lock."""
    heard = type("Heard", (), {"of": lambda self, kind: [each for each in items if isinstance(each, kind)]})()
    return documents(van, heard, HealthDocument)


def watching(van: MadeVan, **terms: Any) -> tuple[AppRun, ScriptedLink, PassersBy]:
    link, camera = van.link(van.files(**terms)), PassersBy(WALK, then="again")
    run = van.start(camera)
    assert camera.seen_round.wait(20)
    return run, link, camera


def suspended(van: MadeVan, **terms: Any) -> tuple[AppRun, ScriptedLink, PassersBy]:
    """A van that the room has stopped, with number 1."""
    run, link, camera = watching(van, **terms)
    link.command(suspend(van))
    wait_beat(van, link, lambda each: each.state == "suspended")
    return run, link, camera
