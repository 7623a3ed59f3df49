"""Running `lfr-sim deploy` as a person would, and reading what it leaves."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LASTS_S = 600


@dataclass(frozen=True)
class Deployed:
    """Exit code, output, and the files of --out; summary is empty when there is none."""

    code: int
    output: str
    out: Path
    summary: dict[str, Any]
    alerts: list[dict[str, Any]]

    @property
    def references(self) -> list[str]:
        return sorted(alert["reference"] for alert in self.alerts)

    @property
    def shown(self) -> list[str]:
        """The references of every alert the room drew, as often as it drew them."""
        lines = (self.out / "site" / "log" / "room.log").read_text(encoding="utf-8").splitlines()
        return sorted(line.split()[1] for line in lines if line.startswith("reference"))


def deploy(out: Path, pack: Path, *arguments: object) -> Deployed:
    """One run, headless. pack: the folder of an installed pack."""
    given = ["--packs", str(pack.parent), "--pack", pack.name, "--headless", "--out", str(out)]
    command = [sys.executable, "-m", "hwsim.cli", "deploy", *map(str, arguments), *given]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LASTS_S, check=False)
    summary, alerts = out / "summary.json", out / "alerts.jsonl"
    return Deployed(
        code=done.returncode,
        output=done.stdout + done.stderr,
        out=out,
        summary=json.loads(summary.read_text()) if summary.is_file() else {},
        alerts=[json.loads(line) for line in alerts.read_text().splitlines()] if alerts.is_file() else [],
    )


def cast(out: Path, pack: Path, source: Path, people: int, on_list: int, filler: int, seed: int) -> Path:
    """`lfr-sim cast`: a watchlist, a street and filler from a folder of people."""
    command = [sys.executable, "-m", "hwsim.cli", "cast", "--from", str(source), "--people", str(people)]
    command += ["--on-list", str(on_list), "--filler-count", str(filler), "--seed", str(seed), "--out", str(out)]
    command += ["--packs", str(pack.parent), "--pack", pack.name]
    subprocess.run(command, check=True, capture_output=True, timeout=LASTS_S)
    return out
