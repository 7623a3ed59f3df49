"""Everything a broker and a disk ever saw, and the box itself, in hand after the close: nothing opens the list."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edge.errors import KeyGone
from edge.exits import Exit
from edge.trust.vault import KeyVault
from tests.vision.app_rig import WALK, van
from tests.vision.made import template_of
from tests.vision.made_van import DEPLOYMENT, DEVICE, MadeVan, PassersBy

__all__ = ["van"]


def everything_under(folder: Path) -> Iterator[tuple[Path, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path, path.read_bytes()


def test_box_taken_after_the_close_opens_nothing_that_was_kept(van: MadeVan, tmp_path: Path):
    """The thief has the broker's files, a copy of the disk from mid-deployment without the secret, and the box."""
    files = van.files()
    recipient = van.fleet.order_of(DEPLOYMENT).vans[DEVICE]
    link = van.link(files)
    camera = PassersBy(WALK, then="again")
    run = van.start(camera)
    assert camera.seen_round.wait(20)
    state = van.folder / "state" / "vision"
    shutil.copytree(state, tmp_path / "copied", ignore=shutil.ignore_patterns("secrets"))
    van.fleet.close(DEPLOYMENT)
    link.say_changed(van.fleet.files())
    assert run.ended() == Exit.ENDED

    with pytest.raises(KeyGone):
        KeyVault(state / "vault", van.secrets).take(recipient)
    copied = KeyVault(tmp_path / "copied" / "vault", van.secrets)
    assert copied.found_shut
    assert not copied.holds(recipient)


def test_no_plaintext_of_the_list_is_ever_on_the_disk(van: MadeVan):
    """While the list is in force, and after: neither templates in any form, nor the content key, nor a private key."""
    files = van.files()
    link = van.link(files)
    camera = PassersBy(WALK, then="again")
    run = van.start(camera)
    assert camera.seen_round.wait(20)
    forms = [
        form
        for k in (1, 2, 3)
        for vector in (template_of(k),)
        for form in (vector.tobytes(), np.round(vector * 32767).astype("<i2").tobytes())
    ]
    forms.append(van.fleet.content_key_of(DEPLOYMENT))

    def hunt() -> None:
        looked_at = 0
        for path, content in everything_under(van.folder / "state"):
            looked_at += 1
            assert not any(form in content for form in forms), path
        assert looked_at > 4

    hunt()
    van.fleet.close(DEPLOYMENT)
    link.say_changed(van.fleet.files())
    assert run.ended() == Exit.ENDED
    hunt()
    assert not any(DEPLOYMENT in path.name for path, _ in everything_under(van.folder / "state"))
