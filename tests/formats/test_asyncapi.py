"""asyncapi.yaml keeps AsyncAPI's rules, points at nothing that is not there, and says what the code does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from control_room.incoming import STATE_MAX_BYTES
from edge.formats import json_schemas, topics
from edge.formats.commands import COMMAND_MAX_BYTES
from edge.formats.orders import ORDER_MAX_BYTES
from edge.formats.watchlists import CHUNK_MAX_BYTES
from edge.trust.documents import DOCUMENT_MAX_BYTES
from tests.formats.asyncapi_rules import RULES

FOLDER = json_schemas.FOLDER.parent
API: dict[str, Any] = yaml.safe_load((FOLDER / "asyncapi.yaml").read_text(encoding="utf-8"))
CHECK = jsonschema.Draft202012Validator(RULES)
DEVICE_CHANNELS = (
    *(topics.STATE, topics.ALERTS, topics.RECORDS, topics.HEALTH, topics.RECEIPTS, topics.KEYS),
    topics.COMMANDS,
)


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def resolve(reference: str) -> Any:
    """What a reference points at, followed to its end. Raises: LookupError, OSError."""
    file, _, pointer = reference.partition("#")
    found: Any = json.loads((FOLDER / file).read_bytes()) if file else API
    for step in filter(None, pointer.split("/")):
        found = found[step.replace("~1", "/").replace("~0", "~")]
    return resolve(found["$ref"]) if isinstance(found, dict) and set(found) == {"$ref"} else found


def operation_of(channel: str) -> dict[str, Any]:
    (found,) = [each for each in API["operations"].values() if each["channel"]["$ref"] == f"#/channels/{channel}"]
    return found


def test_it_keeps_the_rules_of_asyncapi_3():
    jsonschema.Draft202012Validator.check_schema(RULES)
    assert not [f"{'/'.join(map(str, error.path))}: {error.message}" for error in CHECK.iter_errors(API)]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("asyncapi", "2.6.0"),
        ("info/title", None),
        ("operations/sendState/action", "publish"),
        ("operations/sendState/channel", "state"),
        ("operations/sendState/bindings/mqtt/qos", 3),
        ("channels/state/subscribe", {}),
        ("servers/broker/url", "mqtt://host"),
    ],
)
def test_the_rules_refuse_what_asyncapi_3_refuses(path: str, value: Any):
    api = deepcopy(API)
    place = api
    *steps, last = path.split("/")
    for step in steps:
        place = place[step]
    place[last] = value
    assert not CHECK.is_valid(api)


def test_every_reference_points_at_something():
    found = list(references(API))
    assert len(found) > 40
    for reference in found:
        assert resolve(reference) is not None, reference


def test_every_schema_of_a_message_is_used():
    named = {Path(reference).name for reference in references(API) if reference.startswith("./schemas/")}
    on_the_wire = {name for name in json_schemas.files() if name.startswith(("event.", "signed."))}
    assert named >= on_the_wire | {"state.json", "index.json", "hint.json", "order.json", "policy.json"}


def test_every_parameter_of_an_address_is_described_and_no_other():
    for name, channel in API["channels"].items():
        assert set(re.findall(r"{(\w+)}", channel["address"])) == set(channel["parameters"]), name


def test_messages_of_an_operation_are_those_of_its_channel():
    for operation in API["operations"].values():
        channel = operation["channel"]["$ref"]
        for message in operation.get("messages", []):
            assert message["$ref"].startswith(f"{channel}/messages/")


def test_channels_are_the_topics_of_the_code():
    addresses = {channel["address"] for channel in API["channels"].values()}
    of_code = {topics.device_topic("{fleet}", "{device}", channel) for channel in DEVICE_CHANNELS}
    assert addresses == of_code | {topics.repo_topic("{fleet}", "name").replace("/name", "/{name}")}
    channels = {value for name, value in vars(topics).items() if name.isupper() and isinstance(value, str)}
    assert {each for each in channels if re.fullmatch("[a-z]+", each)} == set(DEVICE_CHANNELS)


def test_every_example_of_a_repository_name_is_one():
    assert all(topics.is_repo_name(name) for name in API["channels"]["repo"]["parameters"]["name"]["examples"])


def test_sizes_are_those_of_the_code():
    sizes = {name: channel["x-payload-bytes-max"] for name, channel in API["channels"].items()}
    assert sizes.pop("state") == STATE_MAX_BYTES
    assert sizes.pop("repo") == CHUNK_MAX_BYTES < ORDER_MAX_BYTES
    assert sizes.pop("commands") == COMMAND_MAX_BYTES
    assert set(sizes.values()) == {DOCUMENT_MAX_BYTES}


def test_no_quality_of_service_but_1_and_nothing_retained_by_a_van_without_expiry():
    for operation in API["operations"].values():
        mqtt = operation["bindings"]["mqtt"]
        assert mqtt["qos"] == 1
        if mqtt["retain"] and operation["action"] == "send":
            assert mqtt["messageExpiryInterval"] == topics.RETAINED_EXPIRY_S


def test_what_the_van_sends_and_receives_is_as_the_table_of_topics_says():
    table = (FOLDER / "TOPICS.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(lfr/v1/\S+)` \| ([^|]+) \| ([^|]+) \| (yes|no) \|", table, re.MULTILINE)
    assert {row[0] for row in rows} == {channel["address"] for channel in API["channels"].values()}
    for address, publisher, _, retained in rows:
        (name,) = [name for name, channel in API["channels"].items() if channel["address"] == address]
        operation = operation_of(name)
        assert operation["bindings"]["mqtt"]["retain"] == (retained == "yes")
        assert (operation["action"] == "send") == ("device" in publisher)
        assert API["channels"][name]["x-publisher"] in publisher
