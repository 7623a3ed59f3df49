"""What a refresh of the repository costs a van in time and bytes, with nothing new and with a delta. By hand.

    .venv/bin/python tests/bench/repository_refresh.py --deployments 20

The fleet's files come out of memory: no broker's round trips (docs/decisions/tuf-without-http.md), but every signature,
every file on disk, every fsync.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from edge.trust.repository import View  # noqa: E402
from tests.fake_clock import FakeClock  # noqa: E402
from tests.made_repository import MadeFleet  # noqa: E402
from tests.repository_van import STATION, Van  # noqa: E402

ITEM = b'{"item":"%d"}' + b" " * 900


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deployments", type=int, default=20, help="that run beside the one that is read")
    parser.add_argument("--deltas", type=int, default=30)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), chosen.deployments, chosen.deltas)


def measure(folder: Path, deployments: int, deltas: int) -> None:
    clock = FakeClock()
    fleet = MadeFleet(folder / "fleet", clock)
    for index in range(deployments):
        fleet.publish_order(fleet.order_bytes(f"site-{index:03d}"))
    fleet.publish_order()
    van = Van(folder / "van", fleet)

    def read() -> None:
        view = van.repository.refresh()
        view.order(STATION)
        view.close(STATION)

    show("first, with order and log", [cost(van, van.act)])
    show("nothing new", [cost(van, read) for _ in range(50)])
    rows = []
    for _ in range(20):
        clock.advance(60)
        fleet.repository.refresh_timestamp(fleet.online)
        rows.append(cost(van, read))
    show("a new timestamp", rows)
    rows = []
    for sequence in range(1, deltas + 1):
        fleet.repository.add_log_item(STATION, sequence, ITEM % sequence, fleet.online)
        rows.append(cost(van, lambda after=sequence - 1: follow(van.repository.refresh(), after)))
    show("the first delta", rows[:1])
    show(f"{deltas} deltas, the last of them", rows[-1:])
    show("deltas, median", rows)
    show("kept, verified again", [cost(van, van.repository.kept) for _ in range(20)])


def follow(view: View, after: int) -> None:
    view.order(STATION)
    assert len(view.log(STATION, after)) == 1


def cost(van: Van, act: Callable[[], object]) -> tuple[float, int]:
    """Milliseconds, and bytes of messages asked for."""
    van.courier.refill()
    before = van.courier.bytes_given
    started = time.perf_counter()
    act()
    return (time.perf_counter() - started) * 1e3, van.courier.bytes_given - before


def show(what: str, rows: list[tuple[float, int]]) -> None:
    taken_ms = statistics.median(row[0] for row in rows)
    print(f"{what:32} {taken_ms:7.1f} ms {statistics.median(row[1] for row in rows):8.0f} B")


if __name__ == "__main__":
    main()
