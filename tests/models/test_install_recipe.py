"""The street pack is built from the makers' files, to the byte; what is wrong is refused, what is done is kept."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.drivers.litert import choose_runtime
from edge.errors import DownloadFailed, GraphInvalid, PackHashMismatch, PackInvalid, PhotographsMissing
from edge.records import Frame
from edge.trust.packs import open_pack, read_manifest, read_pinned
from edge.vision.detect import Detector
from edge.vision.enrol import read_photograph
from models.build import photographs as photographs_module
from models.build.compare import COSINE_MIN, HELD_OUT
from models.build.recipe import Recipe, read_recipe
from models.cli import main
from models.install import PARTIAL_FOLDER, is_good
from models.install_recipe import BuildRequest, InstalledBuild, install_recipe
from models.source import FolderSource, Source, UrlSource
from tests.real_pack import copy_without_weights
from tests.reference import reference_dir
from tests.web_server import serving

pytestmark = pytest.mark.real


class Steps:
    """Implements BuildProgress; keeps what it is told."""

    def __init__(self) -> None:
        self.begun: list[str] = []

    def begin(self, step: str) -> None:
        self.begun.append(step)

    def count(self, done: int, total: int) -> None:
        assert 0 < done <= total


@pytest.fixture
def street(tmp_path: Path) -> Path:
    """The pack as the repository holds it, without weights."""
    folder = tmp_path / "packs" / "street"
    copy_without_weights(folder)
    return folder


@pytest.fixture
def originals(tmp_path: Path) -> Path:
    """The makers' files, to be altered."""
    recipe = read_recipe_of()
    for file in recipe.upstream():
        path = tmp_path / "originals" / file.origin
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(reference_dir("models") / file.origin, path)
    return tmp_path / "originals"


def read_recipe_of(folder: Path | None = None) -> Recipe:
    recipe = read_recipe(folder or Path(__file__).resolve().parents[2] / "models" / "packs" / "street")
    assert recipe is not None
    return recipe


def install(folder: Path, source: Source, steps: Steps | None = None, **request) -> InstalledBuild:
    wanted = BuildRequest(folder, read_recipe_of(folder), **request)
    return install_recipe(wanted, source, choose_runtime("auto", 1), lambda file, done: None, steps or Steps())


def test_command_builds_the_bytes_that_the_manifest_pins_and_leaves_nothing_else(street: Path, originals: Path, capsys):
    before = {path.name for path in street.iterdir()}
    assert main(["install", "street", "--from", str(originals), "--packs", str(street.parent)]) == 0
    shown = capsys.readouterr()
    manifest, _ = read_manifest(street)
    assert all(is_good(street, file) for file in manifest.files())
    assert {path.name for path in street.iterdir()} == before | {file.name for file in manifest.files()}
    assert [line[:2] for line in shown.err.splitlines() if line[:1].isdigit()] == [f"{step}." for step in range(1, 7)]
    faces, both = re.search(r"(\d+) of (\d+) faces found by both", shown.out).groups()
    assert faces == both
    assert float(re.search(r"mean cosine of ([\d.]+)", shown.out)[1]) > COSINE_MIN
    assert main(["install", "street", "--packs", str(street.parent), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["closeness"] is None


def test_every_size_of_the_detector_finds_the_faces_alike_in_int8_and_float(street_pack_dir: Path):
    sheet = read_photograph(HELD_OUT)
    whole, _ = read_manifest(street_pack_dir)
    runtime = choose_runtime("auto", 1)
    assert len(whole.detector.sizes) == 5
    for size in whole.detector.sizes:
        found = {}
        for precision, file in size.files.items():
            model = runtime.load(read_pinned(street_pack_dir, file, ""), file.name)
            detector = Detector(model, whole.detector.of_size(size))
            found[precision] = len(detector.detect(Frame(0, sheet, None, 0.0, 0.0)))
        assert min(found.values()) >= 21, (size.input, found)
        assert abs(found["int8"] - found["float32"]) <= 1, (size.input, found)


def test_installed_pack_is_left_alone(street_pack_dir: Path, tmp_path: Path):
    done = install(street_pack_dir, FolderSource(tmp_path))
    assert done.closeness is None
    assert not any(file.fetched for file in done.files)


@pytest.mark.parametrize("name", ["yunet_n_dynamic.onnx", "face-reidentification-retail-0095.bin"])
def test_altered_upstream_file_is_refused_with_both_hashes_before_it_is_read(street: Path, originals: Path, name: str):
    (file,) = (file for file in read_recipe_of().upstream() if file.name == name)
    altered = bytearray((originals / file.origin).read_bytes())
    altered[len(altered) // 2] ^= 1
    (originals / file.origin).write_bytes(altered)
    steps = Steps()
    with pytest.raises(PackHashMismatch) as refusal:
        install(street, FolderSource(originals), steps)
    for part in (name, hashlib.sha256(altered).hexdigest(), file.sha256):
        assert part in str(refusal.value)
    assert len(steps.begun) == 1
    assert not list(street.glob("*.tflite"))


def test_broken_off_fetch_goes_on_where_it_stopped(street: Path, originals: Path):
    served = {file.origin: (originals / file.origin).read_bytes() for file in read_recipe_of().upstream()}
    (last,) = (name for name in served if name.endswith(".bin"))
    with serving({name: content for name, content in served.items() if name != last}) as server:
        with pytest.raises(DownloadFailed, match="404"):
            install(street, UrlSource(server.url))
        server.files[last] = served[last]
        server.requests.clear()
        install(street, UrlSource(server.url))
        assert [path for path, _ in server.requests] == [f"/packs/{last}"]
    assert not (street / PARTIAL_FOLDER).exists()


def test_weights_other_than_pinned_are_not_put_in_place(street: Path, originals: Path):
    ranges = street / "embedder-ranges.json"
    fields = json.loads(ranges.read_text())
    fields["spans"]["template"]["high"] *= 2
    ranges.write_text(json.dumps(fields))
    with pytest.raises(PackHashMismatch, match=r"embedder_int8\.tflite: built here with SHA-256 .*; .*--as NAME"):
        install(street, FolderSource(originals))
    assert not list(street.glob("*.tflite"))


def test_ranges_that_are_none_are_refused_by_name(street: Path, originals: Path):
    (street / "embedder-ranges.json").write_text("{}")
    with pytest.raises(GraphInvalid, match=r"embedder's ranges"):
        install(street, FolderSource(originals))


def test_own_photographs_need_a_name_for_what_they_make(street: Path, originals: Path):
    with pytest.raises(PackInvalid, match="--as NAME"):
        install(street, FolderSource(originals), calibrate_on=originals)


def test_folder_without_photographs_is_refused(street: Path, originals: Path):
    with pytest.raises(PhotographsMissing, match="0 pictures"):
        install(street, FolderSource(originals), calibrate_on=originals, new_name="mine")


def test_pack_calibrated_on_own_photographs_is_one_of_its_own(
    street: Path, originals: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(photographs_module, "FRAMES", 1)
    photographs = tmp_path / "photographs"
    photographs.mkdir()
    sheet = cv2.imread(str(HELD_OUT))
    for row in range(0, sheet.shape[0], 150):
        for column in range(0, sheet.shape[1], 150):
            cv2.imwrite(str(photographs / f"{row}-{column}.png"), sheet[row : row + 150, column : column + 150])
    install(street, FolderSource(originals), calibrate_on=photographs, new_name="mine")
    mine = open_pack(street.parent / "mine", "int8")
    assert (mine.manifest.name, mine.manifest.version) == ("mine", 1)
    whole, _ = read_manifest(street)
    assert mine.manifest.embedder.files["int8"].sha256 != whole.embedder.files["int8"].sha256
    assert mine.manifest.embedder.files["float32"].sha256 == whole.embedder.files["float32"].sha256
    assert not list(street.glob("*.tflite"))
    again = install(street.parent / "mine", FolderSource(tmp_path))
    assert again.closeness is None


def test_int8_embedder_keeps_pace_with_float(street_pack_dir: Path):
    """In turn, on one thread: with PRELU it took four times as long. Equal where int8 kernels have no VNNI."""
    whole, _ = read_manifest(street_pack_dir)
    runtime, picture = choose_runtime("auto", 1), np.zeros((1, 128, 128, 3), np.uint8)
    models = {
        precision: runtime.load(read_pinned(street_pack_dir, file, ""), file.name)
        for precision, file in whole.embedder.files.items()
    }
    took_s: dict[str, list[float]] = {precision: [] for precision in models}
    for _ in range(40):
        for precision, model in models.items():
            before_s = time.thread_time()
            model.run(picture)
            took_s[precision].append(time.thread_time() - before_s)
    assert np.median(took_s["int8"]) < 1.3 * np.median(took_s["float32"])
