"""lfr-edge.yaml: every key with its type, bounds and unit; all mistakes are reported at once.

What an order decides (who, where, when, at what threshold) is no configuration and is not here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from edge.config_file import BrokerSettings, Identifier, PathText, Section, load_yaml_model


class DeviceSettings(Section):
    """Who this box is, and where it keeps its state."""

    id: Identifier = Field(description="pseudonymous device id; the subject of its client certificate")
    fleet: Identifier = Field(description="fleet the device belongs to")
    state_dir: PathText = Field(description="folder for state that survives a restart")
    runtime_dir: PathText = Field(description="folder for the pipe's socket; its path must be short")


class CameraSettings(Section):
    """Where frames come from."""

    kind: Literal["file", "folder", "v4l2", "picamera2"]
    path: PathText | None = Field(None, description="clip, picture folder, or /dev/videoN")
    width_px: int = Field(1280, ge=160, le=7680, description="full-resolution stream, px")
    height_px: int = Field(720, ge=120, le=4320, description="full-resolution stream, px")
    lores_width_px: int = Field(640, ge=0, le=1920, description="detection stream, px; 0: none")
    lores_height_px: int = Field(360, ge=0, le=1080, description="detection stream, px; 0: none")
    frames_per_s: float = Field(15.0, ge=0.5, le=120, description="asked of a live camera or a folder, frames/s")
    pace: Literal["realtime", "fast"] = Field("realtime", description="fast: every frame of a clip, no drops")
    stall_timeout_s: float = Field(3.0, ge=0.2, le=60, description="no frame for so long is a stall, s")
    retries_max: int = Field(5, ge=0, le=1000, description="re-openings in a row before giving up, count")
    retry_wait_s: float = Field(1.0, ge=0.05, le=60, description="wait before the first re-opening, s; doubles")

    @model_validator(mode="after")
    def _path_fits_kind(self) -> CameraSettings:
        if self.kind != "picamera2" and self.path is None:
            raise ValueError(f"kind {self.kind} needs a path")
        return self


class DelegateSettings(Section):
    """An accelerator's delegate, loaded by name."""

    library: str = Field(min_length=1, max_length=200, description="shared object, e.g. libedgetpu.so.1")
    options: dict[str, str] = Field(default_factory=dict, description="passed to the delegate as they are")


class InferenceSettings(Section):
    """Which pack, on what."""

    pack_dir: PathText = Field(description="folder of the pack")
    precision: Literal["int8", "float32"] = Field("int8", description="weights to run")
    runtime: Literal["auto", "litert", "tflite-runtime"] = Field("auto", description="auto: what is installed")
    threads: int = Field(1, ge=1, le=16, description="threads a model may use, count")
    delegate: DelegateSettings | None = None


class KeySettings(Section):
    """Vision's keys; link cannot read them."""

    signing_key_file: PathText = Field(description="Ed25519 private key that signs alerts and records")
    root_file: PathText = Field(description="TUF root of the fleet's repository, as it was at enrolment")
    tpm: PathText | None = Field(None, description="TPM that holds the vault's secret, /dev/tpmrm0; null: a file does")
    stock: int = Field(8, ge=1, le=64, description="one-deployment keys kept ready, count")


class QualitySettings(Section):
    """The gate a face must pass before it is compared."""

    face_width_min_px: float = Field(24.0, ge=12, le=400, description="narrower faces are too small, px")
    sharpness_min: float = Field(5.0, ge=0, le=1e4, description="variance of the Laplacian of the face at 64 px")
    yaw_max: float = Field(0.55, ge=0.05, le=1, description="nose offset over half the eye distance")
    exposure_min: float = Field(25.0, ge=0, le=254, description="mean brightness of the face, 0..255")
    exposure_max: float = Field(235.0, ge=1, le=255, description="mean brightness of the face, 0..255")

    @model_validator(mode="after")
    def _some_face_passes(self) -> QualitySettings:
        if self.exposure_min >= self.exposure_max:
            raise ValueError(f"exposure_min {self.exposure_min} is not below exposure_max {self.exposure_max}")
        return self


class TrackingSettings(Section):
    """When two faces are one passage."""

    lost_after_s: float = Field(2.0, ge=0.1, le=10, description="a passage unseen for so long is over, s")
    hits_min: int = Field(2, ge=1, le=20, description="frames before a face counts as a passage, count")


class DecisionSettings(Section):
    """When a passage becomes an alert; the threshold itself is the order's."""

    frames_min: int = Field(2, ge=1, le=20, description="frames fused before an alert, count")
    templates_max: int = Field(5, ge=1, le=20, description="best frames of a passage that are embedded, count")
    margin_min: float = Field(0.03, ge=0, le=0.5, description="similarity between first and second entry")
    cooldown_s: float = Field(60.0, ge=0, le=3600, description="one entry alerts at most once in, s")

    @model_validator(mode="after")
    def _some_passage_alerts(self) -> DecisionSettings:
        if self.frames_min > self.templates_max:
            raise ValueError(f"frames_min {self.frames_min} is more than templates_max {self.templates_max} ever fuse")
        return self


class HealthSettings(Section):
    """How often the box speaks of itself."""

    interval_s: float = Field(5.0, ge=0.5, le=300, description="between heartbeats, s")


class OutboxSettings(Section):
    """Where alerts wait for the room's receipt."""

    rows_max: int = Field(10_000, ge=10, le=1_000_000, description="rows waiting, count")
    resend_s: float = Field(5.0, ge=0.2, le=600, description="first wait for a receipt, s; doubles to 12 times")
    drain_s: float = Field(30.0, ge=0, le=600, description="on stopping, time allowed to empty it, s")


class RepositorySettings(Section):
    """How link fetches the fleet's public files."""

    rate_bytes_per_s: int = Field(4_000_000, ge=8192, le=1_000_000_000, description="fetched at most, bytes/s")
    start_jitter_s: float = Field(5.0, ge=0, le=600, description="longest random wait before the first fetch, s")
    folder: PathText | None = Field(None, description="mounted stick with the same files, for a van without a link")


class Settings(Section):
    """The whole of lfr-edge.yaml."""

    device: DeviceSettings
    camera: CameraSettings
    inference: InferenceSettings
    broker: BrokerSettings
    keys: KeySettings
    quality: QualitySettings = QualitySettings()
    tracking: TrackingSettings = TrackingSettings()
    decision: DecisionSettings = DecisionSettings()
    health: HealthSettings = HealthSettings()
    outbox: OutboxSettings = OutboxSettings()
    repository: RepositorySettings = RepositorySettings()


def load_settings(path: Path) -> Settings:
    """The settings in a file; relative paths in it are relative to its folder.

    Raises: ConfigInvalid, whose message has one line for every mistake.
    """
    return load_yaml_model(path, Settings)
