"""Both halves as systemd starts them: the units' own command lines, the pipe's socket as descriptor 3."""

from __future__ import annotations

import os
import pwd
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

from edge.link.app import PIPE_NAME
from tests.link.rig import PATIENCE_S, Log
from tests.systemd.units import LINK, SOCKET, VISION, command, only, read_unit

LASTS_S = 90.0

_PASS_AS_3 = "import os, sys; os.dup2(int(sys.argv[1]), 3); os.execv(sys.argv[2], sys.argv[2:])"

OWN_USER = pwd.getpwuid(os.getuid()).pw_name


class Half:
    """A process of one half, and the lines it logs."""

    def __init__(self, arguments: list[str], pass_fd: int | None = None) -> None:
        if pass_fd is not None:
            arguments = [sys.executable, "-c", _PASS_AS_3, str(pass_fd), *arguments]
        self.logged = Log()
        self._process = subprocess.Popen(
            arguments, stderr=subprocess.PIPE, text=True, pass_fds=() if pass_fd is None else (pass_fd,)
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_logged(self, words: str) -> None:
        self.logged.wait(lambda lines: any(words in line for line in lines), words)

    def wait(self) -> int:
        """Its exit code, once it has ended by itself."""
        code = self._process.wait(LASTS_S)
        self._reader.join(PATIENCE_S)
        return code

    def stop(self) -> int:
        """End it as systemd does."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        self._process.kill()
        self.wait()

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.logged.add(line.rstrip())


class Systemd:
    """What systemd does with the three units: holds the socket, and starts the halves one by one."""

    def __init__(self, config: Path, runtime_dir: Path) -> None:
        self._config = str(config)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        path = runtime_dir / PIPE_NAME
        self._listener.bind(str(path))
        path.chmod(int(only(read_unit(SOCKET), "Socket", "SocketMode"), 8))
        self._listener.listen(int(only(read_unit(SOCKET), "Socket", "Backlog")))
        self._halves: list[Half] = []

    def start_vision(self, link_user: str = OWN_USER) -> Half:
        arguments = command(VISION, config=self._config, link_user=link_user)
        return self._keep(Half(arguments, self._listener.fileno()))

    def start_link(self) -> Half:
        return self._keep(Half(command(LINK, config=self._config)))

    def close(self) -> None:
        for half in self._halves:
            half.kill()
        self._listener.close()

    def _keep(self, half: Half) -> Half:
        self._halves.append(half)
        return half
