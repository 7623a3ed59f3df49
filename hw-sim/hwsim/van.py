"""The simulated van's main: the product's daemon, with simulated devices passed to its vision half."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from edge.cli import run_daemon
from edge.clock import SystemClock
from edge.config import load_settings
from edge.daemon import Daemon, HalfCommands, default_commands
from edge.errors import LfrError
from edge.exits import Exit


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m hwsim.van --config FILE [--street SPEC]`: as `lfr-edge run`, the street in the camera's place."""
    parser = argparse.ArgumentParser(prog="lfr-sim-van", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="lfr-edge.yaml")
    parser.add_argument("--street", type=Path, help="street.json: who walks past")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    commands = default_commands(options.config)
    if options.street is not None:
        vision = (sys.executable, "-m", "hwsim.vision_main", "--config", str(options.config))
        commands = HalfCommands((*vision, "--street", str(options.street)), commands.link)
    try:
        return run_daemon(Daemon(load_settings(options.config), commands, SystemClock()))
    except LfrError as error:
        print(f"lfr-sim: {error}", file=sys.stderr)
        return Exit.REFUSED


if __name__ == "__main__":
    sys.exit(main())
