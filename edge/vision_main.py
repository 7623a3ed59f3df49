"""The vision half's main: devices are chosen here, passed in, and never looked for again."""

from __future__ import annotations

import argparse
import logging
import os
import pwd
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2

from edge.camera_choice import open_camera
from edge.clock import Clock, SystemClock
from edge.config import Settings, load_settings
from edge.devices import Camera, SecretSlots
from edge.drivers.file_secrets import FileSecrets
from edge.drivers.litert import choose_runtime
from edge.drivers.tpm_secrets import TpmSecrets
from edge.errors import ConfigInvalid, KeyFileInvalid, LfrError
from edge.exits import Exit
from edge.formats.detector_size import View
from edge.trust.packs import open_pack
from edge.vision.app import Devices, VisionApp

SYSTEMD_LISTEN_FD = 3
"""The first descriptor that systemd's socket activation passes (sd_listen_fds(3))."""

SWITCH_INTERVAL_S = 5e-4
ROOT_MAX_BYTES = 256 * 1024

log = logging.getLogger("lfr.vision")


def run_vision(options: argparse.Namespace, choose_camera: Callable[[Settings, Clock], Camera]) -> int:
    """Run the half with a camera of the caller's choice; the exit code.

    options: as `half_parser` reads them.

    Raises: LfrError when configuration, pack, a key, the runtime or the socket is not what it must be.
    """
    settings = load_settings(options.config)
    link_uids = (find_uid(options.link_user),)
    listener = inherit_listener(options.listen_fd)
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
    pack = open_pack(inference.pack_dir, inference.precision, view_of(settings))
    camera, slots = choose_camera(settings, clock), choose_secrets(settings)
    devices = Devices(camera, runtime, clock, slots, listener, link_uids)
    app = VisionApp(settings, pack, read_root(settings.keys.root_file), devices)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: app.request_stop())
    return int(app.run())


def view_of(settings: Settings) -> View:
    """What the configured camera shows the detector: its small stream, or else its full one."""
    camera = settings.camera
    has_small = camera.lores_width_px > 0 and camera.lores_height_px > 0
    return View(
        width_px=camera.width_px,
        height_px=camera.height_px,
        small_width_px=camera.lores_width_px if has_small else camera.width_px,
        small_height_px=camera.lores_height_px if has_small else camera.height_px,
        face_width_min_px=settings.quality.face_width_min_px,
    )


def choose_secrets(settings: Settings) -> SecretSlots:
    """Where the vault's secret lies, as configured: never silently in a file instead. Raises: VaultUnusable."""
    if settings.keys.tpm is not None:
        return TpmSecrets(settings.keys.tpm)
    return FileSecrets(settings.device.state_dir / "vision" / "secrets")


def read_root(path: Path) -> bytes:
    """The root of this box's enrolment. Raises: KeyFileInvalid."""
    try:
        with path.open("rb") as file:
            return file.read(ROOT_MAX_BYTES)
    except OSError as error:
        raise KeyFileInvalid(
            f"{path}: the fleet's root cannot be read: {error.strerror or error}; enrol this box anew"
        ) from None


def find_uid(user: str | None) -> int:
    """The id of the user that link runs as; None: our own. Raises: ConfigInvalid when there is no such user."""
    if user is None:
        return os.getuid()
    try:
        return pwd.getpwnam(user).pw_uid
    except (KeyError, ValueError):
        raise ConfigInvalid(
            f"--link-user {user}: this system has no such user; make it with "
            "systemd-sysusers lfr-edge.sysusers.conf, or name the user that link runs as"
        ) from None


def inherit_listener(descriptor: int) -> socket.socket:
    """The pipe's listening socket, inherited by its number. Raises: ConfigInvalid when that is none."""
    found = "no socket"
    try:
        listener = socket.socket(fileno=descriptor)
    except (OSError, ValueError):
        pass
    else:
        listens = listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        if listener.family == socket.AF_UNIX and listener.type == socket.SOCK_SEQPACKET and listens:
            return listener
        found = "another kind of socket"
        listener.detach()
    raise ConfigInvalid(
        f"--listen-fd {descriptor}: {found}, need a listening Unix socket of whole messages (SOCK_SEQPACKET); "
        "start this half by `lfr-edge run`, or by systemd with lfr-edge.socket"
    )


def run_guarded(start: Callable[[], int]) -> int:
    """Run a half's main; a foreseen error is one line in the log and exit code 2."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s", force=True)
    try:
        return start()
    except LfrError as error:
        log.error("%s: %s", type(error).__name__, error)
        return Exit.REFUSED


def half_parser(program: str, description: str | None) -> argparse.ArgumentParser:
    """What the daemon, or systemd, starts a vision half with."""
    parser = argparse.ArgumentParser(prog=program, description=description)
    parser.add_argument("--config", type=Path, required=True, help="lfr-edge.yaml")
    parser.add_argument("--listen-fd", type=int, default=SYSTEMD_LISTEN_FD, help="the pipe's listening socket")
    parser.add_argument("--link-user", metavar="NAME", help="the user that link runs as (default: the own)")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m edge.vision_main --config FILE`: the half on a van, with the camera of its configuration."""
    options = half_parser("lfr-edge-vision", __doc__).parse_args(argv)
    return run_guarded(lambda: run_vision(options, lambda settings, clock: open_camera(settings.camera, clock)))


if __name__ == "__main__":
    sys.exit(main())
