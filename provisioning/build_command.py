"""`lfr-fleet watchlist build`: photographs and a table of entries become a list, a report and a contact sheet."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import cv2

from edge.clock import Clock, SystemClock
from edge.devices import Runtime
from edge.drivers.litert import choose_runtime
from edge.errors import EntriesInvalid, FolderInUse, LfrError
from edge.formats.pack import Precision, Subjects
from edge.trust.packs import VerifiedPack, check_subjects, open_pack
from edge.vision.enrol import FacePath
from provisioning.assembly import Built, assemble
from provisioning.build import write_outputs
from provisioning.build_folder import held_folder
from provisioning.build_progress import ProgressLine
from provisioning.contact_sheet import page_name, write_contact_sheet
from provisioning.entries import TABLE_MAX_BYTES, RefusedRow, read_entries
from provisioning.errors import BuildIncomplete
from provisioning.examination import examine_all, work_context
from provisioning.photograph_report import counts_of, write_report
from provisioning.photographs import PhotographFolder, find_rows
from provisioning.policy_profiles import profile
from provisioning.work_file import WorkFile

BUILT, FAILED, UNUSABLE, INCOMPLETE, INTERRUPTED = 0, 1, 2, 3, 130
ROWS_SAID = 20

DESCRIPTION = """\
Make a watchlist from PHOTOGRAPHS and a table of entries, with the detector, quality gate and embedder of the van.

The table is CSV in UTF-8 with the columns reference, photograph, category, response, lawful_basis, image_source,
image_taken (YYYY-MM-DD), reason, under_18 (yes or no), under_18_rationale, and name where one is wanted. photograph
is a file or a folder below PHOTOGRAPHS; empty, it is what is called as the reference is. A row that lacks something
is refused with all its mistakes; then nothing is built, unless --skip-refused leaves such rows out.

A build that was stopped goes on where it was with the same command: no photograph is looked at twice.
"""
EPILOG = """\
exit codes:
  0    built
  1    failed: disk full, models that do not load
  2    a folder, the table or the pack cannot be used, or wrong usage
  3    rows were refused and nothing was built; the report says which and why
  130  interrupted; the same command goes on

files in BUILD, which only its owner may enter:
  contact-sheet.html             every photograph, for a person to look through
  report.csv, report.json        what became of each photograph and row
  entries.bin                    for the order: random ids, categories, responses, templates
  people.jsonl, photographs.bin  for the room's bundle
Remove the folder once order and bundle are made: it holds names, faces and templates in the clear.
"""


@dataclass(frozen=True)
class BuildWanted:
    """What is to be built from what. alike: similarity from which entries are shown as one person; None: calibrated."""

    photographs: Path
    entries: Path
    out: Path
    policy: str
    subjects: Subjects
    skip_refused: bool
    workers: int
    alike: float | None


def build(wanted: BuildWanted, pack: VerifiedPack, runtime: Runtime, clock: Clock, terminal: TextIO) -> Built:
    """Build, and write all there is to write.

    Raises: EntriesInvalid, BuildIncomplete, FolderInUse, BuildBusy, AuthorityInvalid, PackPurposeRefused, OSError.
    """
    check_subjects(wanted.subjects, pack.manifest.purpose, str(wanted.entries))
    policy, _ = profile(wanted.policy)
    table = read_entries(_read_table(wanted.entries), policy, clock.now_utc().date(), str(wanted.entries))
    folder = PhotographFolder(wanted.photographs)
    rows, refused = find_rows(table, folder)
    if refused and not wanted.skip_refused:
        raise BuildIncomplete(_refusal(refused, "nothing was looked at"))
    if not rows:
        raise EntriesInvalid(_refusal(refused, f"{wanted.entries}: no row is left"))
    face_path = [FacePath(pack, runtime)]  # before the progress line: a runtime may print as it loads
    with held_folder(wanted.out):
        work = WorkFile(wanted.out, work_context(pack, runtime.backend))
        try:
            hashes = examine_all(
                rows,
                work,
                lambda: face_path.pop() if face_path else FacePath(pack, runtime),
                wanted.workers,
                ProgressLine(terminal, clock),
            )
            built = assemble(rows, refused, hashes, work, folder, pack, runtime.backend, wanted.alike)
            write_report(wanted.out, built)
            write_contact_sheet(wanted.out, built, work)
            if built.refused and not wanted.skip_refused:
                raise BuildIncomplete(_refusal(built.refused, f"look at {wanted.out / page_name(1)}"))
            name = f"{policy.name}-{policy.version}"
            write_outputs(wanted.out, built, work, pack, runtime.backend, wanted.subjects, name, clock)
        except BaseException:
            work.close()
            raise
        work.destroy()
    return built


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Mount the command; its options carry `run`."""
    parser = subparsers.add_parser(
        "build",
        help="make a watchlist from photographs and a table of entries",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("photographs", type=Path, metavar="PHOTOGRAPHS", help="folder that the table's paths are below")
    parser.add_argument("--entries", type=Path, required=True, metavar="CSV", help="table of entries")
    parser.add_argument("--pack", type=Path, required=True, metavar="PACK", help="folder of the pack that the vans run")
    parser.add_argument("--out", type=Path, required=True, metavar="BUILD", help="folder to build in, its own")
    parser.add_argument("--policy", default="uk", help="policy profile whose categories hold (default: %(default)s)")
    parser.add_argument("--precision", choices=("int8", "float32"), default="int8", help="as the vans compute")
    parser.add_argument(
        "--subjects",
        choices=("real", "synthetic"),
        default="real",
        help="synthetic: everybody on the list is a rendered person; a bring-up pack takes nobody else",
    )
    parser.add_argument("--skip-refused", action="store_true", help="leave refused rows out and build the others")
    parser.add_argument(
        "--workers", type=_workers, default=len(os.sched_getaffinity(0)), help="threads (default: one a core)"
    )
    parser.add_argument(
        "--alike",
        type=_similarity,
        metavar="SIMILARITY",
        help="show entries so alike as perhaps one person (default: where the pack's calibration has FPIR 1 %%)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the command; returns its exit code."""
    wanted = BuildWanted(
        options.photographs,
        options.entries,
        options.out,
        options.policy,
        options.subjects,
        options.skip_refused,
        options.workers,
        options.alike,
    )
    precision: Precision = options.precision
    cv2.setNumThreads(1)  # the workers are the threads; more of them would only wait for each other
    try:
        pack = open_pack(options.pack, precision)
        built = build(wanted, pack, choose_runtime("auto", threads=1), SystemClock(), sys.stderr)
    except BuildIncomplete as error:
        return _complain(error, INCOMPLETE)
    except (EntriesInvalid, FolderInUse) as error:
        return _complain(error, UNUSABLE)
    except LfrError as error:
        return _complain(error, UNUSABLE if isinstance(error, ValueError | LookupError) else FAILED)
    except OSError as error:
        return _complain(error, FAILED)
    except KeyboardInterrupt:
        return _complain("interrupted; the same command goes on where it was", INTERRUPTED)
    _say(built, wanted.out)
    return BUILT


def _say(built: Built, out: Path) -> None:
    counts = ", ".join(f"{outcome.replace('_', ' ')} {count:,}" for outcome, count in counts_of(built.lines).items())
    count = "1 entry" if len(built.rows) == 1 else f"{len(built.rows):,} entries"
    print(f"{count} in {out}; photographs: {counts}")
    if built.refused:
        print(f"{len(built.refused):,} rows were left out: see {out / 'report.csv'}")
    twice = len({line.entry.reference for line in built.lines if line.alike})
    if twice:
        print(f"{twice:,} entries look like another: neither of two that one person resembles may alert")
    print(f"next: a person looks through {out / page_name(1)}")


def _refusal(refused: Sequence[RefusedRow], what: str) -> str:
    lines = [f"row {row.line} ({row.reference}): {'; '.join(row.mistakes)}" for row in refused[:ROWS_SAID]]
    if len(refused) > ROWS_SAID:
        lines.append(f"and {len(refused) - ROWS_SAID:,} rows more")
    count = f"{len(refused):,} row{'s' if len(refused) > 1 else ''} refused"
    return "\n  ".join([f"{count}; {what}; mend the table, or leave such rows out with --skip-refused", *lines])


def _read_table(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(TABLE_MAX_BYTES + 1)
    except OSError as error:
        raise EntriesInvalid(f"{path}: {error.strerror}; need the table of entries") from None


def _complain(error: Exception | str, code: int) -> int:
    print(f"lfr-fleet: {error}", file=sys.stderr)
    return code


def _workers(text: str) -> int:
    count = int(text)
    if not 1 <= count <= 64:
        raise ValueError
    return count


def _similarity(text: str) -> float:
    value = float(text)
    if not 0 < value < 1:
        raise ValueError
    return value


def main(arguments: Sequence[str] | None = None) -> int:
    """The command by itself."""
    parser = argparse.ArgumentParser(prog="lfr-fleet watchlist")
    add_parser(parser.add_subparsers(required=True, metavar="COMMAND"))
    options = parser.parse_args(arguments)
    code: int = options.run(options)
    return code


if __name__ == "__main__":
    sys.exit(main())
