"""A simulated TPM 2.0: swtpm as a child process, whose state outlives power cuts."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from edge.errors import ToolMissing

START_TIMEOUT_S = 10.0
_POLL_S = 0.01


class SimulatedTpm:
    """swtpm over a Unix socket; `device` is what a driver opens. A context manager."""

    def __init__(self, state_dir: Path) -> None:
        """Raises: ToolMissing without swtpm."""
        program = shutil.which("swtpm")
        if program is None:
            raise ToolMissing("swtpm is not installed; run: apt-get install --no-install-recommends swtpm")
        self._program = program
        self._state_dir = state_dir
        # sun_path is short, and folders of tests are long.
        self._runtime = Path(tempfile.mkdtemp(prefix="tpm-"))
        self.device = self._runtime / "tpm.sock"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Power on."""
        self._state_dir.mkdir(parents=True, exist_ok=True)
        self.device.unlink(missing_ok=True)
        command = [
            *(self._program, "socket", "--tpm2", "--tpmstate", f"dir={self._state_dir}"),
            *("--server", f"type=unixio,path={self.device}"),
            *("--flags", "not-need-init,startup-clear"),
        ]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        until_s = time.monotonic() + START_TIMEOUT_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until_s:
                raise ToolMissing(f"{self._program} did not start: exit code {self._process.poll()}")
            time.sleep(_POLL_S)

    def _answers(self) -> bool:
        """Bound is not listening yet."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            return probe.connect_ex(str(self.device)) == 0

    def cut_power(self) -> None:
        """kill -9: nothing is flushed, no goodbye is said."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> SimulatedTpm:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.cut_power()
        shutil.rmtree(self._runtime, ignore_errors=True)
