"""The house keeps its own rules: small files, no stray clock or print, no trace of one machine, commands answer."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LINES_MAX = 350
"""Aim for 300 at most; past this, look for the second room."""

MAY_PRINT = ("edge/cli.py", "edge/*_main.py")
WALL_CLOCK = {("time", "time"), ("time", "time_ns"), ("datetime", "now"), ("datetime", "utcnow"), ("date", "today")}

# Put together here, so that this file does not hold what it looks for.
ONE_MACHINE = re.compile(r"(?<![\w.}/-])/(?:" + "|".join(("work", "root", "home", "Users")) + ")/")
REGISTRY = re.compile("|".join(f"{name}[.]{end}" for name, end in (("pypi", "org"), ("pythonhosted", "org"))))
UNFINISHED = re.compile(r"\b(?:" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X")) + r")\b")

COMMANDS = sorted(
    (entry for entry in importlib.metadata.distribution("lfr-edge").entry_points if entry.group == "console_scripts"),
    key=lambda entry: entry.name,
)


@cache
def kept_files() -> tuple[Path, ...]:
    """Every file that git keeps, or would on the next commit."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        timeout=60,
    )
    paths = (ROOT / name for name in listed.stdout.decode().split("\0") if name)
    return tuple(sorted(path for path in paths if path.is_file()))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def python_files(folder: str = "") -> list[Path]:
    return [path for path in kept_files() if path.suffix == ".py" and name_of(path).startswith(folder)]


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def text_lines() -> Iterator[tuple[str, str]]:
    """Each line of each kept text file, with "name:number" before it."""
    for path in kept_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            yield f"{name_of(path)}:{number}", line


def calls_in(path: Path) -> Iterator[tuple[ast.Call, str, str]]:
    """Each call in a file, with the last two names it is called by: ("time", "sleep"), ("", "print")."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Name):
                yield node, "", called.id
            elif isinstance(called, ast.Attribute):
                owner = called.value
                yield node, getattr(owner, "attr", getattr(owner, "id", "")), called.attr


def test_files_stay_small():
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in python_files()}
    assert not {name: lines for name, lines in lengths.items() if lines > LINES_MAX}


def test_every_module_says_its_job():
    assert not [name_of(path) for path in python_files() if not ast.get_docstring(tree_of(path))]


def test_edge_prints_only_from_its_commands():
    wrong = [
        f"{name_of(path)}:{call.lineno}"
        for path in python_files("edge/")
        if not any(fnmatchcase(name_of(path), pattern) for pattern in MAY_PRINT)
        for call, owner, name in calls_in(path)
        if (owner, name) == ("", "print")
    ]
    assert not wrong


def test_edge_reads_the_wall_clock_in_one_place():
    wrong = [
        f"{name_of(path)}:{call.lineno}"
        for path in python_files("edge/")
        if name_of(path) != "edge/clock.py"
        for call, owner, name in calls_in(path)
        if (owner, name) in WALL_CLOCK
    ]
    assert not wrong


def test_tests_never_sleep():
    wrong = [
        f"{name_of(path)}:{call.lineno}"
        for path in python_files("tests/")
        for call, owner, name in calls_in(path)
        if (owner, name) == ("time", "sleep")
    ]
    assert not wrong


def test_no_bare_except():
    wrong = [
        f"{name_of(path)}:{node.lineno}"
        for path in python_files()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ExceptHandler) and node.type is None
    ]
    assert not wrong


@pytest.mark.parametrize(
    "pattern", [ONE_MACHINE, REGISTRY, UNFINISHED], ids=["paths_of_one_machine", "package_registries", "unfinished"]
)
def test_no_file_holds(pattern: re.Pattern[str]):
    assert not [f"{where}: {line.strip()[:100]}" for where, line in text_lines() if pattern.search(line)]


def test_scripts_can_be_run():
    scripts = [path for path in kept_files() if name_of(path).startswith(("scripts/", ".ci/"))]
    assert not [name_of(path) for path in scripts if not path.stat().st_mode & 0o111]


def test_make_targets_named_in_the_documents_exist():
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set()
    documents = [path for path in kept_files() if name_of(path).startswith("docs/") and path.suffix == ".md"]
    for path in (ROOT / "README.md", *documents):
        named |= set(
            re.findall(r"(?:^|`)make ([a-z-]+)(?=`|\s*$|\s+#)", path.read_text(encoding="utf-8"), re.MULTILINE)
        )
    assert {"demo", "test"} <= named <= targets


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_command_and_its_subcommands_answer_help(
    entry: importlib.metadata.EntryPoint, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def help_of(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", [*words, "--help"])
        with pytest.raises(SystemExit) as end:
            entry.load()()
        shown = capsys.readouterr().out
        assert not end.value.code
        assert " ".join(words) in shown
        return shown

    def look(*words: str) -> int:
        shown = help_of(*words)
        if "COMMAND" not in shown.partition("\n\n")[0]:
            return 0
        subcommands = re.findall(r"^ {4}([a-z][a-z-]*)(?: {2}|$)", shown, re.MULTILINE)
        assert subcommands
        return sum(1 + look(*words, each) for each in subcommands)

    assert look(entry.name)
