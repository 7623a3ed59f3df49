"""Rendered people and frames that no network was trained on: to calibrate on, and to measure on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from hwsim.street.rendered.head.identity import Identity, sample_identity
from hwsim.street.rendered.head.portrait import render_portrait
from hwsim.street.rendered.training import BATCH, sample_frame
from numpy.typing import NDArray

from edge.devices import Runtime
from edge.formats.pack import DetectorSize, DetectorSpec, EmbedderSpec, NetworkInput, PackFile
from edge.records import FaceBox, Frame
from edge.vision.align import Aligner
from edge.vision.detect import Detector
from models.accuracy import Templates
from models.training.face_set import SIDE_PX, views_of
from models.training.frame_set import FACES_MAX, labelled
from models.training.geometry import ALIGNMENT, DIMENSION, INPUT_PX
from models.training.measure_detector import Scene
from models.training.measure_embedder import Embed
from models.training.street_faces import WEATHERS, StreetFaces, gather, street_of

SIZES_PX = ((320, 256), (640, 480), (1280, 736))
"""Of the detectors in the pack. The first serves for enrolment photographs, where faces are large: the network sees
no further than some 130 px round a place, and larger faces are found better when they are shown smaller."""
SCENE_PX, STREET_PX = (320, 256), (640, 480)

CALIBRATION_PEOPLE = range(3_000_000, 3_100_000)
MEASURED_PEOPLE = range(3_100_000, 3_200_000)
CALIBRATION_FRAMES, CALIBRATION_FACES = 48, 160
CALIBRATION_SEED, MEASURED_SEED = 900_000 * BATCH, 910_000 * BATCH
STREET_SEED = 400
DRAW_FRAMES, DRAW_STREETS = 20 * BATCH, 10
"""How far the seeds of one draw of what is measured on lie from those of the next."""

SCORE_MIN, NMS_IOU, FACE_MIN_PX = 0.5, 0.3, 16.0
"""The detector's operating point, in the pack and here."""
_SCORE_MIN_MEASURED = 0.05


def calibration_frames() -> list[NDArray[np.uint8]]:
    """For the detector: near and far people, crowds and nobody."""
    seeds = range(CALIBRATION_SEED, CALIBRATION_SEED + CALIBRATION_FRAMES)
    return [sample_frame(seed, STREET_PX, CALIBRATION_PEOPLE).picture for seed in seeds]


def calibration_faces() -> list[NDArray[np.uint8]]:
    """For the embedder: aligned, 4 of each person."""
    margin = (SIDE_PX - INPUT_PX) // 2
    views = (view for number in range(CALIBRATION_FACES // 4) for view in views_of(CALIBRATION_PEOPLE[number], 4))
    return [np.ascontiguousarray(view[margin:-margin, margin:-margin]) for view in views]


def scenes(count: int, report: Callable[[int, int], None], draw: int = 0) -> list[Scene]:
    """Frames with their truth, of SCENE_PX. draw: which ones; each number gives others."""
    first = MEASURED_SEED + draw * DRAW_FRAMES
    made = []
    for number in range(count):
        frame = sample_frame(first + number, SCENE_PX, MEASURED_PEOPLE)
        labels = labelled(frame, FACES_MAX)
        made.append(Scene(frame.picture, labels["kinds"], labels["boxes"], labels["landmarks"]))
        report(number + 1, count)
    return made


def finder(
    runtime: Runtime, content: bytes, size_px: tuple[int, int]
) -> Callable[[NDArray[np.uint8]], Sequence[FaceBox]]:
    """A detector's answers, down to scores that no van would use."""
    detector = _detector(runtime, content, size_px, _SCORE_MIN_MEASURED)
    return lambda image: detector.detect(Frame(0, image, None, 0.0, 0.0))


def street(
    people: int,
    runtime: Runtime,
    detectors: Mapping[tuple[int, int], bytes],
    report: Callable[[int, int], None],
    draw: int = 0,
) -> tuple[StreetFaces, dict[str, NDArray[np.uint8]]]:
    """Everyone who passes a street in each weather, and everyone's enrolment photograph, aligned.

    draw: as for `scenes`.
    """
    found = _detector(runtime, detectors[STREET_PX], STREET_PX, SCORE_MIN)
    enrols = _detector(runtime, detectors[SIZES_PX[0]], SIZES_PX[0], SCORE_MIN)
    aligner = Aligner(_embedder_spec())
    share = -(-people // len(WEATHERS))
    first = STREET_SEED + draw * DRAW_STREETS
    scenarios = [street_of(first + number, share, weather) for number, weather in enumerate(WEATHERS)]
    faces = gather(scenarios, found, aligner, report)
    photographs: dict[str, NDArray[np.uint8]] = {}
    for name in faces.passed:
        portrait = render_portrait(identity_of(name))
        (face, *_) = enrols.detect(Frame(0, portrait, None, 0.0, 0.0)) or (None,)
        if face is not None:
            photographs[name] = aligner.align(portrait, face.landmarks)
    return faces, photographs


def enrolled(photographs: dict[str, NDArray[np.uint8]], embed: Embed) -> Templates:
    """One template for each photograph."""
    names = tuple(sorted(photographs))
    return Templates(embed(np.stack([photographs[name] for name in names])), names)


def embed_with(runtime: Runtime, content: bytes) -> Embed:
    """An embedder of ours."""
    model = runtime.load(content, "embedder")

    def embed(faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        raw = np.stack([model.run(face[None])[0].reshape(DIMENSION) for face in faces])
        return np.asarray(raw / np.linalg.norm(raw, axis=1, keepdims=True), np.float32)

    return embed


def groups_of(people: Sequence[str]) -> dict[str, dict[str, str]]:
    """Everyone's declared sex, age band and tone band."""
    identities = {name: identity_of(name) for name in people}
    return {
        "sex": {name: identity.sex for name, identity in identities.items()},
        "age": {name: identity.age_band for name, identity in identities.items()},
        "tone": {name: str(identity.tone_band) for name, identity in identities.items()},
    }


def identity_of(name: str) -> Identity:
    """Whom the street calls so."""
    return sample_identity(int(name.rpartition("-")[2]))


def _detector(runtime: Runtime, content: bytes, size_px: tuple[int, int], score_min: float) -> Detector:
    shown = NetworkInput(width_px=size_px[0], height_px=size_px[1], channels="bgr")
    file = PackFile(name="detector", sha256="0" * 64, size_bytes=len(content))
    size = DetectorSize(input=shown, files={"int8": file})
    spec = DetectorSpec(decoder="yunet", face_min_px=FACE_MIN_PX, score_min=score_min, nms_iou=NMS_IOU, sizes=(size,))
    return Detector(runtime.load(content, "detector"), spec)


def _embedder_spec() -> EmbedderSpec:
    return EmbedderSpec(
        input=NetworkInput(width_px=INPUT_PX, height_px=INPUT_PX, channels="bgr"),
        dimension=DIMENSION,
        alignment=[list(point) for point in ALIGNMENT],
        files={},
    )
