"""pack.yaml: what a set of models is, where its files come from, and how its tensors are read (PACK.md)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
Precision = Literal["int8", "float32"]
Purpose = Literal["operations", "bring-up"]
Subjects = Literal["synthetic", "real"]
"""Who is on a watchlist: rendered people, of whom none exists, or anybody else."""
Point = Annotated[list[Annotated[float, Field(ge=0, le=1)]], Field(min_length=2, max_length=2)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PinnedFile(_Part):
    """A file beside the manifest, by its hash."""

    name: FileName
    sha256: Sha256
    size_bytes: Annotated[int, Field(ge=1, le=200_000_000)]


class PackFile(PinnedFile):
    """One file of weights. source: its path below the folder or URL it is fetched from, its own name unless given."""

    source: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$")] | None = None

    @property
    def origin(self) -> str:
        """Where it lies below what it is fetched from."""
        return self.source or self.name


class CompanionFile(PinnedFile):
    """A file that comes with the manifest and is not installed: a calibration, or goldens."""

    size_bytes: Annotated[int, Field(ge=1, le=1_048_576)]


class NetworkInput(_Part):
    """The picture a network takes: uint8 values 0..255 in BGR, batch of one."""

    width_px: Annotated[int, Field(ge=16, le=4096)]
    height_px: Annotated[int, Field(ge=16, le=4096)]
    channels: Literal["bgr"]


class DetectorSize(_Part):
    """The detector built for pictures of one size."""

    input: NetworkInput
    files: dict[Precision, PackFile]


class DetectorSpec(_Part):
    """decoder: which network family's outputs these are. score_min and nms_iou: its operating point.

    face_min_px: the narrowest face it finds, in pixels of its input. sizes: the first serves where none is asked for.
    """

    decoder: Literal["yunet"]
    face_min_px: Annotated[float, Field(ge=4, le=400)]
    score_min: Annotated[float, Field(gt=0, lt=1)]
    nms_iou: Annotated[float, Field(gt=0, lt=1)]
    sizes: Annotated[tuple[DetectorSize, ...], Field(min_length=1, max_length=16)]

    @property
    def input(self) -> NetworkInput:
        """Of the first size."""
        return self.sizes[0].input

    @property
    def files(self) -> dict[Precision, PackFile]:
        """Of the first size."""
        return self.sizes[0].files

    def of_size(self, size: DetectorSize) -> DetectorSpec:
        """The same detector in one size alone."""
        return self.model_copy(update={"sizes": (size,)})


class EmbedderSpec(_Part):
    """alignment: the five points (eye, eye, nose, mouth corner, mouth corner; left to right in the image)
    to which a face is brought before embedding, in fractions of the input."""

    input: NetworkInput
    dimension: Annotated[int, Field(ge=16, le=2048)]
    alignment: Annotated[list[Point], Field(min_length=5, max_length=5)]
    files: dict[Precision, PackFile]


class PackManifest(_Part):
    """A pack. purpose: whether it may meet real people at all."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
    version: Annotated[int, Field(ge=1)]
    purpose: Purpose
    summary: Annotated[str, Field(min_length=1, max_length=400)]
    licence: Annotated[str, Field(min_length=1, max_length=200)]
    training_data: Annotated[str, Field(min_length=1, max_length=400)]
    detector: DetectorSpec
    embedder: EmbedderSpec
    calibration: CompanionFile | None = None
    goldens: CompanionFile | None = None

    @model_validator(mode="after")
    def _files_are_distinct(self) -> PackManifest:
        companions = [file for file in (self.calibration, self.goldens) if file is not None]
        names = [file.name for file in (*self.files(), *companions)]
        if len(set(names)) != len(names):
            raise ValueError("two files of the pack have the same name")
        if "pack.yaml" in names:
            raise ValueError("a file of the pack has the manifest's own name")
        if any(".." in file.origin.split("/") for file in self.files()):
            raise ValueError("the source of a file leaves the place it is installed from")
        if not self.detector.files.keys() & self.embedder.files.keys():
            raise ValueError("no precision for which both a detector and an embedder are given")
        shown = [(size.input.width_px, size.input.height_px) for size in self.detector.sizes]
        if len(set(shown)) != len(shown):
            raise ValueError("the detector is given twice for one size of picture")
        if any(size.files.keys() != self.detector.files.keys() for size in self.detector.sizes):
            raise ValueError("the detector is not given in the same precisions for every size")
        return self

    def files(self) -> tuple[PackFile, ...]:
        """Every file of weights."""
        detectors = (file for size in self.detector.sizes for file in size.files.values())
        return (*detectors, *self.embedder.files.values())
