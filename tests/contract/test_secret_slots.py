"""What every holder of destroyable secrets promises, whichever stands behind it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hwsim.tpm import SimulatedTpm

from edge.devices import SecretSlots
from edge.drivers.file_secrets import FileSecrets
from edge.drivers.tpm_secrets import TpmSecrets
from edge.errors import VaultUnusable

SECRET, OTHER = bytes(range(32)), bytes(range(100, 132))


class Box:
    """Something that holds secrets and can lose its power."""

    def __init__(self, folder: Path, tpm: SimulatedTpm | None) -> None:
        self._folder, self._tpm = folder, tpm
        self.slots = self._open()

    def cut_power(self) -> None:
        if self._tpm is not None:
            self._tpm.cut_power()
            self._tpm.start()
        self.slots = self._open()

    def _open(self) -> SecretSlots:
        return FileSecrets(self._folder) if self._tpm is None else TpmSecrets(self._tpm.device)


@pytest.fixture(params=["file", "tpm-nv"])
def box(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Box]:
    if request.param == "file":
        yield Box(tmp_path / "secrets", None)
        return
    if shutil.which("swtpm") is None:
        pytest.skip("swtpm is not installed: the TPM driver is not tested")
    with SimulatedTpm(tmp_path / "tpm") as tpm:
        yield Box(tmp_path, tpm)


def test_says_what_it_is(box: Box, request: pytest.FixtureRequest):
    assert box.slots.kind == request.node.callspec.params["box"]


def test_empty_slot_reads_as_none(box: Box):
    assert [box.slots.read(slot) for slot in (0, 1)] == [None, None]


def test_secret_comes_back_from_its_own_slot(box: Box):
    box.slots.write(0, SECRET)
    box.slots.write(1, OTHER)
    assert (box.slots.read(0), box.slots.read(1)) == (SECRET, OTHER)


def test_secret_outlives_a_power_cut(box: Box):
    box.slots.write(1, SECRET)
    for _ in range(5):
        box.cut_power()
        assert box.slots.read(1) == SECRET


def test_destroyed_secret_is_gone_for_good(box: Box):
    box.slots.write(0, SECRET)
    box.slots.destroy(0)
    assert box.slots.read(0) is None
    box.cut_power()
    assert box.slots.read(0) is None


def test_destroying_twice_is_harmless_and_spares_the_other(box: Box):
    box.slots.write(0, SECRET)
    box.slots.write(1, OTHER)
    box.slots.destroy(0)
    box.slots.destroy(0)
    assert box.slots.read(1) == OTHER


def test_slot_can_be_used_again(box: Box):
    for secret in (SECRET, OTHER, SECRET):
        box.slots.write(0, secret)
        assert box.slots.read(0) == secret
        box.slots.destroy(0)


def test_floor_rises_and_never_falls(box: Box):
    assert box.slots.floor() == 0
    box.slots.raise_floor(7)
    box.slots.raise_floor(3)
    assert box.slots.floor() == 7
    box.cut_power()
    assert box.slots.floor() == 7
    box.slots.raise_floor(2**40)
    assert box.slots.floor() == 2**40


def test_a_device_that_is_not_there_is_said_in_words(tmp_path: Path):
    with pytest.raises(VaultUnusable, match="cannot be opened"):
        TpmSecrets(tmp_path / "tpmrm0")


def test_a_tpm_that_loses_power_in_use_is_said_in_words(tmp_path: Path):
    if shutil.which("swtpm") is None:
        pytest.skip("swtpm is not installed: the TPM driver is not tested")
    with SimulatedTpm(tmp_path / "tpm") as tpm:
        slots = TpmSecrets(tpm.device)
        tpm.cut_power()
        with pytest.raises(VaultUnusable, match=r"failed to|cut short"):
            slots.read(0)
        tpm.start()


def test_destroyed_file_held_zeros_before_its_name_went(tmp_path: Path):
    slots = FileSecrets(tmp_path)
    slots.write(0, SECRET)
    kept_open = (tmp_path / "secret-0").open("rb")
    slots.destroy(0)
    with kept_open:
        assert kept_open.read() == bytes(32)


def test_half_a_secret_is_none(tmp_path: Path):
    (tmp_path / "secret-0").write_bytes(SECRET[:20])
    assert FileSecrets(tmp_path).read(0) is None


def test_a_floor_that_is_no_number_is_refused(tmp_path: Path):
    (tmp_path / "floor").write_bytes(b"-1")
    with pytest.raises(VaultUnusable, match="no number"):
        FileSecrets(tmp_path).floor()
