"""`python -m edge.link_main --config FILE`: the link half as a process of its own."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from pathlib import Path

from edge.clock import SystemClock
from edge.config import load_settings
from edge.errors import ConfigInvalid, OutboxBusy, OutboxCorrupt
from edge.link.app import LinkApp

CONFIG_MISTAKE = 2
FAILED = 1


def main(arguments: list[str] | None = None) -> int:
    """0: stopped with an empty outbox. 1: cannot work. 2: configuration. 3: stopped, documents are left."""
    parser = argparse.ArgumentParser(prog="lfr-edge-link", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="lfr-edge.yaml")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    try:
        return LinkApp(load_settings(options.config), SystemClock()).run(stopping)
    except ConfigInvalid as error:
        print(error, file=sys.stderr)
        return CONFIG_MISTAKE
    except (OutboxBusy, OutboxCorrupt, OSError) as error:
        logging.getLogger("lfr.link").error("%s", error)
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
