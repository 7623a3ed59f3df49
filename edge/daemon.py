"""The daemon: starts the two halves, restarts the one that dies, and ends them in order.

On a van systemd does this with two units; here is the same without it, for simulation, tests and development.
The pipe's listening socket is made first and outlives both halves, as `lfr-edge.socket` does.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge import wire
from edge.clock import Clock
from edge.config import Settings
from edge.errors import ConfigInvalid
from edge.exits import Exit

PIPE_NAME = "pipe.sock"
PIPE_PATH_MAX_BYTES = 107
"""sun_path of unix(7), less its closing zero."""

RESTARTS_MAX = 5
RESTART_WINDOW_S = 60.0
RESTART_WAIT_S = 0.5
VISION_STOP_S = 45.0
LINK_STOP_SLACK_S = 10.0

FINAL = frozenset({Exit.ENDED, Exit.REFUSED, Exit.CAMERA_FAILED, Exit.NOT_STORED})
"""Ends of vision that a restart would not mend."""

ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""Vision's own threads share the cores; a library's would only fight them."""

log = logging.getLogger("lfr.daemon")


@dataclass(frozen=True)
class HalfCommands:
    """How each half is started; a simulation passes its own for vision."""

    vision: tuple[str, ...]
    link: tuple[str, ...]


def default_commands(config: Path) -> HalfCommands:
    """The halves of the product."""
    python = (sys.executable, "-m")
    return HalfCommands(
        vision=(*python, "edge.vision_main", "--config", str(config)),
        link=(*python, "edge.link_main", "--config", str(config)),
    )


class Daemon:
    """Supervises the halves until vision has ended its deployment."""

    def __init__(self, settings: Settings, commands: HalfCommands, clock: Clock) -> None:
        self._settings = settings
        self._commands = commands
        self._clock = clock
        self._stop = threading.Event()

    def request_stop(self) -> None:
        """Close the deployment; safe from a signal handler."""
        self._stop.set()

    def run(self) -> int:
        """Until the deployment is over. Exit code: vision's; 6 when a half kept dying; 3 when rows were left.

        Raises: ConfigInvalid when a folder of the configuration cannot be used.
        """
        path = self._make_folders()
        listener = wire.listen(path)
        vision = _Half("vision", self._commands.vision, listener, self._clock)
        link = _Half("link", self._commands.link, None, self._clock)
        try:
            link.start()
            vision.start()
            code = self._supervise(vision, link)
        finally:
            vision.stop(VISION_STOP_S)
            link_code = link.stop(self._settings.outbox.drain_s + LINK_STOP_SLACK_S)
            listener.close()
            path.unlink(missing_ok=True)
        return code or (link_code or 0)

    def _make_folders(self) -> Path:
        """The pipe's path, in a folder that is there. Raises: ConfigInvalid."""
        device = self._settings.device
        path = device.runtime_dir / PIPE_NAME
        if len(bytes(path)) > PIPE_PATH_MAX_BYTES:
            raise ConfigInvalid(
                f"device.runtime_dir: {path} is longer than the {PIPE_PATH_MAX_BYTES} bytes a socket's name may "
                "have; choose a shorter folder"
            )
        for key, folder in (("state_dir", device.state_dir), ("runtime_dir", device.runtime_dir)):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ConfigInvalid(f"device.{key}: {folder} cannot be made: {error.strerror or error}") from None
        return path

    def _supervise(self, vision: _Half, link: _Half) -> int:
        while not self._stop.wait(0.1):
            code = vision.poll()
            if code is not None and code in FINAL:
                return code
            for half in (vision, link):
                if half.poll() is not None and not half.restart(self._stop):
                    log.error("%s died %d times within %.0f s", half.name, RESTARTS_MAX, RESTART_WINDOW_S)
                    return Exit.HALF_KEEPS_DYING
        return vision.stop(VISION_STOP_S) or 0


class _Half:
    """One child process, and how often it has died lately."""

    def __init__(self, name: str, command: Sequence[str], listener: socket.socket | None, clock: Clock) -> None:
        self.name = name
        self._command = list(command)
        self._listener = listener
        self._clock = clock
        self._deaths_s: list[float] = []
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        if self._listener is None:
            self._process = subprocess.Popen(self._command)
            return
        number = self._listener.fileno()
        command = [*self._command, "--listen-fd", str(number)]
        self._process = subprocess.Popen(command, pass_fds=(number,), env={**os.environ, **ONE_THREAD})

    def poll(self) -> int | None:
        return None if self._process is None else self._process.poll()

    def restart(self, stop: threading.Event) -> bool:
        """Start again after a death, unless there were too many."""
        now_s = self._clock.monotonic_s()
        self._deaths_s = [s for s in self._deaths_s if now_s - s < RESTART_WINDOW_S] + [now_s]
        log.warning("%s ended with %s", self.name, self.poll())
        if len(self._deaths_s) >= RESTARTS_MAX or stop.wait(RESTART_WAIT_S):
            return stop.is_set()
        self.start()
        return True

    def stop(self, wait_s: float) -> int | None:
        """Ask it to end, wait, and in the end insist; its exit code, a crash when a signal ended it."""
        if self._process is None:
            return None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(wait_s)
            except subprocess.TimeoutExpired:
                log.error("%s did not end within %.0f s and is killed", self.name, wait_s)
                self._process.kill()
        code = self._process.wait()
        return code if code >= 0 else Exit.CRASHED
