"""The fields of an order and of its close: what authorises one deployment, and what ends it early (ORDER.md)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from edge.formats.documents import ONCE, Document, Hex32, Identifier, ThresholdBackend, UtcText
from edge.formats.policy import PolicyReference

ORDER_MAX_BYTES = 256 * 1024
VANS_MAX = 1_000

Recipient = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
"""The random id of a van's one-deployment key; it names the wrapped key's file, and nothing else."""

ShortText = Annotated[str, Field(min_length=1, max_length=200)]


class Signer(Document):
    """A person by function and key: one of the two who sign the deployment's role. key_id: as TUF's."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    key_id: Hex32


class OrderedWatchlist(Document):
    """The list at the start, and who may change it by how much."""

    manifest_sha256: Hex32
    entries_max: Annotated[int, Field(ge=1, le=200_000)]
    delta_entries_max: Annotated[int, Field(ge=1, le=1_000)]
    delta_signers: Annotated[list[Hex32], Field(min_length=2, max_length=8, json_schema_extra=ONCE)]

    @field_validator("delta_signers")
    @classmethod
    def _distinct(cls, value: list[str]) -> list[str]:
        if len(set(value)) != len(value):
            raise ValueError("a signer is named twice")
        return value


class CalibrationCertificate(Document):
    """Why the threshold is what it is: the FPIR it was set for, on how many entries, by which table."""

    fpir: Annotated[float, Field(gt=0, lt=1)]
    entries: Annotated[int, Field(ge=1, le=200_000)]
    calibration_sha256: Hex32 | None
    evidence: Literal["measured", "extrapolated", "chosen"]


class Order(Document):
    """What authorises a deployment. vans: device to the recipient id of the key that it is to open the list with."""

    type: Literal["order"]
    deployment: Identifier
    fleet: Identifier
    version: Annotated[int, Field(ge=1, le=2**31)]
    authorising_officer: Signer
    data_custodian: Signer
    use_case: Annotated[str, Field(min_length=1, max_length=400)]
    legal_basis: Annotated[str, Field(min_length=1, max_length=400)]
    place: ShortText
    not_before_utc: UtcText
    not_after_utc: UtcText
    vans: Annotated[dict[Identifier, Recipient], Field(min_length=1, max_length=VANS_MAX)]
    watchlist: OrderedWatchlist
    pack_sha256: Hex32
    similarity_threshold: Annotated[float, Field(gt=0, lt=1)]
    threshold_backend: ThresholdBackend
    calibration: CalibrationCertificate
    policy: PolicyReference
    closers: Annotated[list[Hex32], Field(min_length=1, max_length=8, json_schema_extra=ONCE)]
    room_receipt_key_hex: Hex32
    room_seal_key_hex: Hex32
    alert_retention_h: Annotated[float, Field(gt=0, le=744)]
    staleness_s: Annotated[int, Field(ge=60, le=86_400)]

    @field_validator("closers")
    @classmethod
    def _distinct(cls, value: list[str]) -> list[str]:
        if len(set(value)) != len(value):
            raise ValueError("a closer is named twice")
        return value

    @field_validator("vans")
    @classmethod
    def _own_recipients(cls, value: dict[str, str]) -> dict[str, str]:
        if len(set(value.values())) != len(value):
            raise ValueError("a recipient is named for two vans")
        return value

    @model_validator(mode="after")
    def _two_people(self) -> Order:
        if self.authorising_officer.key_id == self.data_custodian.key_id:
            raise ValueError("officer and custodian have one key: need two people")
        return self


class DeploymentClose(Document):
    """One closer's word that a deployment is over."""

    type: Literal["deployment_close"]
    fleet: Identifier
    deployment: Identifier
    made_at_utc: UtcText
    reason: ShortText
