"""Every stage of the face path is there to be timed, and runs."""

from __future__ import annotations

from edge.formats.pack import PackFile
from models.bench import stages
from models.bench.stages import stage_items
from models.golden.networks import GoldenSubject
from tests.vision.made import ALIGNED_PX, HEIGHT_PX, WIDTH_PX, picture
from tests.vision.made_van import MadeRuntime, made_pack


def test_every_stage_is_timed_for_each_precision_threads_and_length_of_list(monkeypatch):
    monkeypatch.setattr(stages, "LIST_SIZES", (10, 20))
    manifest = made_pack().manifest
    street = picture((1, 20, 20, 48))[None]
    face = picture((1, 0, 0, ALIGNED_PX), size=(ALIGNED_PX, ALIGNED_PX))[None]
    subjects = [
        GoldenSubject(role, precision, PackFile(name="x", sha256="0" * 64, size_bytes=1), content, (image,), spec)
        for precision in ("int8", "float32")
        for role, content, image, spec in (
            ("detector", b"detector", street, manifest.detector),
            ("embedder", b"embedder", face, None),
        )
    ]
    asked: list[int] = []

    def make_runtime(threads: int) -> MadeRuntime:
        asked.append(threads)
        return MadeRuntime()

    items = stage_items(subjects, manifest, make_runtime, (1, 3))
    assert {(item.stage, item.precision, item.threads) for item in items} == {
        *(("detect", precision, threads) for precision in ("int8", "float32") for threads in (1, 3)),
        *(("embed", precision, threads) for precision in ("int8", "float32") for threads in (1, 3)),
        ("align", None, 1),
        ("search", None, 1),
    }
    assert set(asked) == {1, 3}
    assert [item.of for item in items if item.stage == "search"] == ["10 entries", "20 entries"]
    assert f"{WIDTH_PX}x{HEIGHT_PX}" in {item.of for item in items}
    results = {item.stage: item.act() for item in items}
    assert len(results["detect"]) == 1
    assert results["align"].shape == (ALIGNED_PX, ALIGNED_PX, 3)
