"""recipe.yaml: from which upstream files a pack's weights are built; the manifest says what must come out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edge.config_file import parse_yaml
from edge.errors import PackInvalid
from edge.formats.pack import FileName, PackFile

RECIPE_NAME = "recipe.yaml"
_RECIPE_MAX_BYTES = 64 * 1024


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class UpstreamFile(PackFile):
    """A file of somebody else's. url: where its makers publish it; source: where it lies below --from."""

    url: Annotated[str, Field(pattern=r"^https://[A-Za-z0-9.-]+/[A-Za-z0-9._/-]{1,400}$")]


class DetectorRecipe(_Part):
    """A YuNet as ONNX. ranges: the file of its calibration, beside the recipe."""

    onnx: UpstreamFile
    ranges: FileName


class EmbedderRecipe(_Part):
    """An embedder as OpenVINO IR. ranges: the file of its calibration, beside the recipe."""

    xml: UpstreamFile
    bin: UpstreamFile
    ranges: FileName


class Recipe(_Part):
    """How a pack's networks are made."""

    detector: DetectorRecipe
    embedder: EmbedderRecipe

    def upstream(self) -> tuple[UpstreamFile, ...]:
        """Every file that has to be fetched."""
        return (self.detector.onnx, self.embedder.xml, self.embedder.bin)


def read_recipe(folder: Path) -> Recipe | None:
    """The recipe beside a pack's manifest; None where its weights are fetched as they are. Raises: PackInvalid."""
    path = folder / RECIPE_NAME
    if not path.is_file():
        return None
    data = path.read_bytes()
    if len(data) > _RECIPE_MAX_BYTES:
        raise PackInvalid(f"{path}: {len(data)} bytes, need at most {_RECIPE_MAX_BYTES}")
    try:
        return Recipe.model_validate(parse_yaml(data))
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()[:8])
        raise PackInvalid(f"{path}: {faults}") from None
    except ValueError as error:
        raise PackInvalid(f"{path}: {error}") from None
