"""A list on its way through a link that is killed, a line that is cut and a broker that restarts: bytes are counted."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from edge import wire
from edge.errors import RepositoryFileMissing
from edge.formats.names import chunk_name
from edge.vision.link_port import LinkPort
from tests.link.counting import CountingWire
from tests.link.peers import publish_files
from tests.link.rig import DEVICE, PATIENCE_S, LinkProcess, Site, running_link, write_config

CHUNKS = 88
"""A list of 10,000 entries of 256 numbers."""
WINDOW = 16
CONNECTION_BYTES = 12 * 1024
"""TLS handshake and MQTT's own words of one connection, with room."""
OVERHEAD = 1.02
"""TLS records, topics and acknowledgements of a file."""


class Van:
    """Vision's real end of the pipe, a link that comes and goes, and a counted wire to the broker."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.site = site
        self.wire = CountingWire(site.broker.port)
        real, site.broker.port = site.broker.port, self.wire.port
        self.config = write_config(site, folder, site.certificate(DEVICE), drain_s=0)
        site.broker.port = real
        self._listener = wire.listen(folder / "run" / "pipe.sock")
        self.port = LinkPort(self._listener, (os.getuid(),), lambda event_id: None)
        self.port.start()

    @property
    def mirror(self) -> Path:
        return self.config.parent / "state" / "link" / "mirror"

    def fetch(self, name: str) -> bytes:
        while True:
            try:
                return self.port.fetch(name, PATIENCE_S, fresh=False)
            except RepositoryFileMissing:
                continue

    def close(self) -> None:
        self.port.stop()
        self._listener.close()
        self.wire.close()


@pytest.fixture
def chunks(site: Site) -> dict[str, bytes]:
    """Published as the fleet does; each other bytes."""
    draw = random.Random(88)
    found = {chunk_name("market", 1, index): draw.randbytes(wire.FILE_MAX_BYTES) for index in range(CHUNKS)}
    publish_files(site, found)
    return found


@pytest.fixture
def van(site: Site, tmp_path: Path) -> Iterator[Van]:
    van = Van(site, tmp_path / "van")
    yield van
    van.close()


def _bound(chunks: dict[str, bytes], interruptions: int, window: int) -> float:
    size = sum(map(len, chunks.values())) + interruptions * window * wire.FILE_MAX_BYTES
    return size * OVERHEAD + (interruptions + 1) * CONNECTION_BYTES


@pytest.mark.parametrize("window", [1, WINDOW])
def test_a_link_killed_twice_fetches_nothing_twice_beyond_what_was_in_flight(
    van: Van, chunks: dict[str, bytes], window: int
):
    total = sum(map(len, chunks.values()))
    link = LinkProcess(van.config)
    with ThreadPoolExecutor(window) as pool:
        fetched = pool.map(van.fetch, chunks)
        for part in (0.3, 0.7):
            assert van.wire.wait_bytes(int(part * total), PATIENCE_S)
            link.kill()
            link = LinkProcess(van.config)
        assert list(fetched) == list(chunks.values())
    assert van.wire.bytes_to_van <= _bound(chunks, 2, window)
    # A file is kept a moment after it is passed on: a kill in that moment costs it, and it alone is asked for again.
    before, missing = van.wire.bytes_to_van, CHUNKS - len(list(van.mirror.iterdir()))
    assert missing <= 2 * window + 1
    assert [van.fetch(name) for name in chunks] == list(chunks.values())
    assert van.wire.bytes_to_van - before < (missing * OVERHEAD + 1) * wire.FILE_MAX_BYTES
    until(lambda: len(list(van.mirror.iterdir())) == CHUNKS)
    link.terminate()


def test_a_line_cut_twice_fetches_nothing_twice_beyond_what_was_in_flight(van: Van, chunks: dict[str, bytes]):
    total = sum(map(len, chunks.values()))
    with running_link(van.config), ThreadPoolExecutor(WINDOW) as pool:
        fetched = pool.map(van.fetch, chunks)
        for part in (0.3, 0.7):
            assert van.wire.wait_bytes(int(part * total), PATIENCE_S)
            van.wire.cut()
        assert list(fetched) == list(chunks.values())
    assert van.wire.bytes_to_van <= _bound(chunks, 2, WINDOW)


def test_a_broker_restarted_on_the_way_loses_nothing(van: Van, chunks: dict[str, bytes]):
    total = sum(map(len, chunks.values()))
    with running_link(van.config), ThreadPoolExecutor(WINDOW) as pool:
        fetched = pool.map(van.fetch, chunks)
        assert van.wire.wait_bytes(total // 2, PATIENCE_S)
        van.site.broker.restart()
        assert list(fetched) == list(chunks.values())
    assert van.wire.bytes_to_van <= _bound(chunks, 1, WINDOW)


def until(holds: Callable[[], bool]) -> None:
    """Wait for it, with a bound."""
    end_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end_s
        threading.Event().wait(0.01)


def test_a_kept_file_altered_on_disk_is_fetched_again_past_the_disk(van: Van, chunks: dict[str, bytes]):
    name, content = next(iter(chunks.items()))
    with running_link(van.config):
        assert van.fetch(name) == content
        # Keeping is a thread's work of its own, after the answer.
        until(lambda: [path.stat().st_size for path in van.mirror.iterdir()] == [len(content)])
        (kept,) = van.mirror.iterdir()
        kept.write_bytes(bytes(len(content)))
        # Link does not know; vision sees it by the hash, and asks for what is fresh.
        until(lambda: van.fetch(name) == bytes(len(content)))
        assert van.port.fetch(name, PATIENCE_S, fresh=True) == content
        assert van.fetch(name) == content


def test_dropped_files_are_gone_from_disk_and_stay_gone(van: Van, chunks: dict[str, bytes]):
    names = list(chunks)[:5]
    with running_link(van.config):
        for name in names:
            van.fetch(name)
        dropped = van.port.drop_files("deployments/market/", PATIENCE_S)
        assert dropped is not None
        assert (dropped.files, dropped.bytes) == (5, 5 * wire.FILE_MAX_BYTES)
    assert list(van.mirror.iterdir()) == []
    with running_link(van.config):
        again = van.port.drop_files("deployments/market/", PATIENCE_S)
        assert again is not None
        assert (again.files, again.bytes) == (5, 5 * wire.FILE_MAX_BYTES)
