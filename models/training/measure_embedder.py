"""What an embedder tells apart among people who pass a rendered street: by one frame, by a passage, and by group.

Everybody enrolled is enrolled by one photograph; everyone else is a stranger to the list. FPIR and TPIR as in
ISO/IEC 19795-1, both at the lowest threshold that keeps to FPIR_MAX; intervals count people, not frames.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.accuracy import Accuracy, Templates, accuracy_at_fpir, accuracy_by_group, fuse_passages, search
from models.training.street_faces import StreetFaces

FPIR_MAX = 0.01
ONE_FRAME_ENROLLED, PASSAGE_ENROLLED = 100, 50
FRAMES_FUSED = 5
"""Of a passage, its best by quality: as many as the van fuses."""

Embed = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""Aligned faces, uint8 (n, h, w, 3), to templates, float32 (n, d), of norm 1."""


@dataclass(frozen=True)
class EmbedderReport:
    """one_frame: every face of everyone against ONE_FRAME_ENROLLED entries; one_frame_aligned_by_truth: the same with
    the true landmarks; passage: everyone's best frames fused, against PASSAGE_ENROLLED. not_seen: people who passed
    without one face good enough to be compared; they are in no other count. groups: one_frame's, at its threshold."""

    people: int
    not_seen: int
    faces: int
    one_frame: Accuracy
    one_frame_aligned_by_truth: Accuracy
    passage: Accuracy
    groups: Mapping[str, Accuracy]


def measure_embedder(
    faces: StreetFaces, photographs: Templates, embed: Embed, groups: Mapping[str, Mapping[str, str]]
) -> EmbedderReport:
    """photographs: one enrolment template for each person who passes; the first by name are enrolled.

    groups: for each declared attribute, each person's value.
    """
    found = Templates(embed(faces.aligned), faces.people)
    by_truth = Templates(embed(faces.aligned_by_truth), faces.people)
    seen = sorted(set(faces.people))
    many, few = (_enrolled(photographs, seen[:count]) for count in (ONE_FRAME_ENROLLED, PASSAGE_ENROLLED))
    scores = search(many, found)
    one_frame = accuracy_at_fpir(scores, FPIR_MAX)
    best = _best_frames(faces)
    frames = Templates(found.vectors[best], tuple(faces.people[row] for row in best))
    fused = fuse_passages(frames, frames.people, faces.qualities[best])
    by_group = {
        f"{attribute} {value}": accuracy
        for attribute, values in groups.items()
        for value, accuracy in accuracy_by_group(scores, one_frame.threshold, values).items()
    }
    return EmbedderReport(
        people=len(faces.passed),
        not_seen=len(faces.passed) - len(seen),
        faces=len(faces.people),
        one_frame=one_frame,
        one_frame_aligned_by_truth=accuracy_at_fpir(search(many, by_truth), FPIR_MAX),
        passage=accuracy_at_fpir(search(few, fused), FPIR_MAX),
        groups=by_group,
    )


def _enrolled(photographs: Templates, people: Sequence[str]) -> Templates:
    rows = [photographs.people.index(person) for person in people]
    return Templates(photographs.vectors[rows], tuple(people))


def _best_frames(faces: StreetFaces) -> list[int]:
    """Rows of each person's best frames, in the order of the rows."""
    rows: dict[str, list[int]] = {}
    for row, person in enumerate(faces.people):
        rows.setdefault(person, []).append(row)
    best = [sorted(mine, key=lambda row: -faces.qualities[row])[:FRAMES_FUSED] for mine in rows.values()]
    return sorted(row for mine in best for row in mine)
