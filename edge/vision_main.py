"""The vision half's main: devices are chosen here, passed in, and never looked for again."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2

from edge.camera_choice import open_camera
from edge.clock import Clock, SystemClock
from edge.config import Settings, load_settings
from edge.devices import Camera
from edge.drivers.litert import choose_runtime
from edge.errors import LfrError
from edge.exits import Exit
from edge.trust.packs import open_pack
from edge.vision.app import Devices, VisionApp

SYSTEMD_LISTEN_FD = 3
"""The first descriptor that systemd's socket activation passes (sd_listen_fds(3))."""

SWITCH_INTERVAL_S = 5e-4

log = logging.getLogger("lfr.vision")


def run_vision(settings: Settings, listen_fd: int, choose_camera: Callable[[Settings, Clock], Camera]) -> int:
    """Run the half with a camera of the caller's choice; the exit code.

    listen_fd: the pipe's listening socket, inherited.

    Raises: LfrError when the pack, a key, the runtime or the socket is not what it must be.
    """
    cv2.setNumThreads(1)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    clock = SystemClock()
    inference = settings.inference
    delegate = inference.delegate
    runtime = choose_runtime(
        inference.runtime,
        threads=inference.threads,
        delegate_library=delegate.library if delegate else None,
        delegate_options=delegate.options if delegate else None,
    )
    pack = open_pack(inference.pack_dir, inference.precision)
    listener = socket.socket(fileno=listen_fd)
    devices = Devices(choose_camera(settings, clock), runtime, clock, listener, link_uids=(os.getuid(),))
    app = VisionApp(settings, pack, devices)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: app.request_stop())
    return int(app.run())


def run_guarded(start: Callable[[], int]) -> int:
    """Run a half's main; a foreseen error is one line in the log and exit code 2."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s", force=True)
    try:
        return start()
    except LfrError as error:
        log.error("%s: %s", type(error).__name__, error)
        return Exit.REFUSED


def parse_half(description: str | None, argv: Sequence[str] | None) -> argparse.Namespace:
    """What the daemon, or systemd, starts a vision half with."""
    parser = argparse.ArgumentParser(prog="lfr-edge-vision", description=description)
    parser.add_argument("--config", type=Path, required=True, help="lfr-edge.yaml")
    parser.add_argument("--listen-fd", type=int, default=SYSTEMD_LISTEN_FD, help="the pipe's listening socket")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m edge.vision_main --config FILE`: the half on a van, with the camera of its configuration."""
    options = parse_half(__doc__, argv)
    return run_guarded(
        lambda: run_vision(
            load_settings(options.config), options.listen_fd, lambda s, clock: open_camera(s.camera, clock)
        )
    )


if __name__ == "__main__":
    sys.exit(main())
