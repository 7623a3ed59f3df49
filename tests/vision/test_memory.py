"""Locked memory: kept out of swap, of core dumps and of children, and overwritten where it lies."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edge.vision.memory import LockedBuffer

PAGE = resource.getpagesize()
ROOT = Path(__file__).resolve().parents[2]


def flags_of(array: np.ndarray) -> set[str]:
    """The kernel's flags of the mapping an array lies in (proc(5), VmFlags)."""
    address = array.ctypes.data
    inside = False
    for line in Path("/proc/self/smaps").read_text(encoding="ascii").splitlines():
        words = line.split()
        if "-" in words[0] and not words[0].endswith(":"):
            first, last = (int(part, 16) for part in words[0].split("-"))
            inside = first <= address < last
        elif inside and words[0] == "VmFlags:":
            return set(words[1:])
    pytest.fail("the array lies in no mapping")


@pytest.fixture
def may_lock() -> None:
    soft, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    if os.getuid() != 0 and soft != resource.RLIM_INFINITY and soft < 1 << 20:
        pytest.skip("this user may lock no memory here")


@pytest.mark.usefixtures("may_lock")
def test_memory_is_locked_and_neither_dumped_nor_inherited():
    buffer = LockedBuffer(3 * PAGE + 17)
    assert buffer.locked
    flags = flags_of(buffer.array("u1", (3 * PAGE + 17,)))
    assert {"lo", "dd", "dc"} <= flags, "locked, not dumped, not copied to a child"


def test_memory_that_could_not_be_locked_says_so():
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))\n"
        "import os; os.getuid() == 0 and os.setuid(65534)\n"
        "print(buffer.locked)"
    )
    code = "from edge.vision.memory import LockedBuffer\n" + code.replace("print(buffer", "print(LockedBuffer(4096)")
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert (done.stdout.strip(), done.stderr) == ("False", "")


def test_wipe_overwrites_every_byte_and_arrays_stay_valid():
    buffer = LockedBuffer(2 * PAGE)
    whole = buffer.array("u1", (2 * PAGE,))
    templates = buffer.array("f4", (4, 8), offset=PAGE)
    whole[:] = 0xA5
    templates[:] = 1.5
    buffer.wipe()
    assert not whole.any()
    assert not templates.any()
    templates[0, 0] = 2
    assert whole.any()


def test_arrays_lie_in_the_buffer_where_they_are_asked_for():
    buffer = LockedBuffer(64)
    whole, part = buffer.array("u1", (64,)), buffer.array("<i2", (2, 4), offset=32)
    part[:] = -1
    assert whole[:32].sum() == 0
    assert (whole[32:48] == 255).all()
    with pytest.raises(ValueError, match="buffer"):
        buffer.array("f4", (17,))


def test_memory_is_empty_at_first():
    assert not LockedBuffer(5 * PAGE).array("u1", (5 * PAGE,)).any()


def test_a_buffer_of_nothing_is_allowed():
    assert LockedBuffer(0).array("f4", (0, 16)).shape == (0, 16)
