"""One-deployment keys: kept over power cuts, and gone for good once destroyed."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.drivers.file_secrets import FileSecrets
from edge.errors import KeyGone, VaultUnusable
from edge.trust.keys import seal_public_hex
from edge.trust.vault import KeyVault


class PowerCut(Exception):
    """What stops a process between two steps."""


class FailingSlots(FileSecrets):
    """Loses its power before the given operation on the secrets."""

    def __init__(self, folder: Path, left: int) -> None:
        super().__init__(folder)
        self.left = left

    def _step(self) -> None:
        if self.left == 0:
            raise PowerCut
        self.left -= 1

    def write(self, slot: int, secret: bytes) -> None:
        self._step()
        super().write(slot, secret)

    def destroy(self, slot: int) -> None:
        self._step()
        super().destroy(slot)


@pytest.fixture
def vault_of(tmp_path: Path) -> Callable[[], KeyVault]:
    return lambda: KeyVault(tmp_path / "vault", FileSecrets(tmp_path / "secrets"))


def test_new_vault_is_empty(vault_of):
    vault = vault_of()
    assert (vault.stock(), vault.number, vault.kind, vault.found_shut) == ((), 0, "file", False)


def test_stock_is_filled_and_outlives_a_restart(vault_of):
    vault = vault_of()
    assert vault.refill(3)
    assert not vault.refill(3)
    assert vault_of().stock() == vault.stock()
    assert len({key.recipient for key in vault.stock()}) == 3


def test_taken_key_leaves_the_stock_and_stays_usable(vault_of):
    vault = vault_of()
    vault.refill(2)
    first, second = vault.stock()
    key = vault.take(first.recipient)
    assert seal_public_hex(key) == first.public_hex
    assert vault.stock() == (second,)
    again = vault_of()
    assert seal_public_hex(again.take(first.recipient)) == first.public_hex
    assert again.stock() == (second,)


def test_number_rises_with_every_change_of_the_stock(vault_of):
    vault = vault_of()
    numbers = [vault.number]
    vault.refill(2)
    numbers.append(vault.number)
    vault.take(vault.stock()[0].recipient)
    numbers.append(vault.number)
    assert numbers == sorted(set(numbers))


def test_destroyed_key_is_gone_and_the_others_stay(vault_of):
    vault = vault_of()
    vault.refill(2)
    first, second = vault.stock()
    vault.take(first.recipient)
    vault.destroy(first.recipient)
    for each in (vault, vault_of()):
        assert not each.holds(first.recipient)
        assert each.stock() == (second,)
        with pytest.raises(KeyGone):
            each.take(first.recipient)


def test_destroying_twice_is_harmless(vault_of):
    vault = vault_of()
    vault.refill(1)
    (key,) = vault.stock()
    vault.destroy(key.recipient)
    number = vault.number
    vault.destroy(key.recipient)
    assert vault.number == number


def test_stolen_disk_from_before_the_close_opens_nothing_after_it(tmp_path: Path, vault_of):
    """Everything but the secret slots is copied, as a backup or worn flash would keep it."""
    vault = vault_of()
    vault.refill(1)
    (key,) = vault.stock()
    shutil.copytree(tmp_path / "vault", tmp_path / "stolen")
    vault.destroy(key.recipient)
    stolen = KeyVault(tmp_path / "stolen", FileSecrets(tmp_path / "secrets"))
    assert not stolen.holds(key.recipient)
    assert stolen.found_shut


def test_vault_without_its_secret_says_so_and_begins_anew(tmp_path: Path, vault_of):
    vault = vault_of()
    vault.refill(1)
    shutil.rmtree(tmp_path / "secrets")
    again = vault_of()
    assert again.found_shut
    assert again.refill(1)
    assert not vault_of().found_shut


@pytest.mark.parametrize("step", range(4))
def test_power_cut_in_a_change_leaves_the_old_keys_or_the_new(tmp_path: Path, vault_of, step: int):
    vault = vault_of()
    vault.refill(2)
    first, second = vault.stock()
    failing = KeyVault(tmp_path / "vault", FailingSlots(tmp_path / "secrets", -1))
    failing._slots.left = step  # type: ignore[attr-defined]
    with contextlib.suppress(PowerCut):
        failing.destroy(first.recipient)
    after = vault_of()
    assert after.stock() in ((first, second), (second,))
    assert vault_of().stock() == after.stock()
    left = [path.name for path in (tmp_path / "secrets").iterdir() if path.name.startswith("secret")]
    assert len(left) == 1, "an interrupted change was not finished"
    after.refill(4)
    assert len(vault_of().stock()) == 4


def test_full_vault_is_refused_in_words(vault_of):
    vault = vault_of()
    for _ in range(4):
        vault.refill(64)
        for key in vault.stock():
            vault.take(key.recipient)
    with pytest.raises(VaultUnusable, match="at most 256"):
        vault.refill(1)


@given(damage=st.data())
def test_damaged_vault_never_gives_a_wrong_key(tmp_path_factory: pytest.TempPathFactory, damage: st.DataObject):
    folder = tmp_path_factory.mktemp("vault")
    vault = KeyVault(folder / "vault", FileSecrets(folder / "secrets"))
    vault.refill(2)
    stock = vault.stock()
    (path,) = (folder / "vault").iterdir()
    data = bytearray(path.read_bytes())
    if damage.draw(st.booleans()):
        data[damage.draw(st.integers(0, len(data) - 1))] ^= 1 << damage.draw(st.integers(0, 7))
    else:
        del data[damage.draw(st.integers(0, len(data) - 1)) :]
    path.write_bytes(data)
    again = KeyVault(folder / "vault", FileSecrets(folder / "secrets"))
    assert again.stock() == ()
    assert again.found_shut
    assert stock != ()
