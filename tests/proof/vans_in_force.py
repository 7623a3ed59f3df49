"""200 vans on one broker: from an order's publication until all search its list, a change, and all starting at once.

    python -m tests.proof.vans_in_force [--vans 200] [--entries 10000] [--processes 20]

Real: mosquitto with mutual TLS and an ACL, lfr-fleet's commands with `serve` running, and for each van the link half,
the repository, the order, the vault and the list in locked memory. Not there: cameras and networks; and all of it
shares the cores of one machine. Bytes are what each van's own TCP connection received, TLS and MQTT included.
"""

from __future__ import annotations

import multiprocessing.connection
import shutil
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edge.clock import SystemClock
from edge.config import RepositorySettings
from tests.proof.linked_vans import Figures, VanProcess
from tests.proof.outcome import Outcome, forget_peak, memory_mib, new_parser, spread
from tests.proof.stand import PATIENCE_S, Stand, open_files_enough, quick_folder
from tests.proof.trust_van import CameInForce

DEPLOYMENT = "station-1"
CHANGED = 10
ENTRIES_ASKED = 10_000
"""On shorter lists a delta's metadata alone is more than a hundredth."""
QUIET_S = 30.0
CLOCK = SystemClock()


@dataclass(frozen=True)
class Counts:
    """All vans' figures at one moment, and the processor time that they have had."""

    vans: dict[str, Figures] = field(default_factory=dict)
    cpu_s: float = 0.0


class Vans:
    """All vans, in their processes, from one start to one stop."""

    def __init__(self, configs: Sequence[Path], pack: Path, processes: int) -> None:
        shares = [list(configs[number::processes]) for number in range(processes)]
        self._processes = [VanProcess(share, pack) for share in shares if share]
        self._count = len(configs)
        self.idle = Counts(cpu_s=sum(each.connection.recv() for each in self._processes))

    def start(self) -> float:
        """Let them all go; when."""
        began_s = CLOCK.monotonic_s()
        for each in self._processes:
            each.say("go")
        return began_s

    def wait_in_force(self, sequence: int) -> dict[str, CameInForce]:
        """Each van's word that it searches this list; those that said it in time."""
        came: dict[str, CameInForce] = {}
        end_s = CLOCK.monotonic_s() + PATIENCE_S
        open_ends = [each.connection for each in self._processes]
        while len(came) < self._count and (left_s := end_s - CLOCK.monotonic_s()) > 0:
            for each in multiprocessing.connection.wait(open_ends, min(left_s, 1.0)):
                word = each.recv()  # type: ignore[union-attr]
                if word.sequence == sequence:
                    came[word.device] = word
                    if len(came) % 50 == 0:
                        print(f"    {len(came)} of {self._count} vans", flush=True)
        return came

    def figures(self) -> Counts:
        for each in self._processes:
            each.say("figures")
        found: list[Figures] = []
        cpu_s = 0.0
        for each in self._processes:
            while isinstance(word := each.connection.recv(), CameInForce):
                pass
            found += word[0]
            cpu_s += word[1]
        return Counts({each.device: each for each in found}, cpu_s)

    def stop(self) -> None:
        for each in self._processes:
            each.say("stop")
        for each in self._processes:
            each.end()


def main() -> int:
    parser = new_parser(__doc__)
    parser.add_argument("--vans", type=int, default=200)
    parser.add_argument("--entries", type=int, default=10_000)
    parser.add_argument("--processes", type=int, default=20, help="that the vans are spread over")
    parser.add_argument("--pack", choices=("bringup", "street"), default="bringup", help="whose templates' size")
    parser.add_argument("--staleness-s", type=int, default=180, help="life of a timestamp; renewed in a sixth of it")
    options = parser.parse_args()
    settings = {"vans": options.vans, "entries": options.entries, "pack": options.pack, "processes": options.processes}
    outcome = Outcome("vans in force", settings)
    open_files_enough()
    devices = [f"van-{number:03}" for number in range(1, options.vans + 1)]
    with quick_folder() as folder, Stand(folder, devices, options.pack, options.staleness_s) as stand:
        _prove(stand, outcome, options.entries, options.processes)
    return outcome.end(options.json)


def _prove(stand: Stand, outcome: Outcome, entries: int, processes: int) -> None:
    configs = [stand.van_config(device) for device in stand.devices]
    began_s = CLOCK.monotonic_s()
    vans = Vans(configs, stand.pack, processes)
    vans.start()
    stand.wait_enrolled(*stand.devices)
    took_s = CLOCK.monotonic_s() - began_s
    outcome.tell("enrolled", f"{took_s:.1f} s until serve has every van's key stock", enrolled_s=round(took_s, 1))
    _tell_memory(stand, outcome, "broker, vans waiting", "waiting")

    published_s = stand.order(DEPLOYMENT, entries, stand.devices)
    sealed = stand.sealed_bytes(DEPLOYMENT)
    outcome.tell("list", f"{entries:,} entries, {sealed:,} bytes sealed", sealed_bytes=sealed)
    before = vans.figures()
    _tell_in_force(stand, outcome, vans, published_s, 0, before, "order", "publication to in force")
    quiet_from_s, quiet = CLOCK.monotonic_s(), vans.figures()
    _compare_with_status(stand, outcome, f"{DEPLOYMENT} 1.0")
    threading.Event().wait(max(0.0, quiet_from_s + QUIET_S - CLOCK.monotonic_s()))
    _tell_quiet(outcome, quiet, vans.figures(), CLOCK.monotonic_s() - quiet_from_s)

    before = vans.figures()
    published_s = stand.add(DEPLOYMENT, CHANGED)
    most = _tell_in_force(stand, outcome, vans, published_s, 1, before, "delta", f"delta of {CHANGED} to in force")
    if entries >= ENTRIES_ASKED:
        what = f"a delta costs a van at most 1 % of the list's bytes ({most:,} of {sealed:,})"
        outcome.hold(most <= 0.01 * sealed, what)
    _compare_with_status(stand, outcome, "1.1")
    vans.stop()
    for jitter_s in (RepositorySettings().start_jitter_s, 0.0):
        _start_all(stand, outcome, processes, jitter_s)


def _start_all(stand: Stand, outcome: Outcome, processes: int, jitter_s: float) -> None:
    """As when power comes back to a whole depot, and no link has kept anything."""
    name = f"start_jitter_{jitter_s:.0f}"
    for device in stand.devices:
        shutil.rmtree(stand.folder / device / "state" / "link")
    configs = [stand.van_config(device, start_jitter_s=jitter_s) for device in stand.devices]
    vans = Vans(configs, stand.pack, processes)
    forget_peak(stand.broker.pid)
    began_s = vans.start()
    what = f"all start at once, disks empty, jitter {jitter_s:.0f} s"
    _tell_in_force(stand, outcome, vans, began_s, 1, vans.idle, name, what)
    vans.stop()


def _tell_in_force(
    stand: Stand, outcome: Outcome, vans: Vans, since_s: float, sequence: int, before: Counts, name: str, what: str
) -> int:
    """Wait for all, and tell seconds, bytes and the broker's memory; the most bytes that a van received."""
    came = vans.wait_in_force(sequence)
    after = vans.figures()
    missing = sorted(set(stand.devices) - set(came))
    outcome.hold(not missing, f"{what}: all vans; missing {len(missing)}, first: {_why(missing, after)}")
    seconds = spread([word.at_s - since_s for word in came.values()] or [0.0])
    words = f"{len(came)} vans in {seconds['min']} to {seconds['max']} s, median {seconds['median']} s"
    outcome.tell(what, words, **{f"{name}_vans": len(came), f"{name}_s": seconds})
    pairs = [(before.vans.get(device), each) for device, each in after.vans.items()]
    received = spread([_more(*pair) for pair in pairs])
    files = spread([now.files - (then.files if then else 0) for then, now in pairs])
    heard = max(now.timestamps_heard - (then.timestamps_heard if then else 0) for then, now in pairs)
    cpu_ms = round((after.cpu_s - before.cpu_s) / len(pairs) * 1000)
    words = (
        f"{received['min']:,.0f} to {received['max']:,.0f} bytes, {files['median']:.0f} files, {heard} new timestamps"
    )
    more = {f"{name}_bytes": received, f"{name}_files": files, f"{name}_timestamps": heard, f"{name}_cpu_ms": cpu_ms}
    outcome.tell("  each van received", f"{words}; it took {cpu_ms} ms of processor time", **more)
    _tell_memory(stand, outcome, "  broker", name)
    dropped = sum(each.dropped for each in after.vans.values())
    outcome.hold(dropped == 0, f"{what}: no link dropped a message ({dropped})")
    return int(received["max"])


def _more(before: Figures | None, after: Figures) -> int:
    """Bytes since then; all of the present connection's where it is another."""
    return after.received - (before.received if before is not None and before.session == after.session else 0)


def _why(missing: list[str], after: Counts) -> str:
    return f"{missing[0]}: {after.vans[missing[0]].error or 'nothing said'}" if missing else "none"


def _tell_quiet(outcome: Outcome, before: Counts, after: Counts, lasted_s: float) -> None:
    pairs = [(each, after.vans[device]) for device, each in before.vans.items()]
    heard = max(now.timestamps_heard - then.timestamps_heard for then, now in pairs)
    rate = spread([_more(*pair) / lasted_s for pair in pairs])
    cpu_ms = round((after.cpu_s - before.cpu_s) / len(pairs) / lasted_s * 1000, 1)
    words = f"{rate['median']:.0f} bytes a second and van over {lasted_s:.0f} s, {heard} new timestamps among them; "
    words += f"{cpu_ms} ms of processor time a second"
    outcome.tell(
        "in force, nothing new", words, quiet_bytes_per_s=rate, quiet_timestamps=heard, quiet_cpu_ms_per_s=cpu_ms
    )


def _tell_memory(stand: Stand, outcome: Outcome, what: str, name: str) -> None:
    memory = memory_mib(stand.broker.pid)
    words = f"{memory['now']:.0f} MiB resident, {memory['peak']:.0f} at its peak"
    outcome.tell(what, words, **{f"{name}_broker_mib": memory})


def _compare_with_status(stand: Stand, outcome: Outcome, wanted: str) -> None:
    """The fleet's own view agrees, by the vans' signed heartbeats."""
    wanted = wanted.rpartition(" ")[2]
    end_s = CLOCK.monotonic_s() + 30
    count = 0
    while count < len(stand.devices) and CLOCK.monotonic_s() < end_s:
        count = sum(each["watchlist"] == wanted for each in stand.status()["vans"])
    outcome.hold(count == len(stand.devices), f"lfr-fleet status shows list {wanted} at every van ({count})")


if __name__ == "__main__":
    sys.exit(main())
