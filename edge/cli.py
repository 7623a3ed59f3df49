"""lfr-edge: the appliance's own command, for systemd and for the field engineer."""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from edge import __version__
from edge.clock import SystemClock
from edge.config import Settings, load_settings
from edge.daemon import Daemon, default_commands
from edge.errors import LfrError
from edge.exits import Exit
from edge.status import HALVES, read_status, status_lines

EXIT_SILENT = 1

_EPILOG = """\
exit codes:
  0  the deployment has ended as it should; the configuration is good; both halves are running
  1  status: a half is absent, silent or unreadable
  2  refused: a bad configuration, pack, key or usage (the message says which, and what to do)
  3  ended, but rows are left in the outbox without the room's receipt
  4  the camera failed for good (see `lfr-edge status`)
  5  the link half did not store the last documents
  6  a half kept dying

files (below device.state_dir):
  vision/status.json, link/status.json   what each half last said of itself
  vision/sequence                        the last signed sequence number
  link/outbox.sqlite                     alerts (ciphertext) that wait for the room's receipt
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    options = _parser().parse_args(argv)
    try:
        return int(options.run(options))
    except LfrError as error:
        print(f"lfr-edge: {error}", file=sys.stderr)
        return Exit.REFUSED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lfr-edge",
        description="The live-facial-recognition appliance: camera in, sealed alerts out, and nothing else.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"lfr-edge {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, run, about in (
        ("run", _run, "start both halves and watch over them until the deployment ends"),
        ("check", _check, "check a configuration file, and report every mistake in it at once"),
        ("status", _status, "what both halves last said of themselves"),
    ):
        command = commands.add_parser(name, help=about, description=about[0].upper() + about[1:] + ".")
        command.add_argument("--config", type=Path, required=True, metavar="FILE", help="lfr-edge.yaml")
        command.set_defaults(run=run)
        if name != "run":
            command.add_argument("--json", action="store_true", help="for machines")
    return parser


def _run(options: argparse.Namespace) -> int:
    settings = load_settings(options.config)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    return run_daemon(Daemon(settings, default_commands(options.config.resolve()), SystemClock()))


def run_daemon(daemon: Daemon) -> int:
    """Run it until it ends, or SIGTERM or SIGINT closes the deployment."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: daemon.request_stop())
    return daemon.run()


def _check(options: argparse.Namespace) -> int:
    try:
        settings = load_settings(options.config)
    except LfrError as error:
        if not options.json:
            raise
        whole, *each = str(error).splitlines()
        mistakes = [line.strip() for line in each or [whole]]
        print(json.dumps({"good": False, "mistakes": mistakes}, indent=1))
        return Exit.REFUSED
    if options.json:
        print(json.dumps({"good": True, "settings": settings.model_dump(mode="json")}, indent=1))
    else:
        print(f"{options.config}: good. {_in_words(settings)}")
    return Exit.ENDED


def _in_words(settings: Settings) -> str:
    camera, inference = settings.camera, settings.inference
    return (
        f"Device {settings.device.id} of {settings.device.fleet}; camera {camera.kind} {camera.path or ''}; "
        f"pack {inference.pack_dir.name} {inference.precision}; broker {settings.broker.host}:{settings.broker.port}."
    )


def _status(options: argparse.Namespace) -> int:
    settings = load_settings(options.config)
    status = read_status(settings.device.state_dir, SystemClock(), settings.health.interval_s)
    if options.json:
        print(json.dumps(status, indent=1))
    else:
        print("\n".join(status_lines(status)))
    return Exit.ENDED if all(status[half]["state"] == "running" for half in HALVES) else EXIT_SILENT


if __name__ == "__main__":
    sys.exit(main())
