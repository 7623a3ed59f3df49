"""A real mosquitto as a child process: mutual TLS on a free port of 127.0.0.1, one ACL per identity.

It can be stopped, killed as by a power cut, and started again on the same port with the same persistence.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import threading
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from edge.errors import BrokerUnreachable, ToolMissing
from edge.formats.topics import (
    ALERTS,
    COMMANDS,
    HEALTH,
    KEYS,
    RECEIPTS,
    RECORDS,
    STATE,
    all_devices_topic,
    device_topic,
)  # fmt: skip
from provisioning.authority import Certificate

START_TIMEOUT_S = 10.0
STOP_TIMEOUT_S = 5.0
PORT_TRIES = 5
LOG_LINES = 500
MESSAGE_MAX_BYTES = 128 * 1024
"""As AWS IoT: what passes here passes there (FINDINGS, MQTT)."""


@dataclass(frozen=True)
class Roles:
    """Which certificate identities may do what; a device, room and fleet have nothing else in common."""

    fleet: str
    devices: tuple[str, ...] = ()
    rooms: tuple[str, ...] = ()
    fleet_admins: tuple[str, ...] = ()


class Broker:
    """One mosquitto; `with Broker(...) as broker:` or start and stop it."""

    host = "127.0.0.1"

    def __init__(self, folder: Path, server: Certificate, roles: Roles, log_file: Path | None = None) -> None:
        """log_file: where it writes down every packet, for those who count them."""
        self.port = 0
        self._log_file = log_file
        self._folder = folder
        self._server = server
        self._roles = roles
        self._run: _Run | None = None

    def __enter__(self) -> Broker:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._run is not None and not self._run.exited.is_set()

    @property
    def pid(self) -> int:
        """Of its process, for those who measure it. Raises: BrokerUnreachable when it does not run."""
        if self._run is None or (pid := self._run.pid) is None or not self.running:
            raise BrokerUnreachable("mosquitto does not run; start it first")
        return pid

    def start(self) -> None:
        """Start, and wait until it accepts connections; after a stop or kill: on the same port.

        Raises: ToolMissing without mosquitto, BrokerUnreachable when it does not come up.
        """
        if self.running:
            return
        program, leash = _find("mosquitto", "mosquitto"), _find("setpriv", "util-linux")
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self._folder / "data").mkdir(mode=0o700, exist_ok=True)
        chosen = self.port
        for _ in range(PORT_TRIES):
            # Another process may take a free port between our look and mosquitto's bind: then we look again.
            port = chosen or _free_port()
            self._write_files(port)
            # The kernel kills the broker when the thread that started it ends, hence with us.
            command = [leash, "--pdeathsig", "KILL", program, "-c", str(self._folder / "mosquitto.conf")]
            run = _Run(command)
            if run.wait_until_running(START_TIMEOUT_S):
                self.port, self._run = port, run
                return
            run.end(signal.SIGKILL)
        raise BrokerUnreachable(f"mosquitto did not come up in {PORT_TRIES} tries:\n{run.log_tail()}")

    def stop(self) -> None:
        """End it in good order (persistence saved); no effect when it is not running."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would (SIGKILL)."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop, and start on the same port."""
        self.stop()
        self.start()

    def log_tail(self) -> str:
        """The last lines mosquitto said."""
        return self._run.log_tail() if self._run else ""

    def _end(self, how: signal.Signals) -> None:
        if self._run is not None:
            self._run.end(how)

    def _write_files(self, port: int) -> None:
        acl = self._folder / "acl"
        acl.write_text(acl_text(self._roles))
        acl.chmod(0o600)
        everything = f"log_dest file {self._log_file}\nlog_type all\n" if self._log_file else ""
        (self._folder / "mosquitto.conf").write_text(
            f"""\
user {pwd.getpwuid(os.getuid()).pw_name}
log_dest stderr
log_type error
log_type warning
log_type notice
log_type information
{everything}listener {port} {self.host}
cafile {self._server.ca_file}
certfile {self._server.cert_file}
keyfile {self._server.key_file}
require_certificate true
use_identity_as_username true
use_username_as_clientid true
allow_anonymous false
acl_file {acl}
set_tcp_nodelay true
message_size_limit {MESSAGE_MAX_BYTES}
max_queued_messages 10000
persistence true
persistence_location {self._folder / "data"}/
autosave_on_changes false
autosave_interval 1
"""
        )


def acl_text(roles: Roles) -> str:
    """The ACL file: a device writes and reads its own, a room reads devices, the fleet writes the repository.

    Room and fleet write commands; whether a van obeys one is not the broker's to say.
    """
    repo = f"lfr/v1/{roles.fleet}/repo"
    lines: list[str] = []
    for device in roles.devices:
        lines += ["", f"user {device}"]
        lines += [
            f"topic write {device_topic(roles.fleet, device, each)}" for each in (STATE, ALERTS, RECORDS, HEALTH, KEYS)
        ]
        lines += [f"topic read {device_topic(roles.fleet, device, each)}" for each in (RECEIPTS, COMMANDS)]
        lines += [f"topic read {repo}/devices/{device}/#", f"topic read {repo}/watchlists/#"]
        lines += [f"topic read {repo}/index.json", f"topic read {repo}/hints/{device}.json"]
        lines += [f"topic read {repo}/{folder}/#" for folder in ("metadata", "policies", "deployments")]
    for room in roles.rooms:
        lines += ["", f"user {room}"]
        lines += [f"topic read {all_devices_topic(roles.fleet, each)}" for each in (STATE, ALERTS, RECORDS, HEALTH)]
        lines += [f"topic write {all_devices_topic(roles.fleet, each)}" for each in (RECEIPTS, COMMANDS)]
    for admin in roles.fleet_admins:
        lines += [
            "",
            f"user {admin}",
            f"topic readwrite {repo}/#",
            f"topic read {all_devices_topic(roles.fleet, '#')}",
            f"topic write {all_devices_topic(roles.fleet, COMMANDS)}",
        ]
    return "\n".join(lines) + "\n"


class _Run:
    """One life of the process, kept by a thread of its own that lives exactly as long."""

    def __init__(self, command: list[str]) -> None:
        self.exited = threading.Event()
        self._settled = threading.Event()
        self._running = False
        self._process: subprocess.Popen[str] | None = None
        self._log: deque[str] = deque(maxlen=LOG_LINES)
        threading.Thread(target=self._keep, args=(command,), name="mosquitto", daemon=True).start()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def wait_until_running(self, timeout_s: float) -> bool:
        """Whether its listeners are open; False when it ended first, or took longer."""
        return self._settled.wait(timeout_s) and self._running

    def end(self, how: signal.Signals) -> None:
        """Send the signal and wait for the end; SIGKILL when it takes too long."""
        process = self._process
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(how)
        if not self.exited.wait(STOP_TIMEOUT_S):
            process.kill()
            self.exited.wait(STOP_TIMEOUT_S)

    def log_tail(self) -> str:
        return "\n".join(self._log)

    def _keep(self, command: list[str]) -> None:
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as process:
            self._process = process
            assert process.stderr is not None
            for line in process.stderr:
                self._log.append(line.rstrip())
                # Said once all listeners are open.
                if line.rstrip().endswith(" running"):
                    self._running = True
                    self._settled.set()
        self.exited.set()
        self._settled.set()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((Broker.host, 0))
        return int(probe.getsockname()[1])


def _find(program: str, package: str) -> str:
    # Debian keeps mosquitto in /usr/sbin, which is not on every user's PATH.
    path = shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")
    if path is None:
        raise ToolMissing(f"{program} is not installed; install it with: sudo apt-get install {package}")
    return path
