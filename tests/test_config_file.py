"""A configuration file is plain YAML within bounds, and every mistake in it is said at once."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import Field

from control_room.config import RoomSettings
from edge.config import Settings
from edge.config_file import CONFIG_MAX_BYTES, Identifier, PathText, Section, load_yaml_model, parse_yaml
from edge.errors import ConfigInvalid


class Inner(Section):
    file: PathText
    options: dict[str, str] = Field(default_factory=dict)


class Outer(Section):
    id: Identifier
    count: int = Field(3, ge=1, le=9)
    rate_hz: float = Field(1.0, gt=0, le=100)
    wanted: bool = False
    folder: PathText | None = None
    inner: Inner


GOOD = "id: van-1\ninner:\n  file: keys/van.key\n"


def load(tmp_path: Path, text: str | bytes) -> Outer:
    path = tmp_path / "x.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_yaml_model(path, Outer)


def test_paths_are_relative_to_the_folder_of_the_file(tmp_path: Path):
    read = load(tmp_path, GOOD + "folder: /elsewhere\n")
    assert read.inner.file == tmp_path / "keys/van.key"
    assert read.folder == Path("/elsewhere")


def test_all_mistakes_are_said_at_once_each_with_its_path(tmp_path: Path):
    with pytest.raises(ConfigInvalid) as refusal:
        load(tmp_path, "id: Van 1\ncount: 10\nrate_hz: .nan\nwnated: true\ninner:\n  options: {a: 1}\n")
    first, *mistakes = str(refusal.value).splitlines()
    assert first.endswith("x.yaml: 6 mistakes")
    assert [line.strip().split(":")[0] for line in mistakes] == [
        "id",
        "count",
        "rate_hz",
        "inner.file",
        "inner.options.a",
        "wnated",
    ]
    assert "unknown key" in mistakes[5]


@pytest.mark.parametrize(
    "line",
    [
        "count: yes",
        "count: '3'",
        "count: 3.0",
        "rate_hz: '1'",
        "rate_hz: true",
        "wanted: 1",
        "wanted: 'no'",
        "wanted: ''",
    ],
)
def test_value_of_another_type_is_a_mistake_and_not_converted(tmp_path: Path, line: str):
    with pytest.raises(ConfigInvalid, match="1 mistake"):
        load(tmp_path, GOOD + line + "\n")


def test_whole_number_stands_for_a_float(tmp_path: Path):
    assert load(tmp_path, GOOD + "rate_hz: 5\n").rate_hz == 5.0


@pytest.mark.parametrize("value", ["5", "true", "[a]", "{a: b}", '"a\\0b"', "!!binary AAAA", "2026-01-01"])
def test_path_is_a_text_without_nul(tmp_path: Path, value: str):
    with pytest.raises(ConfigInvalid, match="folder"):
        load(tmp_path, f"{GOOD}folder: {value}\n")


@pytest.mark.parametrize(
    "text",
    [
        GOOD + "id: van-2\n",
        GOOD + "'id': van-2\n",
        GOOD + "  file: other\n",
        "id: van-1\ninner: {file: a, file: b}\n",
        "id: van-1\ninner: {file: a, options: {x: '1', x: '2'}}\n",
    ],
)
def test_key_given_twice_is_a_mistake(tmp_path: Path, text: str):
    with pytest.raises(ConfigInvalid, match="given twice"):
        load(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        "<<: {id: van-2}\n" + GOOD,
        GOOD + "<<: [{count: 1}, {count: 2}]\n",
        "id: van-1\ninner: {file: a, options: {<<: {x: '1'}, x: '2'}}\n",
    ],
)
def test_merging_gives_no_key_twice_in_silence(tmp_path: Path, text: str):
    with pytest.raises(ConfigInvalid, match="merging is not allowed"):
        load(tmp_path, text)


def test_quoted_merge_key_is_an_ordinary_key(tmp_path: Path):
    assert load(tmp_path, "id: van-1\ninner: {file: a, options: {'<<': x}}\n").inner.options == {"<<": "x"}


@pytest.mark.parametrize(
    "text",
    [
        b"\xff\xfe\x00",
        b"a: \x00",
        b"\xc3\x28: 1",
        b"a: [",
        b"a: 'x",
        b"\ta: 1",
        b"a: *b",
        b"a: &a [*a]",
        b"a: &a 1\nb: *a",
        b"a: !!python/object/apply:os.system [x]",
        b"a: !!python/name:os.system",
        b"a: !local 1",
        b"a: !!int ''",
        b"a: !!float x",
        b"a: !!timestamp x",
        b"a: !!binary 'a'",
        b"a: !!omap x",
        b"? [a]\n: 1",
        b"? {a: b}\n: 1",
        b"a: 2001-99-99",
        b"a: " + b"1" * 5000,
        b"--- a\n--- b",
        b"%YAML 9.9\n---\na: 1",
        b"[" * 20_000,
        b"{a: " * 10_000,
        b"- " * 20_000,
    ],
    ids=lambda text: repr(text[:24]),
)
def test_yaml_that_is_not_plain_is_refused(tmp_path: Path, text: bytes):
    with pytest.raises(ConfigInvalid, match="not readable as YAML"):
        load(tmp_path, text)


@pytest.mark.parametrize("text", ["", "# nothing\n", "text", "[1, 2]", "null", "5", "!!set {a, b}", "---\n...\n"])
def test_file_without_keys_at_the_top_is_refused_and_says_which_are_needed(tmp_path: Path, text: str):
    with pytest.raises(ConfigInvalid, match=r"id, count"):
        load(tmp_path, text)


def test_aliases_that_would_make_gigabytes_are_refused(tmp_path: Path):
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [f"{new}: &{new} [{', '.join(['*' + old] * 9)}]" for old, new in zip("abcdefgh", "bcdefghi", strict=True)]
    with pytest.raises(ConfigInvalid, match="aliases are not allowed"):
        load(tmp_path, "\n".join(lines))


def test_file_over_the_cap_is_not_parsed(tmp_path: Path):
    with pytest.raises(ConfigInvalid, match=f"more than {CONFIG_MAX_BYTES} bytes"):
        load(tmp_path, b"[" * (CONFIG_MAX_BYTES + 1))
    assert load(tmp_path, (GOOD + "#" * (CONFIG_MAX_BYTES - len(GOOD))).encode()).id == "van-1"


def test_endless_file_is_not_read_to_its_end():
    with pytest.raises(ConfigInvalid, match="more than"):
        load_yaml_model(Path("/dev/zero"), Outer)


def test_missing_file_and_folder_are_refused_by_name(tmp_path: Path):
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(ConfigInvalid, match=f"{path}: cannot be read"):
            load_yaml_model(path, Outer)


def test_long_values_are_not_repeated_in_full(tmp_path: Path):
    with pytest.raises(ConfigInvalid) as refusal:
        load(tmp_path, f"id: {'x' * 5000}\n{'y' * 100}: {'z' * 5000}\ninner: {{file: a}}\n")
    assert len(str(refusal.value)) < 1000


_YAML_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.dates() | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6) | st.integers(), inner, max_size=3),
    max_leaves=8,
)
_YAML_TOKENS = (
    """a : - ? &a *a !!int !!set !!omap !!pairs !!binary << { } [ ] , | > ' " \\ # % @ --- ... 1 .inf ~ 0o7 1:2"""
)
_YAML_PIECES = st.lists(st.sampled_from([*_YAML_TOKENS.split(), " ", "\n", "\t"]), max_size=25).map("".join)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=_YAML_PIECES.map(str.encode) | st.binary(max_size=120) | st.text(max_size=120).map(str.encode))
def test_any_bytes_are_a_value_or_a_value_error(data: bytes):
    with contextlib.suppress(ValueError):
        parse_yaml(data)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=_YAML_PIECES.map(str.encode) | st.binary(max_size=120))
@pytest.mark.parametrize("model", [Settings, RoomSettings])
def test_any_bytes_are_no_settings(tmp_path: Path, model: type[Section], data: bytes):
    path = tmp_path / "x.yaml"
    path.write_bytes(data)
    with pytest.raises(ConfigInvalid):
        load_yaml_model(path, model)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    model=st.sampled_from([Settings, RoomSettings]),
    data=st.data(),
    values=st.lists(_YAML_VALUES, min_size=12, max_size=12),
)
def test_any_values_at_known_keys_are_settings_or_all_their_mistakes(tmp_path, model, data, values):
    names = data.draw(st.lists(st.sampled_from(sorted(model.model_fields)), unique=True))
    path = tmp_path / "x.yaml"
    path.write_text(yaml.safe_dump(dict(zip(names, values, strict=False))), encoding="utf-8", errors="surrogatepass")
    with pytest.raises(ConfigInvalid):
        load_yaml_model(path, model)
