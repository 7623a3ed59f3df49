"""lfr-fleet: the command of the fleet's admin, of officers and of custodians."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from edge.errors import BrokerUnreachable, LfrError
from provisioning.commands import founding, order, repository, running, watchlist

DONE, FAILED, UNUSABLE = 0, 1, 2

_EPILOG = """\
exit codes:
  0  done
  1  failed: the broker, a disk
  2  refused: a key, a draft, a folder or what was asked does not fit; the message says what does

environment:
  LFR_FLEET             the authority's folder
  LFR_FLEET_PASSPHRASE  passphrase or PIN of keys, where nobody can be asked
  PYKCS11LIB            library of the hardware module, for keys as hsm:ID?label=TOKEN
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except BrokerUnreachable as error:
        return _complain(error, FAILED)
    except LfrError as error:
        return _complain(error, UNUSABLE)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes once more at exit
        return FAILED
    except OSError as error:
        return _complain(error, FAILED)
    except KeyboardInterrupt:
        return 130
    return code


def _complain(error: Exception, code: int) -> int:
    print(f"lfr-fleet: {error}", file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lfr-fleet",
        description="A fleet's authority: its people, orders, watchlists and vans.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in (founding, repository, order, watchlist, running):
        module.add_parsers(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
