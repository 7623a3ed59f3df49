"""The goldens of a pack: what its networks answer to inputs that everybody can make (PACK.md 7)."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from edge.formats.pack import Sha256

Size = Annotated[int, Field(ge=1, le=100_000_000)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class GoldenOutput(_Part):
    """Some values of one output. at: places in it, flattened; values: steps from zero, or real where step is 0."""

    shape: Annotated[list[Size], Field(min_length=1, max_length=6)]
    step: Annotated[float, Field(ge=0)]
    at: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1, max_length=4096)]
    values: list[float]

    @model_validator(mode="after")
    def _each_place_has_a_value(self) -> GoldenOutput:
        places = 1
        for size in self.shape:
            places *= size
        if len(self.values) != len(self.at):
            raise ValueError(f"{len(self.values)} values for {len(self.at)} places")
        if self.at[-1] >= places or any(first >= second for first, second in pairwise(self.at)):
            raise ValueError(f"places that do not rise, or lie outside an output of {places} values")
        return self


class GoldenNetwork(_Part):
    """One file of weights."""

    weights_sha256: Sha256
    inputs_sha256: Annotated[list[Sha256], Field(min_length=1, max_length=16)]
    outputs: Annotated[list[GoldenOutput], Field(min_length=1, max_length=64)]


class Goldens(_Part):
    """All networks of a pack."""

    format: Literal[1]
    made_with: Annotated[str, Field(min_length=1, max_length=200)]
    networks: Annotated[list[GoldenNetwork], Field(min_length=1, max_length=64)]

    @model_validator(mode="after")
    def _one_for_each_file(self) -> Goldens:
        weights = [network.weights_sha256 for network in self.networks]
        if len(set(weights)) != len(weights):
            raise ValueError("two goldens for the same weights")
        return self

    def of(self, weights_sha256: str) -> GoldenNetwork | None:
        """The golden of a file of weights, if there is one."""
        return next((network for network in self.networks if network.weights_sha256 == weights_sha256), None)
