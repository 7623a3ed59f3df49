"""The vision half's main: SIGTERM closes the deployment, and what is foreseen is one line and a code."""

from __future__ import annotations

import argparse
import logging
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge import vision_main
from edge.clock import SystemClock
from edge.errors import PackMissing
from edge.exits import Exit
from edge.vision_main import run_guarded, run_vision
from tests.fake_clock import FakeClock
from tests.vision.made import picture
from tests.vision.made_van import MadeVan, PassersBy


@pytest.fixture
def van(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MadeVan]:
    clock = FakeClock()
    clock.advance((SystemClock().now_utc() - clock.now_utc()).total_seconds())
    van = MadeVan(tmp_path, clock)
    monkeypatch.setattr(vision_main, "load_settings", lambda config: van.settings())
    monkeypatch.setattr(vision_main, "open_pack", lambda folder, precision, view: van.pack)
    monkeypatch.setattr(vision_main, "choose_runtime", lambda *_, **__: van.runtime)
    yield van
    van.close()


@pytest.fixture
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_closes_the_deployment_and_is_no_failure(van: MadeVan, number: signal.Signals):
    class Asking(PassersBy):
        """A camera that, once it delivers, has the half told to end."""

        def read(self, timeout_s: float):
            os.kill(os.getpid(), number)
            return super().read(timeout_s)

    link, camera = van.link(van.files()), Asking([picture()], then="again")
    options = argparse.Namespace(config=Path("none"), listen_fd=os.dup(van.listener.fileno()), link_user=None)
    held = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        assert run_vision(options, lambda settings, clock: camera) == Exit.ENDED
    finally:
        for each, handler in held.items():
            signal.signal(each, handler)
    assert (camera.opened, camera.running) == (1, False)
    link.wait_state("standby")


@pytest.mark.usefixtures("_logging_as_before")
def test_a_foreseen_error_is_one_line_and_exit_code_2(capfd: pytest.CaptureFixture[str]):
    def failing() -> int:
        raise PackMissing("no pack here; list them")

    assert run_guarded(failing) == Exit.REFUSED
    (line,) = capfd.readouterr().err.splitlines()
    assert line.endswith("PackMissing: no pack here; list them")


@pytest.mark.usefixtures("_logging_as_before")
def test_an_unforeseen_error_is_not_hidden():
    def failing() -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_guarded(failing)
