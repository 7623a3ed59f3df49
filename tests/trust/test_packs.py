"""A pack is what its manifest says, to the byte, or it is refused."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import CalibrationMismatch, PackHashMismatch, PackInvalid, PackMissing, PackPurposeRefused
from edge.trust.packs import MANIFEST_MAX_BYTES, check_subjects, open_pack, read_manifest
from tests.made_calibration import calibration, table_of
from tests.made_packs import WEIGHTS, manifest_of, write_manifest, write_weights


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    folder = write_manifest(tmp_path / "made", manifest_of(WEIGHTS))
    write_weights(folder, WEIGHTS)
    return folder


def test_pack_opens_with_the_bytes_that_were_hashed(pack: Path):
    opened = open_pack(pack, "int8")
    assert opened.detector == WEIGHTS["detector_int8.tflite"]
    assert opened.embedder == WEIGHTS["embedder_int8.tflite"]
    assert opened.sha256 == hashlib.sha256((pack / "pack.yaml").read_bytes()).hexdigest()


@pytest.mark.parametrize("file", ["detector_int8.tflite", "embedder_int8.tflite"])
@pytest.mark.parametrize(
    "alter",
    [
        lambda data: data[:-1],
        lambda data: data[: len(data) // 2],
        lambda data: b"",
        lambda data: data + b"\0",
        lambda data: bytes([data[0] ^ 1]) + data[1:],
        lambda data: data[:-1] + bytes([data[-1] ^ 0x80]),
    ],
    ids=["one byte short", "half", "empty", "one byte more", "first bit", "last bit"],
)
def test_altered_file_is_refused_with_its_name_and_both_hashes(pack: Path, file: str, alter):
    altered = alter(WEIGHTS[file])
    (pack / file).write_bytes(altered)
    with pytest.raises(PackHashMismatch) as refusal:
        open_pack(pack, "int8")
    for part in (file, hashlib.sha256(altered).hexdigest(), hashlib.sha256(WEIGHTS[file]).hexdigest()):
        assert part in str(refusal.value)


def test_altered_file_of_another_precision_does_not_matter(pack: Path):
    (pack / "detector_float32.tflite").write_bytes(b"altered")
    open_pack(pack, "int8")


def test_missing_file_is_refused_by_name_and_says_what_to_run(pack: Path):
    (pack / "embedder_int8.tflite").unlink()
    with pytest.raises(PackMissing, match=r"embedder_int8\.tflite.*lfr-models install made"):
        open_pack(pack, "int8")


def test_missing_pack_is_refused(tmp_path: Path):
    with pytest.raises(PackMissing, match="lfr-models list"):
        read_manifest(tmp_path / "nothing")


def test_precision_that_the_pack_lacks_is_refused(tmp_path: Path):
    weights = {name: data for name, data in WEIGHTS.items() if "int8" in name}
    folder = write_manifest(tmp_path / "made", manifest_of(weights))
    with pytest.raises(PackInvalid, match="no float32 file"):
        open_pack(folder, "float32")


def _changed(path: str, value: object) -> dict:
    manifest = manifest_of(WEIGHTS)
    *parents, last = path.split(".")
    place = manifest
    for key in parents:
        place = place[int(key) if key.isdecimal() else key]
    place[last] = value
    return manifest


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("colour", "grey"),
        ("detector.sizes.0.input.depth", 3),
        ("embedder.files.int8.url", "x"),
        ("version", 0),
        ("version", "one"),
        ("purpose", "fun"),
        ("detector.decoder", "guess"),
        ("detector.score_min", 0),
        ("detector.nms_iou", float("nan")),
        ("detector.sizes.0.input.channels", "rgb"),
        ("detector.sizes.0.input.width_px", 8),
        ("detector.sizes.0.files.int4", {}),
        ("detector.sizes.0.files.int8.sha256", "0" * 63),
        ("detector.sizes.0.files.int8.sha256", "A" * 64),
        ("detector.sizes.0.files.int8.size_bytes", 200_000_001),
        ("detector.sizes.0.files.int8.name", "../out.tflite"),
        ("detector.sizes.0.files.int8.name", "pack.yaml"),
        ("detector.sizes.0.files.int8.name", "embedder_int8.tflite"),
        ("detector.sizes.0.files.int8.source", "/etc/passwd"),
        ("detector.sizes.0.files.int8.source", "a/../../b"),
        ("detector.sizes.0.files", {}),
        ("detector.sizes", []),
        ("detector.sizes", manifest_of(WEIGHTS)["detector"]["sizes"] * 2),
        ("detector.face_min_px", 0),
        ("embedder.alignment", [[0.5, 0.5]] * 4),
        ("embedder.alignment", [[0.5, 1.5]] * 5),
        ("embedder.dimension", 0),
    ],
)
def test_manifest_with_a_mistake_is_refused(tmp_path: Path, path: str, value: object):
    folder = write_manifest(tmp_path / "made", _changed(path, value))
    with pytest.raises(PackInvalid, match=r"pack\.yaml"):
        read_manifest(folder)


def test_manifest_with_a_key_given_twice_is_refused(tmp_path: Path):
    folder = write_manifest(tmp_path / "made", manifest_of(WEIGHTS))
    with (folder / "pack.yaml").open("a") as stream:
        stream.write("version: 2\n")
    with pytest.raises(PackInvalid, match="given twice"):
        read_manifest(folder)


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"- 1", b"a: 2001-99-99", b"!!int ''", b"a: &a [*a]", b"{" * 5000])
def test_manifest_that_is_none_is_refused(tmp_path: Path, data: bytes):
    (tmp_path / "pack.yaml").write_bytes(data)
    with pytest.raises(PackInvalid):
        read_manifest(tmp_path)


def test_oversized_manifest_is_refused(tmp_path: Path):
    (tmp_path / "pack.yaml").write_bytes(b"#" * (MANIFEST_MAX_BYTES + 1))
    with pytest.raises(PackInvalid, match="more than"):
        read_manifest(tmp_path)


@settings(max_examples=150, deadline=None)
@given(data=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_a_manifest_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes):
    folder = tmp_path_factory.mktemp("fuzzed")
    (folder / "pack.yaml").write_bytes(data)
    with pytest.raises(PackInvalid):
        read_manifest(folder)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(
    path=st.sampled_from([*sorted(manifest_of(WEIGHTS)), "detector.sizes.0.files", "embedder.files.int8"]),
    value=_VALUES,
)
def test_any_value_at_any_key_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, path: str, value: object):
    text = yaml.safe_dump(_changed(path, value))
    folder = tmp_path_factory.mktemp("fuzzed")
    (folder / "pack.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        manifest, _ = read_manifest(folder)
    except PackInvalid:
        return
    assert manifest.files()


def write_calibration(folder: Path, fields: dict) -> None:
    """A calibration beside the manifest, pinned by it."""
    content = json.dumps(fields).encode()
    (folder / "calibration.json").write_bytes(content)
    pinned = {
        "name": "calibration.json",
        "size_bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    write_manifest(folder, manifest_of(WEIGHTS) | {"calibration": pinned})


def test_calibration_of_the_packs_own_weights_comes_with_it(pack: Path):
    assert open_pack(pack, "int8").calibration is None
    write_calibration(pack, calibration(table_of(WEIGHTS)))
    opened = open_pack(pack, "int8")
    assert opened.calibration is not None
    assert opened.calibration.table("litert", "int8") is not None


@pytest.mark.parametrize("role", ["detector", "embedder"])
def test_calibration_of_other_weights_is_refused_with_both_hashes(pack: Path, role: str):
    write_calibration(pack, calibration(table_of(WEIGHTS, **{f"{role}_sha256": "33" * 32})))
    pinned = hashlib.sha256(WEIGHTS[f"{role}_int8.tflite"]).hexdigest()
    with pytest.raises(
        CalibrationMismatch, match=f"litert/int8 was made with {role} {'33' * 32}, the pack has {pinned}"
    ):
        open_pack(pack, "int8")


def test_calibration_that_is_none_is_refused(pack: Path):
    write_calibration(pack, calibration(table_of(WEIGHTS, confidence=2.0)))
    with pytest.raises(PackInvalid, match="confidence"):
        open_pack(pack, "int8")


def test_missing_or_altered_calibration_is_refused_by_name(pack: Path):
    write_calibration(pack, calibration(table_of(WEIGHTS)))
    path = pack / "calibration.json"
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(PackHashMismatch, match=r"calibration\.json"):
        open_pack(pack, "int8")
    path.unlink()
    with pytest.raises(PackMissing, match=r"calibration\.json: not there; .*whole folder"):
        open_pack(pack, "int8")


def test_calibration_may_not_bear_the_name_of_a_network(pack: Path):
    pinned = {"name": "detector_int8.tflite", "size_bytes": 1, "sha256": "00" * 32}
    write_manifest(pack, manifest_of(WEIGHTS) | {"calibration": pinned})
    with pytest.raises(PackInvalid, match="same name"):
        open_pack(pack, "int8")


@pytest.mark.parametrize(("subjects", "purpose"), [("synthetic", "bring-up"), ("real", "operations")])
def test_pack_meets_those_it_is_for(subjects, purpose):
    check_subjects(subjects, purpose, "list-1")


def test_bring_up_pack_never_meets_real_people():
    with pytest.raises(PackPurposeRefused, match=r"list-1.*real.*bring-up"):
        check_subjects("real", "bring-up", "list-1")
