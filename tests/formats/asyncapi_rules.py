"""The part of AsyncAPI 3.0's rules that our description uses, as a JSON Schema: no member that is not listed here."""

from __future__ import annotations

from typing import Any


def _closed(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "patternProperties": {r"^x-[\w\d.\-_]+$": True},
        "additionalProperties": False,
    }


def _named(of: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "propertyNames": {"pattern": r"^[\w\d.\-_]+$"}, "additionalProperties": of}


def _or_reference(of: dict[str, Any]) -> dict[str, Any]:
    return {"if": {"required": ["$ref"]}, "then": REFERENCE, "else": of}


TEXT = {"type": "string", "minLength": 1}
REFERENCE = {
    "type": "object",
    "properties": {"$ref": {"type": "string", "format": "uri-reference"}},
    "required": ["$ref"],
    "additionalProperties": False,
}
_VERSION = {"bindingVersion": {"const": "0.2.0"}}

_SERVER_MQTT = _closed(
    **_VERSION,
    clientId=TEXT,
    cleanSession={"type": "boolean"},
    keepAlive={"type": "integer"},
    maximumPacketSize={"type": "integer", "minimum": 1, "maximum": 4_294_967_295},
)
_OPERATION_MQTT = _closed(
    **_VERSION,
    qos={"enum": [0, 1, 2]},
    retain={"type": "boolean"},
    messageExpiryInterval={"type": "integer", "minimum": 0, "maximum": 4_294_967_295},
)
_PARAMETER = _closed(
    description=TEXT,
    default={"type": "string"},
    enum={"type": "array", "items": {"type": "string"}},
    examples={"type": "array", "items": {"type": "string"}},
    location={"type": "string", "pattern": r"^\$message\.(header|payload)#(/[^/~]*)*$"},
)
_MESSAGE = _closed(
    name=TEXT,
    title=TEXT,
    summary=TEXT,
    description=TEXT,
    contentType={"type": "string", "pattern": r"^[\w.+-]+/[\w.+-]+$"},
    payload=_or_reference({"type": "object"}),
)
_CHANNEL = _closed(
    address={"type": ["string", "null"]},
    title=TEXT,
    summary=TEXT,
    description=TEXT,
    messages=_named(_or_reference(_MESSAGE)),
    parameters=_named(_or_reference(_PARAMETER)),
    servers={"type": "array", "items": REFERENCE, "uniqueItems": True},
)
_OPERATION = _closed(
    ("action", "channel"),
    action={"enum": ["send", "receive"]},
    channel=REFERENCE,
    messages={"type": "array", "items": REFERENCE},
    summary=TEXT,
    description=TEXT,
    bindings=_closed(mqtt=_OPERATION_MQTT),
)
_SERVER = _closed(
    ("host", "protocol"),
    host=TEXT,
    pathname=TEXT,
    protocol={"enum": ["mqtt", "secure-mqtt", "mqtts"]},
    protocolVersion=TEXT,
    description=TEXT,
    variables=_named(
        _closed(description=TEXT, default=TEXT, enum={"type": "array"}, examples={"type": "array", "items": TEXT})
    ),
    security={"type": "array", "items": _or_reference({"type": "object", "required": ["type"]})},
    bindings=_closed(mqtt=_SERVER_MQTT),
)
RULES: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    **_closed(
        ("asyncapi", "info"),
        asyncapi={"const": "3.0.0"},
        id={"type": "string", "format": "uri"},
        info=_closed(("title", "version"), title=TEXT, version=TEXT, description=TEXT),
        defaultContentType=TEXT,
        servers=_named(_or_reference(_SERVER)),
        channels=_named(_or_reference(_CHANNEL)),
        operations=_named(_or_reference(_OPERATION)),
        components=_closed(
            securitySchemes=_named(_closed(("type",), type={"enum": ["X509"]}, description=TEXT)),
            parameters=_named(_PARAMETER),
            messages=_named(_MESSAGE),
            schemas=_named({"type": "object"}),
        ),
    ),
}
