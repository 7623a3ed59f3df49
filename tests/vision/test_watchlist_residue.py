"""After a removal the template that was taken off is nowhere in the van's process; after a wipe, none is."""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import numpy as np
import pytest

from edge.trust.documents import canonical, sign
from tests.trust import made_lists as lists
from tests.vision.opened_in_memory import MASK

ROOT = Path(__file__).resolve().parents[2]
DIMENSION, GONE, STAYS = 256, 17, 18
pytestmark = pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a process's memory as a file")


def stored(number: int) -> np.ndarray:
    """int16, as in a chunk."""
    return np.round(lists.template_of(number, DIMENSION).astype(np.float64) * 32767).astype("<i2")


def opened(number: int, van: lists.List) -> np.ndarray:
    """float32, as in a gallery."""
    place, row = van.gallery.among({lists.id_of(number)})[lists.id_of(number)]
    return van.gallery.segments[place].templates[row]


def masked(numbers: np.ndarray) -> str:
    return bytes(byte ^ MASK for byte in numbers[40:50].tobytes()).hex()


def test_a_template_taken_off_is_nowhere_in_memory_and_after_the_wipe_none_is():
    base = lists.base_of(range(1, 60), DIMENSION)
    van = lists.open_list(base)
    item = sign(van.sealed(removes=[GONE]).delta, lists.SIGNERS)
    files = {
        "order": [canonical(van.order.model_dump(mode="json"))],
        "manifest": [base.manifest],
        "key": [base.keys[lists.made.RECIPIENT]],
        "private": [lists.VAN.private_bytes_raw()],
        "hashes": [base.hashes],
        "chunks": list(base.chunks),
        "item": [item],
    }
    given = {
        "files": {name: [b64encode(each).decode() for each in some] for name, some in files.items()},
        "masked": [masked(form) for n in (GONE, STAYS) for form in (opened(n, van), stored(n))],
        "dimension": DIMENSION,
        "recipient": lists.made.RECIPIENT,
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.vision.opened_in_memory"],
        cwd=ROOT,
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    before, after, wiped = json.loads(done.stdout)
    # Of each: as float32, as int16.
    assert before == [1, 0, 1, 0], "each template once, in the gallery, and its plaintext nowhere"
    assert after == [0, 0, 1, 0]
    assert wiped == [0, 0, 0, 0]
