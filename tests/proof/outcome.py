"""How a proof ends: a table for people, JSON for machines, and 1 when what it was to hold did not hold."""

from __future__ import annotations

import argparse
import json
import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Outcome:
    """What was measured, in the order it was told, and what did not hold."""

    proof: str
    settings: dict[str, Any]
    figures: dict[str, Any] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    _lines: list[tuple[str, str]] = field(default_factory=list)

    def tell(self, what: str, words: str, **figures: Any) -> None:
        """A line of the table, and its numbers by name."""
        self._lines.append((what, words))
        self.figures |= figures
        print(f"  {what}: {words}", flush=True)

    def hold(self, holds: bool, what: str) -> None:
        """What must be so."""
        if not holds:
            self.failures.append(what)
            print(f"  DOES NOT HOLD: {what}", flush=True)

    def end(self, json_file: Path | None) -> int:
        """Show it all; the exit code."""
        width = max(len(what) for what, _ in self._lines)
        print(f"\n{self.proof}: " + ", ".join(f"{name} {value}" for name, value in self.settings.items()))
        for what, words in self._lines:
            print(f"  {what:{width}}  {words}")
        for each in self.failures:
            print(f"  DOES NOT HOLD: {each}")
        if not self.failures:
            print("  all of it held")
        if json_file is not None:
            value = {
                "proof": self.proof,
                "settings": self.settings,
                "machine": {"cores": len(os.sched_getaffinity(0)), "load_1_min": round(os.getloadavg()[0], 1)},
                "figures": self.figures,
                "failures": self.failures,
            }
            json_file.write_text(json.dumps(value, indent=1) + "\n")
        return 1 if self.failures else 0


def new_parser(description: str | None) -> argparse.ArgumentParser:
    """A proof's command line, with what all of them take."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )  # fmt: skip
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    return parser


def spread(values: Sequence[float]) -> dict[str, float]:
    """Least, median and most."""
    return {
        "min": round(min(values), 2),
        "median": round(statistics.median(values), 2),
        "max": round(max(values), 2),
    }


def memory_mib(pid: int) -> dict[str, float]:
    """Resident memory of a process now, and the most since the peak was last forgotten, MiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    fields = {line.split(":")[0]: line.split()[1] for line in lines if line.startswith(("VmRSS", "VmHWM"))}
    return {"now": round(int(fields["VmRSS"]) / 1024, 1), "peak": round(int(fields["VmHWM"]) / 1024, 1)}


def forget_peak(pid: int) -> None:
    """From here on the peak counts anew (proc(5), clear_refs)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
