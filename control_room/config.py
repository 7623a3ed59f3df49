"""room.yaml: which fleet, which broker, which keys; read in the same manner as the van's own file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from edge.config_file import BrokerSettings, Identifier, PathText, Section, load_yaml_model

PublicKeyHex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class RoomSettings(Section):
    """The whole of room.yaml."""

    fleet: Identifier = Field(description="fleet whose vans this room serves")
    state_dir: PathText = Field(description="folder of the store; survives restarts")
    bundle_dir: PathText = Field(description="folder of the sealed .bundle files: who an entry is")
    receipt_key_file: PathText = Field(description="Ed25519 private key that signs receipts")
    seal_key_file: PathText = Field(description="X25519 private key that opens alerts")
    devices: dict[Identifier, PublicKeyHex] = Field(
        min_length=1, max_length=1000, description="vans this room believes: device id to public key, hex"
    )
    retention_h: float = Field(24.0, gt=0, le=744, description="alerts and crops are deleted after, h")
    heartbeat_interval_s: float = Field(
        5.0, ge=0.5, le=300, description="the vans' health.interval_s; silence is three of these, s"
    )
    broker: BrokerSettings


def load_room_settings(path: Path) -> RoomSettings:
    """The settings in a file; relative paths in it are relative to its folder.

    Raises: ConfigInvalid, whose message has one line for every mistake.
    """
    return load_yaml_model(path, RoomSettings)
