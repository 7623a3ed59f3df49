"""`lfr-fleet serve`, `status` and `stick`."""

from __future__ import annotations

import argparse
import json
import signal
import threading
from pathlib import Path

from edge.errors import AuthorityInvalid
from provisioning.commands.common import add_folder, open_fleet, say
from provisioning.serve import Server
from provisioning.status import fleet_status, table
from provisioning.stick import read_stick, write_stick

STEP_S = 0.5

_SERVE = """\
Keep the fleet going until stopped: timestamps fresh, the broker in step with the folder, vans heard.

What another lfr-fleet command changes in the folder is published at once. After each connection, and every quarter of
an hour, all that the broker holds is compared with the folder: what it lost is published again, what should not be
there is cleared. Deletion receipts, key stocks, states and heartbeats are kept as each van's own key signed them.
When a deployment ends its content key is destroyed, its sealed files are cleared, and missing receipts are overdue.
"""


def add_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Mount them."""
    serve = commands.add_parser(
        "serve",
        help="keep timestamps fresh and the broker in step; hear the vans",
        description=_SERVE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_folder(serve)
    serve.set_defaults(run=_serve)
    status = commands.add_parser("status", help="each van and each deployment, as last heard")
    status.add_argument("--json", action="store_true", help="one JSON object")
    add_folder(status)
    status.set_defaults(run=_status)
    stick = commands.add_parser("stick", help="the repository on a USB stick, and what vans left there")
    kinds = stick.add_subparsers(required=True, metavar="COMMAND")
    write = kinds.add_parser("write", help="put the files on that vans need, with a fresh timestamp")
    write.add_argument("folder", type=Path, metavar="FOLDER", help="mounted stick")
    write.add_argument("--van", action="append", default=[], metavar="DEVICE", help="for these alone (default: all)")
    read = kinds.add_parser("read", help="take key stocks and deletion receipts from it")
    read.add_argument("folder", type=Path, metavar="FOLDER")
    for parser, run in ((write, _stick_write), (read, _stick_read)):
        add_folder(parser)
        parser.set_defaults(run=run)


def _serve(options: argparse.Namespace) -> int:
    fleet = open_fleet(options)
    fleet.repository()
    stopping = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: stopping.set())
    with fleet.serving() as ours:
        if not ours:
            raise AuthorityInvalid(f"{fleet.folder}: another lfr-fleet serve, or a push, holds it")
        server = Server(fleet, lambda line: print(line, flush=True))
        server.connection.start()
        try:
            while not stopping.is_set():
                server.step(STEP_S)
        finally:
            server.heard.save()
            server.connection.stop()
    return 0


def _status(options: argparse.Namespace) -> int:
    status = fleet_status(open_fleet(options))
    if options.json:
        print(json.dumps(status.as_value()))
    else:
        say(table(status))
    return 0


def _stick_write(options: argparse.Namespace) -> int:
    count, size = write_stick(open_fleet(options), options.folder, options.van)
    print(f"{options.folder}: {count} files, {size:,} bytes; unmount it before you pull it out")
    return 0


def _stick_read(options: argparse.Namespace) -> int:
    say(read_stick(open_fleet(options), options.folder) or [f"{options.folder}: no van left anything"])
    return 0
