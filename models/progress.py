"""Progress on a terminal: bars on standard error; nothing where that is no terminal, or rich is not installed."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from collections.abc import Callable, Iterator

from edge.formats.pack import PackFile


@contextlib.contextmanager
def download_bars() -> Iterator[Callable[[PackFile, int], None]]:
    """A function to be told of each file and how many bytes of it are here."""
    if not _bars_can_be_shown():
        yield lambda file, done_bytes: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        tasks = {}

        def report(file: PackFile, done_bytes: int) -> None:
            if file.name not in tasks:
                tasks[file.name] = progress.add_task(file.name, total=file.size_bytes)
            progress.update(tasks[file.name], completed=done_bytes)

        yield report


@contextlib.contextmanager
def counting_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A function to be told how many are done, of how many; from any thread."""
    if not _bars_can_be_shown():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


class StepLines:
    """Implements BuildProgress: a numbered line for each step, and a share where one takes a while; standard error."""

    def __init__(self) -> None:
        self._steps = 0
        self._shown_percent = -1

    def begin(self, step: str) -> None:
        """See BuildProgress."""
        self._steps += 1
        self._shown_percent = -1
        print(f"{self._steps}. {step}", file=sys.stderr, flush=True)

    def count(self, done: int, total: int) -> None:
        """See BuildProgress. On a terminal the line is written over; elsewhere each tenth has one."""
        percent = 100 * done // total
        tty = sys.stderr.isatty()
        if percent // (1 if tty else 10) == self._shown_percent // (1 if tty else 10):
            return
        self._shown_percent = percent
        print(f"   {percent:3d} %", file=sys.stderr, flush=True, end="\r" if tty and done < total else "\n")


def _bars_can_be_shown() -> bool:
    return sys.stderr.isatty() and importlib.util.find_spec("rich") is not None
