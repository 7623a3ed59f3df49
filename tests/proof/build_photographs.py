"""10,000 photographs through `lfr-fleet watchlist build`: how fast, on how many cores; killed on the way and resumed.

    python -m tests.proof.build_photographs [--photographs 10000] [--seed N] [--faces FOLDER] [--models FOLDER]

Built twice with the same command: once undisturbed, once killed with signal 9 at a random moment of the middle third
and started again. What each run examined is written down photograph by photograph, before it is begun. Both results
are compared to the byte, entry ids apart, which are drawn anew for every list.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from provisioning.built_list import read_built
from provisioning.built_people import PEOPLE_NAME, read_people
from provisioning.cli import main as lfr_fleet
from provisioning.examination import _IN_FLIGHT
from provisioning.examine import Examiner, Finding
from tests.proof.augmented import Made, make_photographs, originals_of
from tests.proof.outcome import Outcome, memory_mib, new_parser
from tests.proof.stand import ROOT
from tests.real_pack import built_street_pack

FACES, MODELS = ROOT.parent / "shared" / "faces" / "lfw" / "images", ROOT.parent / "shared" / "models"
EXAMINED = "LFR_PROOF_EXAMINED"
"""Names the file that a build's process writes down in what it examines."""


@dataclass(frozen=True)
class Run:
    """One process of a build. code: its exit code, negative by a signal. peak_mib: 0 where it was killed."""

    code: int
    took_s: float
    cpu_s: float
    peak_mib: float
    examined: tuple[str, ...]
    said: str


class Build:
    """The command, its folder, and what it examines."""

    def __init__(self, made: Made, pack: Path, out: Path, workers: int) -> None:
        self.out, self._examined = out, out.with_suffix(".examined")
        self._words = (
            *("watchlist", "build", str(made.folder), "--entries", str(made.table), "--pack", str(pack)),
            *("--out", str(out), "--skip-refused", "--workers", str(workers)),
        )

    def run(self, kill_after: int | None = None) -> Run:
        """To its end, or killed once so many photographs are begun."""
        self._examined.write_bytes(b"")
        began_s = time.monotonic()
        with tempfile.TemporaryFile("w+") as said:
            words = [sys.executable, "-m", "tests.proof.build_photographs", "--as-build", *self._words]
            process = subprocess.Popen(
                words, cwd=ROOT, env={**os.environ, EXAMINED: str(self._examined)}, stdout=said, stderr=said
            )
            if kill_after is not None:
                while process.poll() is None and len(self._lines()) < kill_after:
                    threading.Event().wait(0.05)
                process.send_signal(signal.SIGKILL)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            said.seek(0)
            took_s, cpu_s = time.monotonic() - began_s, usage.ru_utime + usage.ru_stime
            return Run(process.returncode, took_s, cpu_s, self._peak_mib(), tuple(self._lines()), said.read())

    def _lines(self) -> list[str]:
        return self._examined.read_text().split()

    def _peak_mib(self) -> float:
        path = Path(f"{self._examined}.peak")
        return float(path.read_text()) if path.exists() else 0.0


def as_build(words: list[str]) -> int:
    """The command itself, which writes down each photograph before it is examined."""
    file = os.open(os.environ[EXAMINED], os.O_WRONLY | os.O_APPEND)
    examine = Examiner.examine

    def noted(self: Examiner, data: bytes) -> Finding:
        os.write(file, hashlib.sha256(data).hexdigest().encode() + b"\n")
        return examine(self, data)

    Examiner.examine = noted  # type: ignore[method-assign]
    code = lfr_fleet(words)
    # Its own: getrusage(2) would begin with the peak of whoever started it.
    Path(f"{os.environ[EXAMINED]}.peak").write_text(str(memory_mib(os.getpid())["peak"]))
    return code


def main() -> int:
    if sys.argv[1:2] == ["--as-build"]:
        return as_build(sys.argv[2:])
    parser = new_parser(__doc__)
    parser.add_argument("--photographs", type=int, default=10_000)
    parser.add_argument("--faces", type=Path, default=FACES, help="a folder for each person (default: %(default)s)")
    parser.add_argument("--models", type=Path, default=MODELS, help="of which the street pack is built (%(default)s)")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--seed", type=int, default=random.randrange(2**32), help="of the moment of the kill")
    options = parser.parse_args()
    for folder in (options.faces, options.models):
        if not folder.is_dir():
            print(
                f"build_photographs: not run: {folder} is not there; it needs photographs of people and a pack for them"
            )
            return 0
    settings = {"photographs": options.photographs, "workers": options.workers, "seed": options.seed}
    outcome = Outcome("build of photographs", settings)
    pack = built_street_pack(options.models)
    with tempfile.TemporaryDirectory(prefix="proof-") as text:
        originals = originals_of(options.faces)
        made = make_photographs(originals, Path(text), options.photographs)
        people = len(set(made.person.values()))
        words = (
            f"{len(made.person):,} of {people:,} people, varied from {min(len(originals), len(made.person)):,} pictures"
        )
        outcome.tell("photographs", words, people=people)
        _prove(outcome, made, pack, Path(text), options)
    return outcome.end(options.json)


def _prove(outcome: Outcome, made: Made, pack: Path, folder: Path, options: argparse.Namespace) -> None:
    total = len(made.person)
    undisturbed = Build(made, pack, folder / "undisturbed", options.workers)
    whole = undisturbed.run()
    if whole.code != 0:
        raise SystemExit(f"lfr-fleet watchlist build ended with {whole.code}:\n{whole.said[-2000:]}")
    words = f"{whole.took_s:.0f} s, {total / whole.took_s:.1f} photographs a second; {whole.cpu_s / whole.took_s:.2f} "
    words += f"cores in use, {whole.cpu_s / total * 1000:.0f} ms of processor time each; peak {whole.peak_mib:.0f} MiB"
    figures = {"took_s": round(whole.took_s, 1), "per_s": round(total / whole.took_s, 2)}
    figures |= {"cores": round(whole.cpu_s / whole.took_s, 2), "peak_mib": round(whole.peak_mib, 1)}
    outcome.tell("undisturbed", words, cpu_ms_each=round(whole.cpu_s / total * 1000, 1), **figures)
    _tell_report(outcome, undisturbed.out, made)

    killed_at = random.Random(options.seed).randint(total // 3, 2 * total // 3)
    disturbed = Build(made, pack, folder / "killed", options.workers)
    first = disturbed.run(kill_after=killed_at)
    second = disturbed.run()
    outcome.hold(first.code == -signal.SIGKILL, f"the first run was killed on the way ({first.code})")
    outcome.hold(second.code == 0, f"the same command went on to the end ({second.code}: {second.said[-300:]})")
    counts = Counter((*first.examined, *second.examined))
    twice = sum(count > 1 for count in counts.values())
    in_flight = _IN_FLIGHT * options.workers
    words = (
        f"by signal 9 with {len(first.examined):,} begun; then {len(second.examined):,} more in {second.took_s:.0f} s; "
    )
    words += f"{twice} examined twice, at most {in_flight} are under way at a time"
    outcome.tell("killed once", words, killed_at=len(first.examined), twice=twice, in_flight=in_flight)
    outcome.hold(twice <= in_flight and max(counts.values()) <= 2, "nothing is done twice beyond the work in flight")
    outcome.hold(len(counts) == len(set(whole.examined)), "every photograph was examined")
    different = _differences(undisturbed.out, disturbed.out) if second.code == 0 else ["all of it"]
    outcome.tell("results", "equal to the byte, entry ids apart" if not different else ", ".join(different))
    outcome.hold(not different, f"killed or not, the result is the same; different: {', '.join(different)}")


def _tell_report(outcome: Outcome, out: Path, made: Made) -> None:
    """What became of the photographs, and whether those shown as one person are one."""
    report = json.loads((out / "report.json").read_bytes())
    counts = report["photographs_by_outcome"]
    words = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in counts.items())
    outcome.tell("report", f"{report['entries']:,} entries; {words}", entries=report["entries"], outcomes=counts)
    pairs = {
        tuple(sorted((line["reference"], other["reference"])))
        for line in report["photographs"]
        for other in line["alike"]
    }  # fmt: skip
    same = sum(made.person[one] == made.person[other] for one, other in pairs)
    on_list = Counter(made.person[line["reference"]] for line in report["photographs"] if line["enrolled"])
    possible = sum(count * (count - 1) // 2 for count in on_list.values())
    words = f"{len(pairs):,} pairs from a similarity of {report['duplicate_from_similarity']:.3f} on: {same:,} of the "
    words += f"{possible:,} of one person that are there, {len(pairs) - same:,} of two people"
    outcome.tell("shown as one person", words, pairs=len(pairs), pairs_same=same, pairs_possible=possible)


def _differences(one: Path, other: Path) -> list[str]:
    """Files and fields in which two builds differ, but for what is drawn anew for every list."""
    names = [sorted(path.name for path in folder.iterdir()) for folder in (one, other)]
    different = [] if names[0] == names[1] else ["the files there are"]
    drawn = ("entries.bin", PEOPLE_NAME)
    for name in names[0]:
        if name not in drawn and name in names[1] and (one / name).read_bytes() != (other / name).read_bytes():
            different.append(name)
    first, second = read_built(one), read_built(other)
    same = first.vectors.tobytes() == second.vectors.tobytes() and first.categories == second.categories
    if not same or first.responses != second.responses or first.pack_sha256 != second.pack_sha256:
        different.append("entries.bin")
    people = [[each.model_copy(update={"entry_id": ""}) for each in read_people(folder)] for folder in (one, other)]
    if people[0] != people[1]:
        different.append(PEOPLE_NAME)
    return different


if __name__ == "__main__":
    sys.exit(main())
