"""The JSON Schemas are those of the fields, are valid, and agree with the vectors where a schema can say it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from referencing import Registry, Resource

from edge.formats import json_schemas
from edge.trust.documents import canonical
from tests import made_documents
from tests.vectors import make_command_vectors as made_commands
from tests.vectors import make_order_vectors as made

SCHEMAS = json_schemas.every_schema()
REGISTRY: Any = Registry().with_resources(
    [(schema["$id"], Resource.from_contents(schema)) for schema in SCHEMAS.values()]
)
SCHEMA_OF = {
    "order": "order",
    "policy": "policy",
    "close": "signed.deployment_close",
    "stock": "event.keys",
    "deletion": "event.record",
    "health": "event.health",
    "command": "event.command",
}
NOT_BY_A_SCHEMA = {
    "order-one-person": "a rule between two fields",
    "order-recipient-twice": "values of an object that must differ",
    "policy-categories-order": "the order of a list",
    "close-key-twice": "one member of a list's objects that must differ",
    "stock-key-twice": "one member of a list's objects that must differ",
    "deletion-key-twice": "one member of a list's objects that must differ",
    "health-key-twice": "one member of a list's objects that must differ",
    "stock-recipient-twice": "one member of a list's objects that must differ",
    "close-no-date": "a day that the calendar does not have",
    "command-resume-twice-by-one": "one member of a list's objects that must differ",
}


@cache
def checker(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(SCHEMAS[name], registry=REGISTRY)


def vectors() -> list[tuple[str, str, bytes]]:
    found = []
    for path in sorted([*made.HERE.glob("*.vector"), *made_commands.HERE.glob("*.vector")]):
        head, _, body = path.read_bytes().partition(b"\n\n")
        found.append((path.stem, head.decode().splitlines()[0].removeprefix("expect: "), body))
    return found


def test_schemas_are_those_of_the_fields():
    kept = {path.name: path.read_bytes() for path in json_schemas.FOLDER.glob("*.json")}
    assert kept == json_schemas.files(), "run: python -m edge.formats.json_schemas"


@pytest.mark.parametrize("name", SCHEMAS)
def test_schema_is_valid_and_closed(name: str):
    schema = SCHEMAS[name]
    jsonschema.Draft202012Validator.check_schema(schema)
    for part in (schema, *schema.get("$defs", {}).values()):
        if part.get("type") == "object":
            assert part["additionalProperties"] is False


def test_every_reference_between_schemas_resolves():
    for name, schema in SCHEMAS.items():
        resolver = REGISTRY.resolver(schema["$id"])
        for reference in references(schema):
            assert resolver.lookup(reference).contents, name


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [found for inner in value.values() for found in references(inner)]
    return [found for inner in value for found in references(inner)] if isinstance(value, list) else []


@pytest.mark.parametrize(("name", "expect", "body"), vectors(), ids=lambda each: each if isinstance(each, str) else "")
def test_vector_and_schema_agree_where_a_schema_can_say_it(name: str, expect: str, body: bytes):
    """What a reader takes, the schema takes; what the schema refuses, the reader refuses; the rest has its reason."""
    try:
        value = json.loads(body.decode("utf-8"))
    except ValueError:
        assert expect == "DocumentInvalid"
        return
    fits = checker(SCHEMA_OF[name.partition("-")[0]]).is_valid(value)
    if expect == "ok":
        assert fits
    elif expect == "DocumentInvalid" and canonical_form(value) == body and name != "order-policy-broken":
        assert fits == (name in NOT_BY_A_SCHEMA)
    elif not fits:
        assert expect in ("DocumentInvalid", "DocumentTooLarge")


def canonical_form(value: Any) -> bytes:
    try:
        return canonical(value)
    except ValueError:
        return b""


@pytest.mark.parametrize(
    ("schema", "make"),
    [
        ("alert", made_documents.alert),
        ("deployment_statistics", made_documents.record),
        ("health", made_documents.health),
        ("receipt", made_documents.receipt),
        ("sealed_match", made_documents.match),
    ],
)
def test_what_the_house_makes_fits_its_schema(schema: str, make: Any):
    checker(schema).validate(json.loads(canonical(make().model_dump(mode="json"))))


def test_every_reason_is_about_a_vector_that_exists():
    names = {name for name, _, _ in vectors()}
    assert not {name for name in NOT_BY_A_SCHEMA if name not in names}


def test_the_files_are_shipped():
    assert '"edge.formats" = ["*.yaml", "schemas/*.json"]' in (Path(__file__).parents[2] / "pyproject.toml").read_text()
