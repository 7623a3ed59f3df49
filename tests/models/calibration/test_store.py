"""A table put into a pack: the manifest pins it, nothing else of it changes, and what does not fit goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.errors import CalibrationMismatch, InstallFailed, PackHashMismatch
from edge.formats.calibration import CalibrationTable
from edge.trust.packs import open_pack, read_manifest
from models.calibration.store import CALIBRATION_NAME, add_tables
from tests.made_calibration import table_of
from tests.made_packs import WEIGHTS, manifest_of, write_manifest, write_weights


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = write_manifest(tmp_path / "made", manifest_of(WEIGHTS))
    write_weights(folder, WEIGHTS)
    return folder


def made(precision: str = "int8", weights: dict[str, bytes] = WEIGHTS, **changes) -> CalibrationTable:
    return CalibrationTable.model_validate(table_of(weights, precision, **changes))


def test_pack_is_opened_with_the_table_that_was_added(folder: Path):
    before = read_manifest(folder)
    add_tables(folder, [made()])
    pack = open_pack(folder, "int8")
    assert pack.calibration is not None
    assert pack.calibration.tables == [made()]
    assert pack.manifest.version == before[0].version + 1
    assert pack.sha256 != before[1]


def test_tables_of_other_backends_and_precisions_stay(folder: Path):
    for table in (made(), made("float32"), made(backend="litert-reference"), made(seed=2)):
        add_tables(folder, [table])
    pack = open_pack(folder, "float32")
    assert pack.calibration is not None
    assert pack.calibration.tables == [made("float32"), made(backend="litert-reference"), made(seed=2)]
    assert pack.manifest.version == 5


def test_table_of_weights_the_pack_no_longer_has_goes(folder: Path):
    add_tables(folder, [made()])
    add_tables(folder, [made("float32")])
    changed = WEIGHTS | {"embedder_int8.tflite": b"another embedder"}
    manifest = manifest_of(changed) | {"calibration": read_manifest(folder)[0].model_dump()["calibration"]}
    write_manifest(folder, manifest)
    write_weights(folder, changed)
    with pytest.raises(CalibrationMismatch, match="litert/int8 was made with embedder"):
        open_pack(folder, "int8")
    add_tables(folder, [made(weights=changed)])
    pack = open_pack(folder, "int8")
    assert pack.calibration is not None
    assert [table.precision for table in pack.calibration.tables] == ["float32", "int8"]


def test_altered_calibration_is_refused_with_both_hashes(folder: Path):
    add_tables(folder, [made()])
    path = folder / CALIBRATION_NAME
    path.write_bytes(path.read_bytes().replace(b'"threshold": 0.42', b'"threshold": 0.41'))
    with pytest.raises(PackHashMismatch, match=CALIBRATION_NAME):
        open_pack(folder, "int8")


def test_pack_that_cannot_be_written_is_refused_and_says_so(folder: Path):
    (folder / f".{CALIBRATION_NAME}.new").mkdir()
    with pytest.raises(InstallFailed, match="--packs"):
        add_tables(folder, [made()])
    assert open_pack(folder, "int8").calibration is None
