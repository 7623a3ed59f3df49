"""The daemon over real, tiny child processes: who is restarted, who is told to end, and with what code."""

from __future__ import annotations

import os
import signal
import socket
import stat
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge import cli, daemon
from edge.config import Settings
from edge.daemon import PIPE_NAME, RESTARTS_MAX, Daemon, HalfCommands, default_commands
from edge.errors import ConfigInvalid
from edge.exits import Exit
from tests.fake_clock import FakeClock

WAIT_S = 20.0

PRELUDE = """\
import os, signal, socket, sys
ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
ear.connect({ear!r})
def say(word):
    ear.send(({name!r} + " " + str(word)).encode())
def end_when_told(code):
    signal.signal(signal.SIGTERM, lambda *_: (say("told"), sys.exit(code)))
    say("up")
    while True:
        signal.pause()
def end_unless_repeated(code):
    \"\"\"The first time with a code, after that when told.\"\"\"
    try:
        os.mkdir({ear!r} + "." + {name!r})
    except FileExistsError:
        end_when_told(0)
    say("dies")
    sys.exit(code)
"""


class Rig:
    """Starts a daemon in a thread, and hears what its halves say."""

    def __init__(self, folder: Path, runtime_dir: Path | None = None) -> None:
        self.folder = folder
        self.clock = FakeClock()
        self.runtime_dir = runtime_dir or folder / "run"
        self._ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._ear.bind(str(folder / "ear"))
        self._ear.settimeout(WAIT_S)
        self.heard: list[str] = []
        self.daemon: Daemon | None = None
        self._result: list[Any] = []

    def settings(self) -> Settings:
        return Settings.model_validate(
            {
                "device": {
                    "id": "van-1", "fleet": "fleet-1", "state_dir": self.folder / "state",
                    "runtime_dir": self.runtime_dir,
                },
                "camera": {"kind": "picamera2"},
                "inference": {"pack_dir": "none"},
                "broker": {"host": "none", "ca_file": "none", "cert_file": "none", "key_file": "none"},
                "keys": {"signing_key_file": "none", "root_file": "none"},
                "outbox": {"drain_s": 0},
            }
        )  # fmt: skip

    def make(self, vision: str, link: str) -> Daemon:
        def command(name: str, code: str) -> tuple[str, ...]:
            prelude = PRELUDE.format(ear=str(self.folder / "ear"), name=name)
            return (sys.executable, "-S", "-E", "-c", prelude + code)

        commands = HalfCommands(command("vision", vision), command("link", link))
        self.daemon = Daemon(self.settings(), commands, self.clock)
        return self.daemon

    def start(self, vision: str, link: str) -> None:
        run = self.make(vision, link).run
        self._thread = threading.Thread(target=lambda: self._result.append(run()), daemon=True)
        self._thread.start()

    def hear(self, *words: str) -> None:
        """Wait until all of these were said."""
        while not set(words) <= set(self.heard):
            self.heard.append(self._ear.recv(1000).decode())

    def ended(self) -> int:
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive(), "the daemon did not end"
        self._ear.setblocking(False)
        try:
            while True:
                self.heard.append(self._ear.recv(1000).decode())
        except BlockingIOError:
            return int(self._result[0])

    def stop(self) -> int:
        assert self.daemon is not None
        self.daemon.request_stop()
        return self.ended()

    def close(self) -> None:
        if self.daemon is not None:
            self.daemon.request_stop()
        self._ear.close()


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    monkeypatch.setattr(daemon, "RESTART_WAIT_S", 0.0)
    rig = Rig(tmp_path)
    yield rig
    rig.close()


UNTIL_TOLD = "end_when_told(0)"


def test_stop_is_told_to_vision_first_and_to_link_once_vision_has_ended(rig: Rig):
    slow_to_close = "signal.signal(signal.SIGTERM, lambda *_: (say('told'), say('closed'), sys.exit(0)))\n" + (
        "say('up')\nwhile True: signal.pause()"
    )
    rig.start(slow_to_close, UNTIL_TOLD)
    rig.hear("vision up", "link up")
    assert rig.stop() == Exit.ENDED
    assert [word for word in rig.heard if "up" not in word] == ["vision told", "vision closed", "link told"]


@pytest.mark.parametrize("code", [Exit.ENDED, Exit.REFUSED, Exit.CAMERA_FAILED, Exit.NOT_STORED])
def test_vision_s_last_word_ends_the_daemon_with_its_code_and_is_not_retried(rig: Rig, code: Exit):
    rig.start(f"say('up'); sys.exit({int(code)})", UNTIL_TOLD)
    assert rig.ended() == code
    assert rig.heard.count("vision up") == 1


def test_rows_left_in_the_outbox_are_the_daemon_s_code(rig: Rig):
    rig.start(UNTIL_TOLD, f"end_when_told({int(Exit.ROWS_LEFT)})")
    rig.hear("vision up", "link up")
    assert rig.stop() == Exit.ROWS_LEFT


def test_vision_s_failure_is_not_hidden_by_rows_left(rig: Rig):
    rig.start(f"end_when_told({int(Exit.NOT_STORED)})", f"end_when_told({int(Exit.ROWS_LEFT)})")
    rig.hear("vision up", "link up")
    assert rig.stop() == Exit.NOT_STORED


@pytest.mark.parametrize("half", ["vision", "link"])
@pytest.mark.parametrize("death", ["sys.exit(1)", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_a_half_that_dies_is_started_again(rig: Rig, half: str, death: str):
    dying = f"try:\n    end_unless_repeated(1)\nexcept SystemExit:\n    {death}"
    rig.start(*(dying, UNTIL_TOLD) if half == "vision" else (UNTIL_TOLD, dying))
    rig.hear(f"{half} dies", "vision up", "link up")
    rig.daemon.request_stop()  # type: ignore[union-attr]


@pytest.mark.parametrize("half", ["vision", "link"])
def test_a_half_that_keeps_dying_is_given_up_and_the_other_is_ended(rig: Rig, half: str):
    dying = "say('dies'); sys.exit(1)"
    rig.start(*(dying, UNTIL_TOLD) if half == "vision" else (UNTIL_TOLD, dying))
    assert rig.ended() == Exit.HALF_KEEPS_DYING
    assert rig.heard.count(f"{half} dies") == RESTARTS_MAX


def test_deaths_long_ago_do_not_count(rig: Rig):
    class Hurrying(FakeClock):
        def monotonic_s(self) -> float:
            self.advance(daemon.RESTART_WINDOW_S)
            return super().monotonic_s()

    rig.clock = Hurrying()
    rig.start(UNTIL_TOLD, "say('dies'); sys.exit(1)")
    while rig.heard.count("link dies") <= RESTARTS_MAX + 1:
        rig.heard.append(rig._ear.recv(1000).decode())
    rig.daemon.request_stop()  # type: ignore[union-attr]


def test_vision_gets_the_listening_socket_and_link_does_not(rig: Rig):
    vision = (
        "number = int(sys.argv[sys.argv.index('--listen-fd') + 1])\n"
        "listener = socket.socket(fileno=number)\n"
        "say(listener.getsockname())\n"
        "say(listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))\n" + UNTIL_TOLD
    )
    link = (
        "say('arguments %d' % (len(sys.argv) - 1))\n"
        "inherited = [n for n in range(3, 64) if n != ear.fileno() and os.path.exists('/proc/self/fd/%d' % n)]\n"
        "say('inherited %s' % [os.readlink('/proc/self/fd/%d' % n) for n in inherited if 'socket' in "
        "os.readlink('/proc/self/fd/%d' % n)])\n" + UNTIL_TOLD
    )
    rig.start(vision, link)
    rig.hear("vision up", "link up")
    assert f"vision {rig.runtime_dir / PIPE_NAME}" in rig.heard
    assert "vision 1" in rig.heard
    assert {"link arguments 0", "link inherited []"} <= set(rig.heard)
    rig.stop()


def test_the_socket_outlives_a_vision_half_that_dies(rig: Rig):
    inode = "number = int(sys.argv[sys.argv.index('--listen-fd') + 1]); say(os.fstat(number).st_ino)\n"
    rig.start(inode + "end_unless_repeated(1)", UNTIL_TOLD)
    rig.hear("vision dies", "vision up")
    said = [word for word in rig.heard if word.split()[1].isdigit()]
    assert len(said) == 2
    assert len(set(said)) == 1
    rig.stop()


def test_the_socket_is_its_owner_s_alone_and_gone_afterwards(rig: Rig):
    rig.start(UNTIL_TOLD, UNTIL_TOLD)
    rig.hear("vision up")
    path = rig.runtime_dir / PIPE_NAME
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    rig.stop()
    assert not path.exists()


def test_a_vision_half_that_does_not_end_is_killed_and_that_is_a_crash(rig: Rig, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(daemon, "VISION_STOP_S", 0.05)
    rig.start("signal.signal(signal.SIGTERM, signal.SIG_IGN); say('up')\nwhile True: signal.pause()", UNTIL_TOLD)
    rig.hear("vision up", "link up")
    assert rig.stop() == Exit.CRASHED
    assert "link told" in rig.heard


def test_a_link_half_that_does_not_end_is_killed_and_that_is_a_crash(rig: Rig, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(daemon, "LINK_STOP_SLACK_S", 0.05)
    rig.start(UNTIL_TOLD, "signal.signal(signal.SIGTERM, signal.SIG_IGN); say('up')\nwhile True: signal.pause()")
    rig.hear("vision up", "link up")
    assert rig.stop() == Exit.CRASHED


def test_runtime_dir_too_long_for_a_socket_is_a_mistake_and_starts_nothing(tmp_path: Path):
    rig = Rig(tmp_path, runtime_dir=tmp_path / ("long" * 25) / ("longer" * 10))
    with pytest.raises(ConfigInvalid, match=r"device\.runtime_dir: .*107 bytes"):
        rig.make("say('up')", "say('up')").run()
    rig._ear.setblocking(False)
    with pytest.raises(BlockingIOError):
        rig._ear.recv(100)
    rig.close()


@pytest.mark.parametrize("section", ["state_dir", "runtime_dir"])
def test_a_folder_that_cannot_be_made_is_a_mistake_named_by_its_key(tmp_path: Path, section: str):
    (tmp_path / "file").write_text("")
    rig = Rig(tmp_path)
    made = rig.make("say('up')", "say('up')")
    device = rig.settings().device.model_copy(update={section: tmp_path / "file" / "below"})
    made._settings = rig.settings().model_copy(update={"device": device})
    with pytest.raises(ConfigInvalid, match=rf"device\.{section}"):
        made.run()
    rig.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_sigterm_and_sigint_close_the_deployment_in_order(rig: Rig, number: signal.Signals):
    held = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    both_up = str(rig.folder / "both up")
    os.mkfifo(both_up)
    ready = "signal.signal(signal.SIGTERM, lambda *_: (say('told'), sys.exit(0)))\n"
    link = f"{ready}os.close(os.open({both_up!r}, os.O_WRONLY))\n{UNTIL_TOLD}"
    vision = f"{ready}os.close(os.open({both_up!r}, os.O_RDONLY)); os.kill(os.getppid(), {int(number)})\n{UNTIL_TOLD}"
    try:
        assert cli.run_daemon(rig.make(vision, link)) == Exit.ENDED
    finally:
        for each, handler in held.items():
            signal.signal(each, handler)


def test_the_product_s_halves_are_modules_of_this_python_with_this_configuration(tmp_path: Path):
    commands = default_commands(tmp_path / "lfr-edge.yaml")
    assert commands.vision[:3] == (sys.executable, "-m", "edge.vision_main")
    assert commands.link[:3] == (sys.executable, "-m", "edge.link_main")
    assert commands.vision[3:] == commands.link[3:] == ("--config", str(tmp_path / "lfr-edge.yaml"))
