"""The product's unit files as a test reads them: sections of keys, each with every value given."""

from __future__ import annotations

import shlex
import sys
from collections import defaultdict
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "systemd"
EXAMPLE = FOLDER / "lfr-edge.example.yaml"
VISION, LINK, SOCKET = "lfr-edge.service", "lfr-edge-link.service", "lfr-edge.socket"
PYTHON = "/opt/lfr-edge/bin/python"

Unit = dict[str, dict[str, list[str]]]


def read_unit(name: str) -> Unit:
    """Section, key, values in their order; an empty value clears the key, as it does in systemd."""
    unit: Unit = defaultdict(lambda: defaultdict(list))
    section = ""
    for line in (FOLDER / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            unit[section][key].append(value)
    return unit


def only(unit: Unit, section: str, key: str) -> str:
    """The one value of a key."""
    (value,) = unit[section][key]
    return value


def words(unit: Unit, section: str, key: str) -> list[str]:
    """The words of all values of a key."""
    return [word for value in unit[section][key] for word in value.split()]


def command(name: str, **replaced: str) -> list[str]:
    """The command line of a service, on this machine's Python; replaced: option to value (link_user="me")."""
    arguments = shlex.split(only(read_unit(name), "Service", "ExecStart"))
    assert arguments[0] == PYTHON
    arguments[0] = sys.executable
    for option, value in replaced.items():
        arguments[arguments.index(f"--{option.replace('_', '-')}") + 1] = value
    return arguments


def lines_of(name: str) -> list[list[str]]:
    """The lines of a sysusers.d or tmpfiles.d file, each as its fields."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    return [shlex.split(line) for line in text.splitlines() if line and not line.startswith("#")]
