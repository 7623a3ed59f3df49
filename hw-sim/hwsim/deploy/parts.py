"""The running parts: room and van as processes of their own, and the faults that are put to them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from hwsim.broker import Broker
from hwsim.deploy.site import Site
from hwsim.deploy.wanted import Fault
from hwsim.errors import DeploymentBroken

STOP_WAIT_S = 15.0
LOG_TAIL_LINES = 12


class Part:
    """A child process with its log, which can be killed as a power cut would and started again."""

    def __init__(self, name: str, command: Sequence[str], log: Path, to_terminal: bool = False) -> None:
        """to_terminal: its standard output goes to ours (the room's pictures); its log to the file always."""
        self.name = name
        self._command = list(command)
        self._log = log
        self._to_terminal = to_terminal
        self._process: subprocess.Popen[bytes] | None = None
        self.starts = 0

    def start(self) -> None:
        self.starts += 1
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            out: IO[bytes] | None = None if self._to_terminal else log
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=out, stderr=log)

    def poll(self) -> int | None:
        """Its exit code, or None while it runs."""
        assert self._process is not None
        return self._process.poll()

    def wait(self, timeout_s: float) -> int:
        """Raises: DeploymentBroken when it does not end in time."""
        assert self._process is not None
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise DeploymentBroken(f"the {self.name} did not end within {timeout_s:.0f} s; see {self._log}") from None

    def ask_to_stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def kill(self) -> None:
        """As a power cut would."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def log_tail(self) -> str:
        """The last lines of its log."""
        try:
            lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return ""
        return "\n".join(lines[-LOG_TAIL_LINES:])


def start_room(site: Site, pictures: bool) -> Part:
    """`lfr-room watch`, saving what it receives; its pictures go to our terminal when wanted."""
    graphics = [] if pictures else ["--graphics", "none"]
    command = [sys.executable, "-m", "control_room.cli", "watch", "--config", str(site.room_config)]
    room = Part("room", [*command, "--save", str(site.room_saved), *graphics], site.work / "log" / "room.log", pictures)
    room.start()
    return room


def start_van(site: Site, street: bool) -> Part:
    """The daemon, with the simulated street as its camera when wanted."""
    command = [sys.executable, "-m", "hwsim.van", "--config", str(site.van_config)]
    if street:
        command += ["--street", str(site.street_spec)]
    van = Part("van", command, site.work / "log" / "van.log")
    van.start()
    return van


class Faults:
    """Puts the wanted faults to the parts as their moments come."""

    def __init__(self, faults: Sequence[Fault], broker: Broker, room: Part, van_state: Path) -> None:
        self._due: list[tuple[float, str, Fault]] = sorted(
            [(fault.at_s, "kill", fault) for fault in faults]
            + [(fault.at_s + fault.for_s, "start", fault) for fault in faults],
            key=lambda item: item[0],
        )
        self._broker = broker
        self._room = room
        self._van_state = van_state
        self._down: set[str] = set()

    @property
    def outstanding(self) -> bool:
        """Whether a part is still to be killed or started again."""
        return bool(self._due)

    def holds(self, part: str) -> bool:
        """Whether a part is down because a fault holds it so."""
        return part in self._down

    def put(self, watching_for_s: float) -> list[str]:
        """Do what is due; what was done, in words."""
        said = []
        while self._due and self._due[0][0] <= watching_for_s:
            _, what, fault = self._due.pop(0)
            (self._down.add if what == "kill" else self._down.discard)(fault.part)
            self._act(what, fault.part)
            said.append(f"{fault.part} {'killed (kill -9)' if what == 'kill' else 'started again'}")
        return said

    def _act(self, what: str, part: str) -> None:
        if part == "broker":
            self._broker.kill() if what == "kill" else self._broker.start()
        elif part == "room":
            self._room.kill() if what == "kill" else self._room.start()
        elif what == "kill":
            pid = read_json(self._van_state / part / "status.json").get("pid")
            if not pid:
                raise DeploymentBroken(f"the van's {part} half has not said who it is; it cannot be killed")
            os.kill(int(pid), signal.SIGKILL)
        # The van's daemon starts its own halves again.


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object that another process replaces as a whole; empty when it is not there yet."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a JSON-lines file that another process appends to."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        return []
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
