"""lfr-models calibrate and threshold: tables made, and asked."""

from __future__ import annotations

import argparse
import dataclasses
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge.drivers.litert import LiteRtRuntime
from edge.errors import CalibrationDataInvalid
from edge.formats.calibration import CalibrationCell, CalibrationData, CalibrationTable, TailFit
from edge.formats.pack import Precision
from edge.trust.packs import VerifiedPack, open_pack, open_weights, read_manifest
from models.accuracy import Templates
from models.arguments import add_command, add_runtime, count, pack_folder, runtime_of, show
from models.calibration.answer import answer
from models.calibration.fit import CONFIDENCE, RESAMPLES, CalibrationResult, calibrate
from models.calibration.people import PersonPhotographs, find_people, merge_people, templates_of
from models.calibration.report import alike_text, answer_text, table_text, validation_text
from models.calibration.store import add_tables
from models.calibration.strangers import NonMated, compare_people
from models.calibration.validate import Validation, validate
from models.check import precisions_of
from models.progress import counting_bar

SEED = 1
ALIKE_SHOWN = 8
"""Pairs of people named after a calibration: twins, or one person under two names."""

_CALIBRATE_EPILOG = """\
FOLDER holds one folder of photographs for each person. Whoever is there twice, under two names, ruins the tail of
what strangers score: look at the pairs that are named in the end, and say --same NAME=OTHER for each that is one
person. The manifest then pins the new tables, and its version goes up: orders for the version before do not fit it.

With --validate nothing is written: tables of N of the people, drawn 20 times, are asked for lists that only all of
them can measure, and the thresholds for how many mates reach them.
"""


def add_commands(commands: Any) -> None:
    """Add both sub-commands to argparse's sub-parsers."""
    command = add_command(
        commands, "calibrate", _calibrate, "similarity against FPIR for lists of 100 to 100,000, into the pack"
    )
    command.epilog = _CALIBRATE_EPILOG
    command.formatter_class = argparse.RawDescriptionHelpFormatter
    command.add_argument(
        "--on", type=Path, nargs="+", required=True, metavar="FOLDER", help="people: one folder of pictures for each"
    )
    purpose = command.add_mutually_exclusive_group(required=True)
    purpose.add_argument(
        "--describe", metavar="TEXT", help="what the photographs are, in words, for whoever relies on it"
    )
    purpose.add_argument(
        "--validate", type=_entries, metavar="N", help="write nothing; say how far to believe tables of N people"
    )
    command.add_argument("--synthetic", action="store_true", help="declare that the people are rendered")
    command.add_argument(
        "--same",
        type=_same,
        action="append",
        default=[],
        metavar="NAME=OTHER",
        help="OTHER's photographs are of NAME too",
    )
    command.add_argument(
        "--precision", choices=("int8", "float32"), help="weights to calibrate (default: each that the pack has)"
    )
    command.add_argument("--workers", type=count, default=2, metavar="N", help="photographs at a time (default: 2)")
    add_runtime(command)
    command = add_command(commands, "threshold", _threshold, "the similarity that an FPIR on a list of a size needs")
    command.add_argument("--watchlist", type=_entries, required=True, metavar="N", help="entries on the list")
    command.add_argument("--fpir", type=_share, required=True, metavar="X", help="false alarms for each stranger")
    command.add_argument("--precision", choices=("int8", "float32"), default="int8", help="weights (default: int8)")
    command.add_argument(
        "--backend", default="litert", metavar="NAME", help="runtime, kernels and delegate (default: litert)"
    )


def _calibrate(options: argparse.Namespace) -> int:
    folder = pack_folder(options)
    manifest, _ = read_manifest(folder)
    people = merge_people(find_people(options.on), _renamed(options.same))
    wanted: tuple[Precision, ...] = (options.precision,) if options.precision else precisions_of(manifest)
    if options.validate:
        return _validate(options, [open_weights(folder, precision) for precision in wanted], people)
    tables, texts = [], []
    for precision in wanted:
        table, strangers = _table(options, open_weights(folder, precision), people)
        tables.append(table)
        texts += [table_text(options.name, table), alike_text(strangers.most_alike(ALIKE_SHOWN))]
    add_tables(folder, tables)
    manifest, sha256 = read_manifest(folder)
    fields = {
        "good": True,
        "pack": options.name,
        "version": manifest.version,
        "sha256": sha256,
        "tables": [table.model_dump(mode="json") for table in tables],
    }
    ending = f"{options.name} is now version {manifest.version}, manifest {sha256}"
    show(options, fields, "\n\n".join([*texts, ending]))
    return 0


def _validate(options: argparse.Namespace, packs: Sequence[VerifiedPack], people: Sequence[PersonPhotographs]) -> int:
    runtime = runtime_of(options)
    found: dict[str, Validation] = {}
    for pack in packs:
        templates, _, result = _calibrated(options, pack, runtime, people)
        with counting_bar(f"{options.name} {pack.precision}: tables") as report:
            found[pack.precision] = validate(templates, result, options.validate, SEED, report)
    fields = {"good": True, **{precision: dataclasses.asdict(one) for precision, one in found.items()}}
    texts = (f"{options.name} {precision}: {validation_text(one)}" for precision, one in found.items())
    show(options, fields, "\n\n".join(texts))
    return 0


def _threshold(options: argparse.Namespace) -> int:
    pack = open_pack(pack_folder(options), options.precision)
    found = answer(pack, options.backend, options.watchlist, options.fpir)
    show(options, {"good": True, **dataclasses.asdict(found)}, answer_text(found))
    return 0


def _table(
    options: argparse.Namespace, pack: VerifiedPack, people: Sequence[PersonPhotographs]
) -> tuple[CalibrationTable, NonMated]:
    runtime = runtime_of(options)
    templates, strangers, result = _calibrated(options, pack, runtime, people)
    data = CalibrationData(
        description=options.describe,
        subjects="synthetic" if options.synthetic else "real",
        people=strangers.people,
        templates=int(strangers.probes_of.sum()),
        without_face=len(templates.people) - int(strangers.probes_of.sum()),
        merged=len(options.same),
        comparisons=strangers.comparisons,
    )
    return make_table(pack, runtime, data, result), strangers


def _calibrated(
    options: argparse.Namespace, pack: VerifiedPack, runtime: LiteRtRuntime, people: Sequence[PersonPhotographs]
) -> tuple[Templates, NonMated, CalibrationResult]:
    with counting_bar(f"{options.name} {pack.precision}: photographs") as report:
        templates = templates_of(pack, runtime, people, options.workers, report)
    strangers = compare_people(templates)
    with counting_bar(f"{options.name} {pack.precision}: resamples") as report:
        return templates, strangers, calibrate(strangers, SEED, report)


def make_table(
    pack: VerifiedPack, runtime: LiteRtRuntime, data: CalibrationData, result: CalibrationResult
) -> CalibrationTable:
    """A result in the form that a pack carries."""
    precision, manifest, tail = pack.precision, pack.manifest, result.tail
    return CalibrationTable(
        backend=runtime.backend,
        precision=precision,
        runtime=f"{runtime.name} {runtime.version}",
        machine=platform.machine(),
        detector_sha256=manifest.detector.files[precision].sha256,
        embedder_sha256=manifest.embedder.files[precision].sha256,
        data=data,
        tail=TailFit(
            level=tail.level,
            share_above=tail.share_above,
            scale=tail.scale,
            shape=tail.shape,
            exceedances=result.exceedances,
            gap_max=result.gap_max,
        ),
        confidence=CONFIDENCE,
        resamples=RESAMPLES,
        seed=SEED,
        cells=[CalibrationCell(**dataclasses.asdict(cell)) for cell in result.cells],
    )


def _renamed(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Raises: CalibrationDataInvalid when one name is given to two people."""
    renamed = {other: name for name, other in pairs}
    if len(renamed) != len(pairs) or renamed.keys() & set(renamed.values()):
        raise CalibrationDataInvalid("--same: a name is there twice; give each OTHER once, and no NAME that is one")
    return renamed


def _same(text: str) -> tuple[str, str]:
    name, separator, other = text.partition("=")
    if not (name and separator and other) or name == other:
        raise argparse.ArgumentTypeError(f"{text!r}: need NAME=OTHER")
    return name, other


def _entries(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value}: need 1 or more")
    return value


def _share(text: str) -> float:
    value = float(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text}: need a number between 0 and 1")
    return value
