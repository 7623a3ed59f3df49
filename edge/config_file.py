"""A YAML file read into a strict model: bounded, no key twice, every mistake reported at once.

Also the base of all sections, and the one section that the van's and the room's files share.
"""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from edge.errors import ConfigInvalid
from edge.formats.topics import ID_PATTERN

CONFIG_MAX_BYTES = 64 * 1024


def _no_nul(path: Path) -> Path:
    if "\0" in str(path):
        raise ValueError("a path cannot hold a NUL character")
    return path


Identifier = Annotated[str, Field(pattern=ID_PATTERN)]
PathText = Annotated[Path, Field(strict=False), AfterValidator(_no_nul)]


class Section(BaseModel):
    """A mapping in a configuration file; unknown keys, coerced types and non-finite numbers are mistakes."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


S = TypeVar("S", bound=Section)


class BrokerSettings(Section):
    """The MQTT 5 broker, mutual TLS."""

    host: str = Field(min_length=1, max_length=253)
    port: int = Field(8883, ge=1, le=65535)
    ca_file: PathText
    cert_file: PathText
    key_file: PathText
    keepalive_s: int = Field(20, ge=5, le=600, description="MQTT keep-alive, s")
    reconnect_max_s: float = Field(30.0, ge=0.5, le=300, description="longest wait between attempts, s")


_MERGE_TAG = "tag:yaml.org,2002:merge"


class _PlainLoader(yaml.SafeLoader):
    """PyYAML keeps the last of two equal keys in silence, also by merging (`<<`), and a few aliases make
    gigabytes: we refuse all three."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(problem="aliases are not allowed", problem_mark=self.peek_event().start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            key = str(getattr(key_node, "value", key_node))
            if key_node.tag == _MERGE_TAG:
                raise yaml.MarkedYAMLError(problem="merging is not allowed", problem_mark=key_node.start_mark)
            if key in seen:
                raise yaml.MarkedYAMLError(problem=f"key {key!r} given twice", problem_mark=key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def parse_yaml(data: bytes) -> Any:
    """The value of a YAML document. Raises: ValueError for any but plain YAML: no key twice, merge or alias."""
    try:
        return yaml.load(data.decode("utf-8"), Loader=_PlainLoader)
    except (yaml.YAMLError, ValueError, RecursionError, LookupError, AttributeError, TypeError) as error:
        # The last four are PyYAML's own on tags that do not fit their value, such as "!!int ''".
        raise ValueError(f"not readable as YAML: {error}") from None


def load_yaml_model(path: Path, model: type[S]) -> S:
    """The settings in a file; relative paths in it are relative to its folder.

    Raises: ConfigInvalid, whose message has one line for every mistake.
    """
    try:
        with path.open("rb") as file:
            data = file.read(CONFIG_MAX_BYTES + 1)
    except OSError as error:
        raise ConfigInvalid(f"{path}: cannot be read: {error.strerror}") from None
    if len(data) > CONFIG_MAX_BYTES:
        raise ConfigInvalid(f"{path}: more than {CONFIG_MAX_BYTES} bytes")
    try:
        value = parse_yaml(data)
    except ValueError as error:
        raise ConfigInvalid(f"{path}: {error}") from None
    if not isinstance(value, dict):
        wanted = ", ".join(list(model.model_fields)[:2])
        raise ConfigInvalid(f"{path}: need keys ({wanted}, …) at the top, found {type(value).__name__}")
    try:
        settings = model.model_validate(value)
    except ValidationError as error:
        raise ConfigInvalid(f"{path}: {_list_mistakes(error)}") from None
    return _with_absolute_paths(settings, path.resolve().parent)


def _list_mistakes(error: ValidationError) -> str:
    lines = []
    for item in error.errors():
        where = ".".join(map(str, item["loc"]))
        given = "" if isinstance(item["input"], dict) else f" (found {str(item['input'])[:60]!r})"
        what = "unknown key" if item["type"] == "extra_forbidden" else item["msg"]
        lines.append(f"  {where}: {what}{given}")
    noun = "mistake" if len(lines) == 1 else "mistakes"
    return f"{len(lines)} {noun}\n" + "\n".join(lines)


def _with_absolute_paths(settings: S, base: Path) -> S:
    changes: dict[str, Any] = {}
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, Path):
            changes[name] = base / value
        elif isinstance(value, Section):
            changes[name] = _with_absolute_paths(value, base)
    return settings.model_copy(update=changes)
