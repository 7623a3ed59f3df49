"""How fast a list reaches vision through link, beside a bare client that receives the same messages. By hand.

    .venv/bin/python tests/bench/fetch_rate.py --chunks 88 --rounds 3

A real mosquitto with mutual TLS, link as a process of its own with its disk, vision's real end of the pipe with 16
fetches on their way.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "hw-sim")]

from edge import wire  # noqa: E402
from edge.formats.names import chunk_name  # noqa: E402
from edge.formats.topics import repo_topic  # noqa: E402
from edge.vision.link_port import LinkPort  # noqa: E402
from tests.link.peers import Peer, publish_files  # noqa: E402
from tests.link.rig import (  # noqa: E402
    DEVICE,
    FLEET,
    OTHER_DEVICE,
    LinkProcess,
    Site,
    build_site,
    write_config,
)

IN_FLIGHT = 16
FETCH_TIMEOUT_S = 60.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chunks", type=int, default=88)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    draw = random.Random(1)
    chunks = {chunk_name("market", 1, each): draw.randbytes(wire.FILE_MAX_BYTES) for each in range(options.chunks)}
    with tempfile.TemporaryDirectory() as text:
        site = build_site(Path(text))
        with site.broker:
            publish_files(site, chunks)
            for number in range(options.rounds):
                bare_s = _bare(site, chunks)
                through_s, from_disk_s = _through_link(site, chunks, Path(text) / f"van-{number}")
                print(
                    f"bare {len(chunks) / bare_s:.0f}/s, through link {len(chunks) / through_s:.0f}/s "
                    f"({bare_s / through_s:.2f} of it), from link's disk {len(chunks) / from_disk_s:.0f}/s"
                )


def _bare(site: Site, chunks: dict[str, bytes]) -> float:
    peer = Peer(site, site.certificate(OTHER_DEVICE))
    began_s = time.perf_counter()
    for name in chunks:
        peer.ask(repo_topic(FLEET, name))
    peer.heard.wait(lambda items: len(items) == len(chunks))
    took_s = time.perf_counter() - began_s
    peer.close()
    return took_s


def _through_link(site: Site, chunks: dict[str, bytes], folder: Path) -> tuple[float, float]:
    config = write_config(site, folder, site.certificate(DEVICE), drain_s=0)
    settings = yaml.safe_load(config.read_text())
    settings["repository"]["rate_bytes_per_s"] = 1_000_000_000
    config.write_text(yaml.safe_dump(settings))
    listener = wire.listen(folder / "run" / "pipe.sock")
    port = LinkPort(listener, (os.getuid(),), lambda event_id: None)
    port.start()
    link = LinkProcess(config)
    first = next(iter(chunks))
    port.fetch(first, FETCH_TIMEOUT_S)  # link and its connection are there
    port.drop_files("deployments/", FETCH_TIMEOUT_S)
    took_s = []
    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        for _ in range(2):
            began_s = time.perf_counter()
            fetched = list(pool.map(lambda name: port.fetch(name, FETCH_TIMEOUT_S, fresh=False), chunks))
            took_s.append(time.perf_counter() - began_s)
            assert fetched == list(chunks.values())
    port.stop()
    listener.close()
    link.terminate()
    return took_s[0], took_s[1]


if __name__ == "__main__":
    main()
