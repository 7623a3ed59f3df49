"""The fields of a policy profile: the ceilings of a jurisdiction (POLICY.md)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from edge.formats.categories import CATEGORIES as CATEGORIES
from edge.formats.categories import RESPONSES as RESPONSES
from edge.formats.categories import Category as Category
from edge.formats.categories import Response as Response
from edge.formats.documents import ONCE, Document, Hex32, Identifier

POLICY_MAX_BYTES = 32 * 1024

MaySuspend = Literal["officer", "custodian", "room", "fleet"]
Hours = Annotated[float, Field(gt=0, le=168)]
Share = Annotated[float, Field(gt=0, lt=1)]


class Policy(Document):
    """Ceilings that no order may pass."""

    type: Literal["policy"]
    name: Identifier
    version: Annotated[int, Field(ge=1, le=2**31)]
    entries_max: Annotated[int, Field(ge=1, le=200_000)]
    categories: Annotated[list[Category], Field(min_length=1, max_length=len(CATEGORIES), json_schema_extra=ONCE)]
    deployment_h_max: Hours
    prepare_h_max: Hours
    alert_retention_h_max: Annotated[float, Field(gt=0, le=744)]
    staleness_s_max: Annotated[int, Field(ge=60, le=86_400)]
    delta_entries_max: Annotated[int, Field(ge=1, le=1_000)]
    false_alert_ceiling: Share
    similarity_fpir_max: Share
    may_suspend: Annotated[list[MaySuspend], Field(min_length=1, max_length=4, json_schema_extra=ONCE)]

    @field_validator("categories")
    @classmethod
    def _in_order_once(cls, value: list[Category]) -> list[Category]:
        if value != [each for each in CATEGORIES if each in value]:
            raise ValueError("each category once, in the order of the closed set")
        return value

    @field_validator("may_suspend")
    @classmethod
    def _once(cls, value: list[MaySuspend]) -> list[MaySuspend]:
        if len(set(value)) != len(value):
            raise ValueError("each once")
        return value


class PolicyReference(Document):
    """The profile an order is under."""

    name: Identifier
    version: Annotated[int, Field(ge=1, le=2**31)]
    sha256: Hex32
