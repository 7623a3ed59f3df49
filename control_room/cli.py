"""lfr-room: the control room's command."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from control_room.config import load_room_settings
from control_room.errors import AlreadyWatching
from control_room.suspend import suspend
from control_room.watch import watch
from edge.errors import ConfigInvalid, DocumentInvalid, KeyFileInvalid, LfrError

STOPPED, FAILED, MISCONFIGURED, HELD = 0, 1, 2, 3

_WATCH = """\
Show the alerts of a fleet's vans as they arrive, until stopped by SIGINT, SIGTERM or SIGHUP.

Each alert's signature is checked against the van's key in room.yaml. It is then stored, a signed receipt
is sent (only a receipt ends the van's re-sending), its seal is opened with the room's key, and it is shown
once: live crop beside enrolment photograph, similarity against threshold, frames fused, latency by stage.
Sequence gaps, a van's silence, a lost van and everything refused are shown as lines. The store holds
alerts as they came, sealed; what was stored but not shown when the room stopped is shown at the next start.
"""

_SUSPEND = """\
Stop the vans of a deployment: camera closed, nothing matched, the list kept. The room's receipt key signs, which the
order names; where the policy profile does not list the room, vans refuse it. A running lfr-room watch publishes it,
otherwise this command does. It is in force when a van says so (a line of watch), and stands until officer and
custodian resume it, both: lfr-fleet order resume.

exit codes:
  0  the broker has it
  1  the broker has not got it in time; it waits in the state folder, for 24 hours, and the next watch publishes it
  2  room.yaml, a key, a van or the reason cannot be used
"""

_EPILOG = """\
exit codes:
  0  stopped by a signal
  1  failed while running: the store or the save folder cannot be written, or nobody reads the output
  2  room.yaml, a key or a certificate cannot be used (every mistake is listed), or wrong usage
  3  another lfr-room holds the same state folder

room.yaml:
  fleet: demo                        fleet whose vans this room serves
  state_dir: state                   the store; survives restarts
  bundle_dir: bundle                 sealed .bundle files: who each entry is; deleted at their end
  receipt_key_file: receipt.key      Ed25519, signs receipts
  seal_key_file: seal.key            X25519, opens alerts
  retention_h: 24                    alerts and crops are deleted after so many hours
  heartbeat_interval_s: 5            the vans' health.interval_s; silence is three of these
  devices: {van-1: 5f0c...}          vans this room believes: id and Ed25519 public key in hex
  broker: {host: ..., port: 8883, ca_file: ..., cert_file: ..., key_file: ...}

files below DIR with --save DIR:
  alerts.jsonl   one object a line; each alert once, whatever stopped the room in between
  crops/         live crops, EVENT_ID.jpg
  records.jsonl  signed records of the vans, verified
  from-vans/     their deletion receipts as signed: `lfr-fleet stick read DIR` takes those that the fleet missed
  health.json    the last verified heartbeat of each van
  refused.jsonl  what was refused in this run: topic, why, count

Alerts, their lines and crops older than retention_h are deleted.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(arguments)
    try:
        settings = load_room_settings(options.config)
        if options.command == "suspend":
            return suspend(settings, options.deployment, options.vans, options.reason, print)
        watch(settings, options.save, options.graphics, options.json)
    except (ConfigInvalid, KeyFileInvalid, DocumentInvalid) as error:
        return _complain(error, MISCONFIGURED)
    except AlreadyWatching as error:
        return _complain(error, HELD)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes once more at exit
        return _complain("nobody reads the output any more", FAILED)
    except (LfrError, OSError) as error:
        return _complain(error, FAILED)
    return STOPPED


def _complain(error: Exception | str, code: int) -> int:
    print(f"lfr-room: {error}", file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lfr-room", description="The control room of a fleet of vans.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    watching = commands.add_parser(
        "watch",
        help="show alerts in this terminal as they arrive",
        description=_WATCH,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    watching.add_argument("--config", type=Path, required=True, metavar="FILE", help="room.yaml")
    watching.add_argument("--save", type=Path, metavar="DIR", help="also leave alerts, crops and records in DIR")
    watching.add_argument(
        "--graphics",
        choices=("auto", "kitty", "sixel", "blocks", "none"),
        default="auto",
        help="how pictures are drawn; auto finds out what the terminal can (default: %(default)s)",
    )
    watching.add_argument("--json", action="store_true", help="one JSON object a line instead of cards")
    stopping = commands.add_parser(
        "suspend",
        help="stop the vans of a deployment at once",
        description=_SUSPEND,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    stopping.add_argument("deployment", metavar="DEPLOYMENT")
    stopping.add_argument("--config", type=Path, required=True, metavar="FILE", help="room.yaml")
    stopping.add_argument("--reason", required=True, help="1 to 200 characters; anybody at the broker reads it")
    stopping.add_argument("--vans", default="", metavar="DEVICE[,DEVICE…]", help="default: all of room.yaml")
    return parser


if __name__ == "__main__":
    sys.exit(main())
