"""A step that is finished is not done again, unless what went into it has changed or what it left is damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.build.workbench import Workbench


class Work:
    """Counts how often it is done."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> bytes:
        self.times += 1
        return f"result {self.times}".encode()


def test_finished_step_is_not_done_again(tmp_path: Path):
    work = Work()
    assert Workbench(tmp_path / "bench").step("quantise", (b"a", b"b"), work) == b"result 1"
    assert Workbench(tmp_path / "bench").step("quantise", (b"a", b"b"), work) == b"result 1"
    assert work.times == 1


@pytest.mark.parametrize(
    ("name", "inputs"), [("quantise", (b"a",)), ("quantise", (b"b", b"a")), ("read", (b"a", b"b"))]
)
def test_step_with_other_inputs_is_done(tmp_path: Path, name: str, inputs: tuple[bytes, ...]):
    work, bench = Work(), Workbench(tmp_path)
    bench.step("quantise", (b"a", b"b"), work)
    assert bench.step(name, inputs, work) == b"result 2"


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: b"", lambda data: b"x" + data])
def test_damaged_result_is_made_anew(tmp_path: Path, damage):
    work, bench = Work(), Workbench(tmp_path)
    bench.step("quantise", (b"a",), work)
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(damage(kept.read_bytes()))
    assert bench.step("quantise", (b"a",), work) == b"result 2"


def test_step_that_fails_leaves_nothing(tmp_path: Path):
    def fail() -> bytes:
        raise ValueError("broken off")

    with pytest.raises(ValueError, match="broken off"):
        Workbench(tmp_path).step("quantise", (b"a",), fail)
    assert not list(tmp_path.iterdir())


def test_cleared_bench_is_gone_with_all_on_it(tmp_path: Path):
    bench = Workbench(tmp_path / "bench")
    bench.step("quantise", (b"a",), Work())
    bench.clear()
    assert not (tmp_path / "bench").exists()
