"""What policy.md and security.md point at is there: files, tests by their names, links to one another."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("docs/policy.md", "docs/security.md", "provisioning/policies/README.md")
FOLDERS = "edge|provisioning|control_room|models|hw-sim|tests|docs|scripts|systemd"
POINTED_AT = re.compile(rf"`((?:{FOLDERS})/[\w./-]*?)(?:::(\w+))?`")
RULES = 14


def pointers(page: str) -> list[tuple[str, str]]:
    return POINTED_AT.findall((ROOT / page).read_text(encoding="utf-8"))


@cache
def names_in(file: str) -> frozenset[str]:
    source = (ROOT / file).read_text(encoding="utf-8")
    return frozenset(re.findall(r"^(?:async )?def (test_\w+)", source, re.MULTILINE))


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_is_named_exists(page: str):
    found = pointers(page)
    assert found
    assert not [file for file, _ in found if not (ROOT / file).exists()]


@pytest.mark.parametrize("page", PAGES)
def test_every_test_that_is_named_exists(page: str):
    named = [(file, test) for file, test in pointers(page) if test and (ROOT / file).is_file()]
    assert not [f"{file}::{test}" for file, test in named if test not in names_in(file)]


def test_every_rule_points_at_code_and_test_or_says_not_yet():
    text = (ROOT / "docs/policy.md").read_text(encoding="utf-8")
    sections = re.split(r"^## (\d+)\. ", text, flags=re.MULTILINE)[1:]
    rules = dict(zip(map(int, sections[::2]), sections[1::2], strict=True))
    assert sorted(rules) == list(range(1, RULES + 1))
    for number, section in rules.items():
        held = "- code: `" in section and "- tests: `" in section
        assert held or "**Not yet.**" in section, number
