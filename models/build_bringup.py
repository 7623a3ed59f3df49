"""Build the bring-up pack from its training runs: networks to int8, manifest beside them."""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from edge.drivers.litert import choose_runtime
from edge.errors import LfrError
from edge.formats.pack import DetectorSize, DetectorSpec, EmbedderSpec, NetworkInput, PackFile, PackManifest
from edge.trust.packs import MANIFEST_NAME
from models.progress import counting_bar
from models.training import held_out
from models.training.bringup import build_detectors, build_embedder
from models.training.geometry import ALIGNMENT, DIMENSION, INPUT_PX

OWN_PACK = Path(__file__).resolve().parent / "packs" / "bringup"

_SUMMARY = (
    "Finds and compares rendered people, to bring up, demonstrate and test an appliance. "
    "Not fit for real faces: see MODEL_CARD.md."
)
_LICENCE = "as this software; no other's data or weights are in it"
_TRAINING_DATA = "people drawn by hw-sim's rendered street; no real person"

_HEAD = """\
# The bring-up pack: trained by this project, on rendered people alone. MODEL_CARD.md says how, and what it reaches.
# Written by: python -m models.build_bringup
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m models.build_bringup", description=__doc__)
    parser.add_argument("--detector", type=Path, required=True, metavar="RUN", help="--out of train_detector")
    parser.add_argument("--embedder", type=Path, required=True, metavar="RUN", help="--out of train_embedder")
    parser.add_argument(
        "--version", type=int, default=1, metavar="N", help="of the pack; goes up with every change (1)"
    )
    parser.add_argument("--out", type=Path, default=OWN_PACK, metavar="DIR", help="default: this software's own pack")
    options = parser.parse_args(argv)
    try:
        _build(options)
    except LfrError as error:
        print(f"build_bringup: {error}", file=sys.stderr)
        return 2
    return 0


def _build(options: argparse.Namespace) -> None:
    runtime = choose_runtime("litert", 1)
    with counting_bar("looking at frames") as report:
        frames = held_out.calibration_frames()
        detectors = build_detectors(options.detector, runtime, frames, held_out.SIZES_PX, report)
    with counting_bar("looking at faces") as report:
        embedder = build_embedder(options.embedder, runtime, held_out.calibration_faces(), report)
    contents = {f"detector_{w}x{h}_int8.tflite": built.int8 for (w, h), built in detectors.items()}
    contents["embedder_int8.tflite"] = embedder.int8
    files = {
        name: PackFile(name=name, sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content))
        for name, content in contents.items()
    }
    sizes = tuple(
        DetectorSize(input=_picture(width, height), files={"int8": files[f"detector_{width}x{height}_int8.tflite"]})
        for width, height in detectors
    )
    manifest = PackManifest(
        name="bringup",
        version=options.version,
        purpose="bring-up",
        summary=_SUMMARY,
        licence=_LICENCE,
        training_data=_TRAINING_DATA,
        detector=DetectorSpec(
            decoder="yunet",
            face_min_px=held_out.FACE_MIN_PX,
            score_min=held_out.SCORE_MIN,
            nms_iou=held_out.NMS_IOU,
            sizes=sizes,
        ),
        embedder=EmbedderSpec(
            input=_picture(INPUT_PX, INPUT_PX),
            dimension=DIMENSION,
            alignment=[list(point) for point in ALIGNMENT],
            files={"int8": files["embedder_int8.tflite"]},
        ),
    )
    options.out.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (options.out / name).write_bytes(content)
    fields = manifest.model_dump(mode="json", exclude_none=True)
    text = _HEAD + yaml.safe_dump(fields, sort_keys=False, width=120)
    (options.out / MANIFEST_NAME).write_text(text, encoding="utf-8")


def _picture(width_px: int, height_px: int) -> NetworkInput:
    return NetworkInput(width_px=width_px, height_px=height_px, channels="bgr")


if __name__ == "__main__":
    sys.exit(main())
