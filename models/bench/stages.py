"""The stages of the face path as things to time: the van's own, on drawn faces and made-up lists."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from edge.devices import Runtime
from edge.formats.pack import PackManifest
from edge.records import Frame
from edge.vision.align import Aligner
from edge.vision.detect import Detector
from edge.vision.embed import Embedder
from edge.vision.gallery import Gallery
from edge.vision.memory import LockedBuffer
from models.bench.measure import Item
from models.golden.networks import GoldenSubject

LIST_SIZES = (100, 1000, 10_000, 100_000)
THRESHOLD = 0.5
_SEED = 1
_CHUNK = 10_000


def stage_items(
    subjects: Sequence[GoldenSubject],
    manifest: PackManifest,
    make_runtime: Callable[[int], Runtime],
    threads: Sequence[int],
) -> list[Item]:
    """Every stage. make_runtime: for a number of threads; search and align use one.

    Raises: ModelRejected, PackShapeMismatch, DelegateUnavailable.
    """
    networks = [
        item
        for number in threads
        for subject in sorted(subjects, key=lambda each: (each.role, each.precision))
        for item in [_network_item(subject, manifest, make_runtime(number), number)]
    ]
    return [*networks, _align_item(subjects, manifest), *_search_items(manifest.embedder.dimension)]


def _network_item(subject: GoldenSubject, manifest: PackManifest, runtime: Runtime, threads: int) -> Item:
    model = runtime.load(subject.content, subject.file.name)
    picture = subject.inputs[0][0]
    of = f"{picture.shape[1]}x{picture.shape[0]}"
    if subject.spec is not None:
        detector = Detector(model, subject.spec)
        return Item("detect", of, subject.precision, threads, partial(detector.detect, _frame(picture)))
    embedder = Embedder(model, manifest.embedder)
    return Item("embed", of, subject.precision, threads, partial(embedder.embed, picture, 1.0, 0))


def _align_item(subjects: Sequence[GoldenSubject], manifest: PackManifest) -> Item:
    """From a face a third wider than the aligned one, as a passer-by's may be."""
    picture = next(subject.inputs[0][0] for subject in subjects if subject.spec is not None)
    spec = manifest.embedder
    points = np.array(spec.alignment, np.float32) * np.array([spec.input.width_px, spec.input.height_px], np.float32)
    of = f"to {spec.input.width_px}x{spec.input.height_px}"
    return Item("align", of, None, 1, partial(Aligner(spec).align, picture, points * np.float32(1.33)))


def _search_items(dimension: int) -> Iterator[Item]:
    rng = np.random.default_rng(_SEED)
    for size in LIST_SIZES:
        buffer = LockedBuffer(size * dimension * 4)
        templates = buffer.array("f4", (size, dimension))
        for start in range(0, size, _CHUNK):
            rows = rng.standard_normal((min(_CHUNK, size - start), dimension)).astype(np.float32)
            templates[start : start + _CHUNK] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        probe = rng.standard_normal(dimension).astype(np.float32)
        probe /= np.linalg.norm(probe)
        gallery = Gallery([f"{number:032x}" for number in range(size)], templates, buffer)
        yield Item("search", f"{size:,} entries", None, 1, partial(gallery.search, probe, THRESHOLD))


def _frame(picture: NDArray[np.uint8]) -> Frame:
    return Frame(0, picture, None, 0.0, 0.0)
