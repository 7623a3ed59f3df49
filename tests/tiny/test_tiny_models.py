"""The committed tiny networks are what their maker writes."""

from __future__ import annotations

import pytest

pytest.importorskip("ai_edge_litert", reason="the maker uses LiteRT's schema")


def test_committed_files_are_what_the_maker_writes():
    from tests.tiny.make_tiny_models import FOLDER, tiny_models

    made = tiny_models()
    assert sorted(made) == sorted(path.name for path in FOLDER.glob("*.tflite"))
    for name, content in made.items():
        assert (FOLDER / name).read_bytes() == content, name
        assert len(content) < 2000
