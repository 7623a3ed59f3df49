"""Evaluating a pack on an open set, through the code that runs on the van: detect, align, embed."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from edge.devices import Runtime
from edge.errors import NoFaceFound
from edge.formats.pack import Purpose
from edge.records import Template
from edge.trust.packs import VerifiedPack
from edge.vision.enrol import FacePath, read_photograph
from models.accuracy import Templates, search
from models.openset import OperatingPoint, Photograph, Role, operating_point

FPIR_POINTS = (0.01, 0.001)


@dataclass(frozen=True)
class Evaluation:
    """What a pack reaches. failed: photographs of each kind without a face; they count as misses."""

    pack: str
    version: int
    sha256: str
    purpose: Purpose
    precision: str
    runtime: str
    enrolled: int
    failed_to_enrol: int
    mated_searches: int
    failed_mated: int
    non_mated_searches: int
    failed_non_mated: int
    points: tuple[OperatingPoint, ...]


def evaluate_pack(
    pack: VerifiedPack,
    runtime: Runtime,
    photographs: Sequence[Photograph],
    workers: int,
    report: Callable[[int, int], None],
) -> Evaluation:
    """Enrol the gallery, search with everyone else, and set thresholds by the non-mated scores.

    report: told how many photographs are done, of how many. Raises: PhotographUnreadable, ModelRejected,
    PackShapeMismatch, DelegateUnavailable.
    """
    templates = _templates(pack, runtime, photographs, workers, report)
    dimension = pack.manifest.embedder.dimension
    scores = search(
        _of_role(photographs, templates, ("gallery",), dimension),
        _of_role(photographs, templates, ("probe", "impostor"), dimension),
    )
    mated, non_mated = scores.mated.tolist(), scores.non_mated.tolist()

    def failed(role: str) -> int:
        return sum(t is None for photo, t in zip(photographs, templates, strict=True) if photo.role == role)

    return Evaluation(
        pack=pack.manifest.name,
        version=pack.manifest.version,
        sha256=pack.sha256,
        purpose=pack.manifest.purpose,
        precision=pack.precision,
        runtime=f"{runtime.name} {runtime.version}",
        enrolled=sum(photo.role == "gallery" for photo in photographs) - failed("gallery"),
        failed_to_enrol=failed("gallery"),
        mated_searches=len(mated),
        failed_mated=failed("probe"),
        non_mated_searches=len(non_mated),
        failed_non_mated=failed("impostor"),
        points=tuple(operating_point(mated, non_mated, fpir_max) for fpir_max in FPIR_POINTS),
    )


def _templates(
    pack: VerifiedPack,
    runtime: Runtime,
    photographs: Sequence[Photograph],
    workers: int,
    report: Callable[[int, int], None],
) -> list[Template | None]:
    """One template for each photograph, None where no face is found. Each worker has networks of its own."""
    own = threading.local()
    done = itertools.count(1)

    def template(photo: Photograph) -> Template | None:
        if not hasattr(own, "path"):
            own.path = FacePath(pack, runtime)
        try:
            return own.path.template_of_central_face(read_photograph(photo.path))
        except NoFaceFound:
            return None
        finally:
            report(next(done), len(photographs))

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(template, photographs))


def _of_role(
    photographs: Sequence[Photograph], templates: Sequence[Template | None], roles: Sequence[Role], dimension: int
) -> Templates:
    nobody = np.full(dimension, np.nan, np.float32)
    chosen = [pair for pair in zip(photographs, templates, strict=True) if pair[0].role in roles]
    vectors = [nobody if template is None else template.vector for _, template in chosen]
    return Templates(np.stack(vectors), tuple(photo.identity for photo, _ in chosen))
