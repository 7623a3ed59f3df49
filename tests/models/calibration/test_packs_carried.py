"""The packs of this repository: those for operations are calibrated, and carry goldens of every network."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.formats.pack import PackManifest
from edge.trust.packs import VerifiedPack, read_calibration, read_manifest
from models.arguments import OWN_PACKS
from models.calibration.answer import answer
from models.check import precisions_of
from models.golden.make import inputs_sha256, read_goldens
from models.golden.networks import subjects_of

OPERATIONS = [
    path.parent
    for path in sorted(OWN_PACKS.glob("*/pack.yaml"))
    if read_manifest(path.parent)[0].purpose == "operations"
]


def opened(folder: Path, manifest: PackManifest, sha256: str, precision) -> VerifiedPack:
    """Without weights, which a calibration does not need to answer."""
    return VerifiedPack(manifest, sha256, precision, b"", b"", read_calibration(folder, manifest))


def test_there_is_a_pack_for_operations():
    assert OPERATIONS


@pytest.mark.parametrize("folder", OPERATIONS, ids=lambda folder: folder.name)
def test_pack_answers_for_lists_of_100_to_100000_in_every_precision(folder: Path):
    manifest, sha256 = read_manifest(folder)
    for precision in precisions_of(manifest):
        pack = opened(folder, manifest, sha256, precision)
        found = [answer(pack, "litert", size, 0.001) for size in (100, 1000, 10_000, 100_000)]
        assert [each.threshold for each in found] == sorted(each.threshold for each in found)
        assert found[-1].evidence == "extrapolated"
        assert answer(pack, "litert", 100, 0.01).evidence == "measured"


@pytest.mark.parametrize("folder", OPERATIONS, ids=lambda folder: folder.name)
def test_pack_carries_goldens_of_each_of_its_files(folder: Path):
    manifest, _ = read_manifest(folder)
    goldens = read_goldens(folder, manifest)
    assert goldens is not None
    assert {network.weights_sha256 for network in goldens.networks} == {file.sha256 for file in manifest.files()}


@pytest.mark.real
def test_goldens_are_for_the_inputs_that_are_drawn_today(street_pack_dir: Path):
    manifest, _ = read_manifest(street_pack_dir)
    goldens = read_goldens(street_pack_dir, manifest)
    assert goldens is not None
    for subject in subjects_of(street_pack_dir, manifest):
        golden = goldens.of(subject.file.sha256)
        assert golden is not None
        assert golden.inputs_sha256 == inputs_sha256(subject)
