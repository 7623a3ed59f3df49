"""A site with a running broker, and a van's configuration, for the tests of the link half."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.link.peers import RoomPeer
from tests.link.rig import DEVICE, Site, VisionEnd, build_site, write_config


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = build_site(tmp_path)
    with site.broker:
        yield site


@pytest.fixture
def config(site: Site, tmp_path: Path) -> Path:
    return write_config(site, tmp_path / "van", site.certificate(DEVICE), drain_s=0)


@pytest.fixture
def vision(config: Path) -> Iterator[VisionEnd]:
    vision = VisionEnd(config)
    yield vision
    vision.close()


@pytest.fixture
def room(site: Site) -> Iterator[RoomPeer]:
    room = RoomPeer(site)
    yield room
    room.close()
