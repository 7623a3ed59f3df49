"""lfr-models bench: ms for each stage of the face path, int8 and float32, on one thread and more."""

from __future__ import annotations

import argparse
import dataclasses
import platform
from collections.abc import Sequence
from typing import Any

from edge.clock import SystemClock
from edge.drivers.litert import LiteRtRuntime, choose_runtime
from edge.trust.packs import read_manifest
from models.arguments import add_command, add_runtime, count, pack_folder, show
from models.bench.measure import Bench, Spread, StageTime, measure
from models.bench.stages import stage_items
from models.golden.networks import subjects_of
from models.progress import counting_bar
from models.tables import aligned

ROUNDS = 30


def add_commands(commands: Any) -> None:
    """Add the sub-command to argparse's sub-parsers."""
    command = add_command(commands, "bench", _bench, "ms for each stage and number of threads, int8 against float32")
    add_runtime(command, threads=False)
    command.add_argument(
        "--threads", type=count, nargs="+", default=[1, 2], metavar="N", help="numbers of threads (default: 1 2)"
    )
    command.add_argument(
        "--rounds", type=_rounds, default=ROUNDS, metavar="N", help=f"times that each is run, 3 to 1000 ({ROUNDS})"
    )


def _bench(options: argparse.Namespace) -> int:
    folder = pack_folder(options)
    manifest, sha256 = read_manifest(folder)

    def make_runtime(threads: int) -> LiteRtRuntime:
        return choose_runtime(options.runtime, threads, options.delegate)

    items = stage_items(subjects_of(folder, manifest), manifest, make_runtime, options.threads)
    with counting_bar(f"{options.name}: rounds") as report:
        bench = measure(items, options.rounds, SystemClock(), report)
    runtime = make_runtime(1)
    fields = {
        "good": True,
        "pack": manifest.name,
        "version": manifest.version,
        "sha256": sha256,
        "backend": runtime.backend,
        "runtime": f"{runtime.name} {runtime.version}",
        "machine": platform.machine(),
        **dataclasses.asdict(bench),
    }
    head = (
        f"{manifest.name} version {manifest.version} on {runtime.backend} ({fields['runtime']}, {platform.machine()})"
    )
    show(options, fields, f"{head}\n{bench_text(bench)}")
    return 0


def bench_text(bench: Bench) -> str:
    """Medians with their spread, a line for each stage and number of threads."""
    rows = [("STAGE", "OF", "THREADS", "INT8 MS", "FLOAT32 MS", "INT8 / FLOAT32")]
    ratios = {(each.stage, each.of, each.threads): each.ratio for each in bench.ratios}
    for key in dict.fromkeys((each.stage, each.of, each.threads) for each in bench.times):
        stage, of, threads = key
        ratio = f"{ratios[key].median:.2f} ({ratios[key].low:.2f} to {ratios[key].high:.2f})" if key in ratios else ""
        own = [each for each in bench.times if (each.stage, each.of, each.threads) == key]
        rows.append((stage, of, str(threads), _ms(own, "int8"), _ms(own, "float32"), ratio))
    return (
        f"{aligned(rows)}\n"
        f"medians of {bench.rounds} rounds (tenth to ninetieth percentile), int8 and float32 in turn; "
        "align and search know no precision"
    )


def _ms(times: Sequence[StageTime], precision: str) -> str:
    fitting = [each.ms for each in times if each.precision in (precision, None)]
    if not fitting or (times[0].precision is None and precision == "float32"):
        return ""
    return _spread(fitting[0])


def _spread(ms: Spread) -> str:
    return f"{ms.median:.3g} ({ms.low:.3g} to {ms.high:.3g})"


def _rounds(text: str) -> int:
    value = int(text)
    if not 3 <= value <= 1000:
        raise argparse.ArgumentTypeError(f"{value}: need 3 to 1000")
    return value
