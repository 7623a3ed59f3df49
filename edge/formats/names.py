"""Names of files in the fleet's repository that TUF's metadata does not name itself (REPOSITORY.md)."""

from __future__ import annotations

INDEX = "index.json"
TIMESTAMP = "metadata/timestamp.json"


def hint_name(device: str) -> str:
    """Where a van may look for its order."""
    return f"hints/{device}.json"


def order_target(deployment: str) -> str:
    """The order, as a target."""
    return f"deployments/{deployment}/order.json"


def log_target(deployment: str, sequence: int) -> str:
    """An item of the log, as a target."""
    return f"deployments/{deployment}/log/{sequence:06d}.json"


def close_target(deployment: str) -> str:
    """The close, as a target."""
    return f"deployments/{deployment}/log/close.json"


def policy_target(name: str, version: int) -> str:
    """A policy profile, as a target."""
    return f"policies/{name}-{version}.json"


def deployment_role(deployment: str) -> str:
    """The TUF role that two people sign."""
    return f"deployment.{deployment}"


def log_role(deployment: str) -> str:
    """The TUF role of the log, signed online."""
    return f"log.{deployment}"


def adds_name(deployment: str, sequence: int, index: int) -> str:
    """A file with sealed additions of a delta."""
    return f"deployments/{deployment}/log/{sequence:06d}.adds-{index:02d}"


def manifest_name(deployment: str, epoch: int) -> str:
    """The manifest of a base."""
    return f"deployments/{deployment}/{epoch}/manifest.json"


def hashes_name(deployment: str, epoch: int) -> str:
    """The hashes of a base's chunks."""
    return f"deployments/{deployment}/{epoch}/hashes"


def chunk_name(deployment: str, epoch: int, index: int) -> str:
    """A sealed chunk of a base."""
    return f"deployments/{deployment}/{epoch}/chunk-{index:04d}"


def wrapped_key_name(deployment: str, epoch: int, recipient: str) -> str:
    """The content key of an epoch, wrapped to one van's key."""
    return f"deployments/{deployment}/{epoch}/key-{recipient}"
