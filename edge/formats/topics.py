"""The topics of lfr/v1: who publishes what, and where. Names carry pseudonymous ids, never a person."""

from __future__ import annotations

import re

from edge.errors import TopicInvalid

ID_PATTERN = r"^[a-z0-9][a-z0-9-]{0,47}$"
REPO_NAME_PATTERN = r"^(?=.{1,200}\Z)[a-z0-9][a-z0-9.-]*(/[a-z0-9][a-z0-9.-]*){0,3}$"
"""At most seven slashes in a topic (AWS IoT) leave three for the name; no level begins with a dot."""
REPO_PREFIX_PATTERN = r"^[a-z0-9][a-z0-9./-]{0,199}$"

RETAINED_EXPIRY_S = 7 * 24 * 3600
"""How long a broker keeps a device's retained messages after the device was last there."""

STATE = "state"
ALERTS = "alerts"
RECORDS = "records"
HEALTH = "health"
RECEIPTS = "receipts"
KEYS = "keys"
COMMANDS = "commands"

FROM_VANS = "from-vans"
"""Of a folder that travels to the fleet: below it, by device, what vans have signed (REPOSITORY.md 5)."""

OUTBOX_CHANNELS = (ALERTS, RECORDS)
"""The channels whose messages wait in the outbox for a signed receipt."""


def device_topic(fleet: str, device: str, channel: str) -> str:
    """The topic of one device's channel."""
    return f"lfr/v1/{fleet}/devices/{device}/{channel}"


def all_devices_topic(fleet: str, channel: str) -> str:
    """The filter under which a room sees one channel of all devices."""
    return f"lfr/v1/{fleet}/devices/+/{channel}"


def is_repo_name(name: str) -> bool:
    """Whether a file of the repository may be called so: on a topic, on disk and on a stick."""
    return re.fullmatch(REPO_NAME_PATTERN, name) is not None and ".." not in name


def repo_topic(fleet: str, name: str) -> str:
    """The topic of a retained file of the fleet's repository. Raises: TopicInvalid for a name out of form."""
    if not is_repo_name(name):
        raise TopicInvalid(
            f"repository file name {name[:120]!r}: need up to four levels of lower-case letters, digits, '.' and '-'"
        )
    return f"lfr/v1/{fleet}/repo/{name}"


def device_of(topic: str) -> str:
    """The device id in a device topic. Raises: TopicInvalid when it is none."""
    levels = topic.split("/")
    named = len(levels) == 6 and levels[:2] == ["lfr", "v1"] and levels[3] == "devices"
    if not named or not all(re.fullmatch(ID_PATTERN, level) for level in (levels[2], levels[4])):
        raise TopicInvalid(f"{topic[:120]!r} is no device topic")
    return levels[4]
