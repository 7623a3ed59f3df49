"""The example configuration is complete and true: every key, its default and its bounds, as the code has them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from edge.config import DelegateSettings, Settings, load_settings
from edge.config_file import Section, parse_yaml
from tests.systemd.units import EXAMPLE

TEXT = EXAMPLE.read_text(encoding="utf-8")
KEY = re.compile(r"^(?P<before> *)(?P<hash># )?(?P<indent> *)(?P<key>[a-z0-9_]+):(?P<rest>( .*)?)$")


def uncommented() -> dict[str, Any]:
    """The file as somebody has it who took away every "# " before a key."""
    lines = [KEY.sub(r"\g<before>\g<indent>\g<key>:\g<rest>", line) for line in TEXT.splitlines()]
    value = parse_yaml("\n".join(lines).encode())
    assert isinstance(value, dict)
    return value


def section_of(field: FieldInfo) -> type[Section] | None:
    """The section that a field holds, an optional one too."""
    for kind in (field.annotation, *get_args(field.annotation)):
        if isinstance(kind, type) and issubclass(kind, Section):
            return kind
    return None


def fields_of(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], FieldInfo]]:
    """Every key that holds a value, with its path."""
    for name, field in model.model_fields.items():
        section = section_of(field)
        if section is None:
            yield (*path, name), field
        else:
            yield from fields_of(section, (*path, name))


FIELDS = dict(fields_of(Settings))


def values_of(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every key of a file that holds a value, with its path."""
    if isinstance(value, dict) and path not in FIELDS:
        for name, inner in value.items():
            yield from values_of(inner, (*path, name))
    else:
        yield path, value


def line_of(path: tuple[str, ...]) -> tuple[bool, str]:
    """Whether a key is commented out, and what stands behind it."""
    within = TEXT.splitlines()
    for depth, name in enumerate(path):
        for index, line in enumerate(within):
            found = KEY.match(line)
            if found and found["key"] == name and len(found["before"] + found["indent"]) == 2 * depth:
                if depth == len(path) - 1:
                    return found["hash"] is not None, found["rest"]
                within = within[index + 1 :]
                break
    raise AssertionError(f"{'.'.join(path)} is not in the example")


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """The example with every key in force."""
    lines = [KEY.sub(r"\g<before>\g<indent>\g<key>:\g<rest>", line) for line in TEXT.splitlines()]
    path = tmp_path / "lfr-edge.yaml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_the_example_loads() -> None:
    assert load_settings(EXAMPLE).device.id == "van-7f3a"


def test_the_example_loads_with_every_key_in_force(whole: Path) -> None:
    as_shipped, as_uncommented = load_settings(EXAMPLE), load_settings(whole)
    assert as_uncommented.inference.delegate == DelegateSettings(library="libedgetpu.so.1")
    assert as_uncommented.model_dump(exclude={"inference"}) == as_shipped.model_dump(exclude={"inference"})


def test_every_key_is_in_the_example_and_no_other() -> None:
    assert {path for path, _ in values_of(uncommented())} == set(FIELDS)


@pytest.mark.parametrize("path", FIELDS, ids=".".join)
def test_commented_default_is_the_real_one(path: tuple[str, ...]) -> None:
    field = FIELDS[path]
    commented, _ = line_of(path)
    if field.is_required():
        assert not commented or path == ("inference", "delegate", "library")
        return
    assert commented, "a default that stands in force looks like a choice"
    given = dict(values_of(uncommented()))[path]
    default = field.get_default(call_default_factory=True)
    assert given == default
    assert type(given) is type(default)


@pytest.mark.parametrize("path", FIELDS, ids=".".join)
def test_bounds_and_unit_stand_behind_the_key(path: tuple[str, ...]) -> None:
    field = FIELDS[path]
    _, rest = line_of(path)
    comment = rest.partition(" # ")[2]
    assert comment, "needs its meaning"
    kinds = [*get_args(field.annotation)]
    for kind in kinds:
        if isinstance(kind, str):
            assert kind in comment, "needs every choice"
    limits: dict[str, float] = {}
    for constraint in field.metadata:
        for low, high in (("ge", "le"), ("min_length", "max_length")):
            limits |= {name: getattr(constraint, name) for name in (low, high) if hasattr(constraint, name)}
    if limits:
        low, high = (f"{value:.10g}" for value in limits.values())
        assert f"{low} to {high}" in comment
    last = (field.description or "").rpartition(", ")[2].partition(";")[0]
    if last in ("s", "px", "count", "frames/s"):
        assert comment.startswith(f"{last}, ")
