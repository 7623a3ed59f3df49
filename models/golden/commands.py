"""lfr-models verify and goldens: a pack's networks on every runtime, kernel path and delegate there is."""

from __future__ import annotations

import argparse
import dataclasses
import itertools
from functools import partial
from pathlib import Path
from typing import Any

from edge.clock import SystemClock
from edge.drivers.litert import Kernels, LiteRtRuntime, choose_runtime
from edge.errors import RuntimeUnavailable
from edge.trust.packs import read_manifest
from models.arguments import add_command, pack_folder, show
from models.check import check_pack
from models.companions import write_companion
from models.golden.elsewhere import BESIDE_US, run_network_elsewhere
from models.golden.make import GOLDENS_NAME, goldens_bytes, make_goldens, read_goldens
from models.golden.networks import GoldenSubject, subjects_of
from models.golden.outputs import NetworkOutputs, run_network
from models.golden.report import verify_text
from models.golden.verify import Run, verify_network
from models.progress import counting_bar
from models.tables import report_text

EXIT_BEYOND_TOLERANCE = 1

_KERNELS: tuple[Kernels, ...] = ("reference", "builtin", "fast")

_VERIFY_EPILOG = """\
Drawn faces of nobody are run through each network: by the reference kernels, the runtime's own and its fast ones, by
tflite-runtime in its environment where there is one, and by a delegate where one is given. Beyond tolerance (exit code
1): int8, 1 in 100 values of an output further than 32 steps from the reference kernels', a template's cosine below
.98, a golden face lost or a landmark moved by 8 % of its width; float32, 0.001, .9999, 0.1 %. Against the
pack's goldens, which reference kernels made, reference kernels may be off by one step.
"""


def add_commands(commands: Any) -> None:
    """Add both sub-commands to argparse's sub-parsers."""
    command = add_command(
        commands, "verify", _verify, "check every hash and shape, and compare every runtime, kernel path and delegate"
    )
    command.epilog = _VERIFY_EPILOG
    command.formatter_class = argparse.RawDescriptionHelpFormatter
    command.add_argument("--delegate", metavar="LIBRARY", help="an accelerator's delegate, to be compared too")
    command.add_argument(
        "--also",
        type=Path,
        action="append",
        metavar="PYTHON",
        help="another environment's Python, whose runtime is compared too (default: tflite-runtime's beside this "
        "software, where it is there)",
    )
    add_command(commands, "goldens", _goldens, "make a pack's goldens with the reference kernels, into the pack")


def _verify(options: argparse.Namespace) -> int:
    folder = pack_folder(options)
    checked = check_pack(folder, choose_runtime("auto", 1), SystemClock())
    manifest, _ = read_manifest(folder)
    goldens = read_goldens(folder, manifest)
    subjects = subjects_of(folder, manifest)
    runs = _runs(options)
    reports = []
    done = itertools.count(1)
    with counting_bar(f"{options.name}: networks on backends") as report:
        for subject in subjects:
            reports.append(
                verify_network(subject, goldens, runs, lambda: report(next(done), len(subjects) * len(runs)))
            )
    good = all(network.good for network in reports)
    fields = {
        **dataclasses.asdict(checked),
        "good": good,
        "goldens": None if goldens is None else goldens.made_with,
        "networks": [{**dataclasses.asdict(network), "good": network.good} for network in reports],
    }
    word = "every backend is within tolerance" if good else "BEYOND TOLERANCE: see above"
    show(options, fields, f"{report_text(checked)}\n\n{verify_text(reports)}\n\n{options.name}: {word}")
    return 0 if good else EXIT_BEYOND_TOLERANCE


def _goldens(options: argparse.Namespace) -> int:
    folder = pack_folder(options)
    manifest, _ = read_manifest(folder)
    subjects = subjects_of(folder, manifest)
    with counting_bar(f"{options.name}: networks") as report:
        goldens = make_goldens(subjects, choose_runtime("auto", 1, kernels="reference"), report)
    name = GOLDENS_NAME if manifest.goldens is None else manifest.goldens.name
    write_companion(folder, "goldens", name, goldens_bytes(goldens))
    manifest, sha256 = read_manifest(folder)
    read_goldens(folder, manifest)
    fields = {
        "good": True,
        "pack": options.name,
        "version": manifest.version,
        "sha256": sha256,
        "networks": len(subjects),
    }
    text = f"{options.name} is now version {manifest.version}, manifest {sha256}: goldens of {len(subjects)} networks"
    show(options, fields, text)
    return 0


def _runs(options: argparse.Namespace) -> list[Run]:
    """The backends to compare, reference kernels first. Raises: RuntimeUnavailable, DelegateUnavailable."""
    runs: list[Run] = [partial(_here, choose_runtime("auto", 1, kernels=kernels)) for kernels in _KERNELS]
    if options.delegate is not None:
        runs.append(partial(_here, choose_runtime("auto", 1, options.delegate)))
    elsewhere = options.also if options.also is not None else [BESIDE_US] if BESIDE_US.is_file() else []
    for python in elsewhere:
        if not python.is_file():
            raise RuntimeUnavailable(f"{python}: no such file; --also needs the Python of an environment")
        runs += [partial(_elsewhere, python, kernels) for kernels in _KERNELS]
    return runs


def _here(runtime: LiteRtRuntime, subject: GoldenSubject) -> NetworkOutputs:
    return run_network(runtime, subject.content, subject.file.name, subject.inputs)


def _elsewhere(python: Path, kernels: Kernels, subject: GoldenSubject) -> NetworkOutputs:
    return run_network_elsewhere(python, "auto", kernels, subject.content, subject.inputs)
