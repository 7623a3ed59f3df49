"""A recipe says where each upstream file is published and what its hash is, or is refused with the key."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from edge.errors import DownloadFailed, PackInvalid
from models.build.recipe import RECIPE_NAME, UpstreamFile, read_recipe
from models.source import UpstreamSource
from tests.web_server import serving

STREET = Path(__file__).resolve().parents[3] / "models" / "packs" / "street"


def _fields() -> dict[str, Any]:
    return yaml.safe_load((STREET / RECIPE_NAME).read_text())


def test_recipe_of_the_street_pins_every_file_to_a_fixed_place():
    recipe = read_recipe(STREET)
    assert recipe is not None
    assert len(recipe.upstream()) == 3
    for file in recipe.upstream():
        assert re.search(r"/[0-9a-f]{40}/|/20\d\d\.\d/", file.url), f"{file.url}: no commit and no release"
        assert file.url.endswith(file.name)
    assert all((STREET / name).is_file() for name in (recipe.detector.ranges, recipe.embedder.ranges))


def test_pack_without_a_recipe_has_none(tmp_path: Path):
    assert read_recipe(tmp_path) is None


@pytest.mark.parametrize(
    ("role", "part", "key", "value"),
    [
        ("detector", "onnx", "url", "http://example.org/x.onnx"),
        ("detector", "onnx", "url", "https://user@example.org/x.onnx"),
        ("detector", "onnx", "sha256", "00"),
        ("embedder", "bin", "size_bytes", 0),
        ("embedder", "xml", "name", "../x.xml"),
        ("embedder", "xml", "colour", "grey"),
    ],
)
def test_recipe_with_a_mistake_is_refused_with_its_key(tmp_path: Path, role: str, part: str, key: str, value: object):
    fields = _fields()
    fields[role][part][key] = value
    (tmp_path / RECIPE_NAME).write_text(yaml.safe_dump(fields))
    with pytest.raises(PackInvalid, match=rf"{role}\.{part}\.{key}"):
        read_recipe(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\xff", b"- 1", b"detector: {}\n", b"#" * 70_000])
def test_recipe_that_is_none_is_refused(tmp_path: Path, content: bytes):
    (tmp_path / RECIPE_NAME).write_bytes(content)
    with pytest.raises(PackInvalid):
        read_recipe(tmp_path)


def test_upstream_file_is_fetched_from_its_own_address_and_its_absence_says_what_else_to_do():
    with serving({"deep/net.onnx": b"network"}) as server:
        fields = _fields()["detector"]["onnx"] | {"name": "net.onnx", "size_bytes": 7}
        file = UpstreamFile.model_construct(**fields | {"url": f"{server.url}/deep/net.onnx"})
        fetched = io.BytesIO()
        UpstreamSource("lfr-models install street --from FOLDER").fetch(file, fetched, lambda done: None)
        assert fetched.getvalue() == b"network"
        server.files.clear()
        with pytest.raises(DownloadFailed, match=r"404.*; from elsewhere: lfr-models install street --from FOLDER"):
            UpstreamSource("lfr-models install street --from FOLDER").fetch(file, io.BytesIO(), lambda done: None)
