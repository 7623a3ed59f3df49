"""Faces of people who pass a rendered street, found, judged and aligned as on the van, each with whose it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from hwsim.street.rendered.scenario import CameraSection, CrowdSection, Scenario, WeatherSection
from hwsim.street.rendered.scene import RenderedStreet
from hwsim.street.truth import PersonSeen, iou
from numpy.typing import NDArray

from edge.config import QualitySettings
from edge.records import FaceBox, Frame
from edge.vision.align import Aligner
from edge.vision.detect import Detector
from edge.vision.quality import QualityGate

WEATHERS = ("noon", "overcast", "dusk", "sodium")
OVERLAP_MIN = 0.4
FRAMES_PER_S = 5.0


@dataclass(frozen=True, eq=False)
class StreetFaces:
    """aligned: uint8 (n, h, w, 3), by the landmarks the detector gave; aligned_by_truth: by the true ones. people: n
    names; qualities: float32 (n,). passed: everyone who passed; those with no face here were never seen well."""

    aligned: NDArray[np.uint8]
    aligned_by_truth: NDArray[np.uint8]
    people: tuple[str, ...]
    qualities: NDArray[np.float32]
    passed: tuple[str, ...]


def street_of(seed: int, people: int, weather: str) -> Scenario:
    """A street to measure on: a van's view, everybody towards the camera."""
    return Scenario(
        about="people to be measured on",
        seed=seed,
        camera=CameraSection(frames_per_s=FRAMES_PER_S, jpeg_quality=85),
        weather=WeatherSection(like=weather),
        crowd=CrowdSection(people=people, wanted=0, density=3.0, away_share=0.0, down_share=0.0),
    )


def gather(
    scenarios: Sequence[Scenario], detector: Detector, aligner: Aligner, report: Callable[[int, int], None]
) -> StreetFaces:
    """Everyone who passes the streets. report: told how many frames are done, of how many."""
    gate = QualityGate(QualitySettings())
    streets = [RenderedStreet(scenario) for scenario in scenarios]
    total, done = sum(street.header.frames for street in streets), 0
    aligned, by_truth, people, qualities = [], [], [], []
    for street in streets:
        for index in range(street.header.frames):
            picture, truth = street.frame(index)
            for face in detector.detect(Frame(index, picture, None, truth.taken_s, truth.taken_s)):
                quality = gate.assess(picture, face)
                owner = _owner(face, truth.people)
                if quality.refusal is not None or owner is None or owner.landmarks_px is None:
                    continue
                aligned.append(aligner.align(picture, face.landmarks))
                by_truth.append(aligner.align(picture, np.array(owner.landmarks_px, np.float32)))
                people.append(owner.person)
                qualities.append(quality.score)
            done += 1
            report(done, total)
    passed = tuple(person for street in streets for person in street.header.people)
    return StreetFaces(np.stack(aligned), np.stack(by_truth), tuple(people), np.array(qualities, np.float32), passed)


def _owner(face: FaceBox, people: Sequence[PersonSeen]) -> PersonSeen | None:
    """Whose face a box is on: the best overlap, if it is enough."""
    best = max(people, key=lambda person: iou(person, face), default=None)
    return best if best is not None and iou(best, face) >= OVERLAP_MIN else None
