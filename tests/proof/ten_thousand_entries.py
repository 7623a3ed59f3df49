"""10,000 entries to one van over mosquitto: push to in force, with the link killed on the way; a change; a large fold.

    python -m tests.proof.ten_thousand_entries [--entries 10000] [--packs bringup street] [--fold 100000]

Real: mosquitto with mutual TLS, lfr-fleet's commands with `serve` running, the link half as a process of its own with
its disk, and the van's trust and list. Bytes are counted on the wire between van and broker, TLS included; how often
the broker sent each file is counted in its own log. The templates are random.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from edge.clock import SystemClock
from edge.config import load_settings
from edge.errors import RepositoryFileMissing
from edge.formats.names import chunk_name
from edge.link.mirror import REQUESTS_MAX
from tests.link.counting import CountingWire
from tests.link.rig import LinkProcess
from tests.proof.broker_log import Sending, sendings, sent_again
from tests.proof.outcome import Outcome, new_parser
from tests.proof.stand import PATIENCE_S, ROOT, Stand, open_files_enough, until
from tests.proof.trust_van import CameInForce, TrustVan
from tests.provisioning.fleet_rig import FLEET

KILLS_AT = (0.3, 0.7)
CHANGED = 10
SHARE_MAX = 0.01
ENTRIES_ASKED = 10_000
CLOCK = SystemClock()


class Van:
    """A van without eyes, its link as a process, and a counted wire to the broker."""

    def __init__(self, stand: Stand, device: str) -> None:
        self.device = device
        self.wire = CountingWire(stand.broker.port)
        self._config = stand.van_config(device, self.wire.port)
        self.came: list[CameInForce] = []
        self.trust = TrustVan(load_settings(self._config), stand.pack, self.came.append)
        self.trust.start()
        self.link = LinkProcess(self._config)
        stand.wait_enrolled(device)

    def kill_link(self) -> None:
        """With signal 9, and start it again at once, as systemd does."""
        self.link.kill()
        self.link = LinkProcess(self._config)

    def kill_link_at(self, more_bytes: int) -> bool:
        """When so many bytes more have come over the wire; whether they came in time."""
        if not self.wire.wait_bytes(self.wire.bytes_to_van + more_bytes, PATIENCE_S):
            return False
        self.kill_link()
        return True

    def in_force(self, sequence: int, since_s: float) -> float:
        """Seconds until this list was in force."""
        until(lambda: any(each.sequence == sequence for each in self.came), f"{self.device}: list {sequence} in force")
        return next(each.at_s for each in self.came if each.sequence == sequence) - since_s

    def fetch(self, name: str) -> bytes:
        while True:
            try:
                return self.trust.port.fetch(name, PATIENCE_S, fresh=False)
            except RepositoryFileMissing:
                continue

    def close(self) -> None:
        self.trust.stop()
        self.link.terminate()
        self.wire.close()


def main() -> int:
    parser = new_parser(__doc__)
    parser.add_argument("--entries", type=int, default=ENTRIES_ASKED)
    parser.add_argument("--packs", nargs="+", choices=("bringup", "street"), default=["bringup", "street"])
    parser.add_argument("--fold", type=int, default=100_000, help="entries of the large list that is folded")
    options = parser.parse_args()
    settings = {"entries": options.entries, "packs": "+".join(options.packs), "fold": options.fold}
    outcome = Outcome("ten thousand entries", settings)
    open_files_enough()
    for pack in options.packs:
        with tempfile.TemporaryDirectory(prefix="proof-") as text:
            log = Path(text) / "broker.log"
            with Stand(Path(text), ("van-1", "van-2"), pack, 900, log) as stand:
                _prove(stand, log, outcome, pack, options.entries)
    _fold(outcome, options.fold)
    return outcome.end(options.json)


def _prove(stand: Stand, log: Path, outcome: Outcome, pack: str, entries: int) -> None:
    van = Van(stand, "van-1")
    published_s = stand.order("quiet-1", entries, ["van-1"])
    took_s, sealed = van.in_force(0, published_s), stand.sealed_bytes("quiet-1")
    words = f"{entries:,} entries, {sealed:,} bytes sealed: in force {took_s:.1f} s after publication"
    outcome.tell(pack, words, **{f"{pack}_sealed_bytes": sealed, f"{pack}_in_force_s": round(took_s, 2)})
    for name, change, sequence in (("on", stand.add, 1), ("off", stand.remove, 2)):
        before = van.wire.bytes_to_van
        took_s = van.in_force(sequence, change("quiet-1", CHANGED))
        threading.Event().wait(1.0)  # what link acknowledges, and unsubscribes from, after the list is in force
        _tell_delta(outcome, f"{pack}_delta_{name}", took_s, van.wire.bytes_to_van - before, sealed, entries)
    van.close()

    van = Van(stand, "van-2")
    killing = threading.Thread(target=_kill_twice, args=(van, sealed))
    killing.start()
    took_s = van.in_force(0, stand.order("killed-1", entries, ["van-2"]))
    killing.join()
    words = f"in force {took_s:.1f} s after publication"
    outcome.tell("  link killed twice on the way", words, **{f"{pack}_killed_s": round(took_s, 2)})
    found = sendings(log, FLEET, "van-2")
    _tell_again(outcome, f"{pack}_1", found, "killed-1", in_flight=1)

    names = _chunk_names(stand, "killed-1")
    assert van.trust.port.drop_files("deployments/killed-1/", PATIENCE_S) is not None
    killing = threading.Thread(target=_kill_twice, args=(van, sealed))
    killing.start()
    with ThreadPoolExecutor(REQUESTS_MAX) as pool:
        assert all(pool.map(van.fetch, names))
    killing.join()
    found = sendings(log, FLEET, "van-2")[len(found) :]
    _tell_again(outcome, f"{pack}_{REQUESTS_MAX}", found, "killed-1", in_flight=REQUESTS_MAX)
    van.close()


def _tell_delta(outcome: Outcome, name: str, took_s: float, more: int, sealed: int, entries: int) -> None:
    """What came over the wire for one change, everything included."""
    words = f"in force {took_s:.1f} s after publication; {more:,} bytes over the wire, {more / sealed:.2%} of the list"
    figures = {f"{name}_s": round(took_s, 2), f"{name}_bytes": more}
    outcome.tell(f"  {CHANGED} entries {name.rpartition('_')[2]}", words, **figures)
    if entries >= ENTRIES_ASKED:
        outcome.hold(more <= SHARE_MAX * sealed, f"{name}: {CHANGED} entries cost at most {SHARE_MAX:.0%} of the list")


def _kill_twice(van: Van, sealed: int) -> None:
    before = 0.0
    for part in KILLS_AT:
        van.kill_link_at(int((part - before) * sealed))
        before = part


def _chunk_names(stand: Stand, deployment: str) -> list[str]:
    folder = stand.authority / "repo" / "deployments" / deployment / "1"
    return [chunk_name(deployment, 1, index) for index in range(len(list(folder.glob("chunk-*"))))]


def _tell_again(outcome: Outcome, name: str, found: list[Sending], deployment: str, in_flight: int) -> None:
    """Of the list's files: which the broker sent again, and whether each had been on its way at a kill."""
    below = f"deployments/{deployment}/"
    files = [each for each in found if each.name.startswith(below)]
    again = sent_again(found, below)
    in_vain = Counter(each.session for name in again.values() for each in name[:-1])
    sessions = sorted({each.session for each in files})
    at_kills = [in_vain[session] for session in sessions[:-1]]
    answered = sum(each.answered for name in again.values() for each in name[:-1])
    words = f"{len({each.name for each in files})} files in {len(files)} sendings; sent again: "
    words += f"{' and '.join(map(str, at_kills))} that were on their way at a kill, {answered} of them acknowledged"
    figures = {
        f"{name}_files": len(files) - sum(at_kills),
        f"{name}_again": {key: len(each) for key, each in again.items()},
    }
    outcome.tell(f"  {in_flight} in flight, link killed twice", words, **figures)
    outcome.hold(len(sessions) == 1 + len(KILLS_AT), f"{name}: the link was killed {len(KILLS_AT)} times on the way")
    what = f"{name}: nothing is fetched twice beyond the {in_flight} in flight at each kill"
    outcome.hold(in_vain[sessions[-1]] == 0 and all(count <= in_flight for count in at_kills), what)


def _fold(outcome: Outcome, entries: int) -> None:
    """The bench of the fold, each part in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="proof-") as folder:
        for part in (["write", folder, str(entries)], ["fold", folder, "json"]):
            words = [sys.executable, "-m", "tests.bench.watchlist_fold", *part]
            said = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    fold = json.loads(said)
    words = f"{fold['took_s']} s; memory grows by {fold['grown_mib']} MiB to {fold['peak_mib']} MiB at the peak"
    outcome.tell(f"fold of {entries:,} entries of {fold['dimension']} numbers", words, fold=fold)


if __name__ == "__main__":
    sys.exit(main())
