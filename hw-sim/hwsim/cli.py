"""lfr-sim: a whole van on a laptop, and what it needs to see."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from edge import __version__
from edge.errors import LfrError
from hwsim import cast_command, deploy_command, street_command

COMMANDS = (deploy_command, street_command, cast_command)
"""Each has add_parser(commands) and run(options), which gives the exit code."""

EXIT_REFUSED = 2

_EPILOG = """\
exit codes:
  0  done
  2  refused: bad usage, or a folder, photograph or pack that does not do (the message says what to do)
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    options = _parser().parse_args(argv)
    try:
        return int(options.run(options))
    except LfrError as error:
        print(f"lfr-sim: {error}", file=sys.stderr)
        return EXIT_REFUSED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lfr-sim",
        description="Simulations of a van and of the street before it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"lfr-sim {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_parser(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
