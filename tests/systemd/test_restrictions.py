"""What a unit forbids leaves the networks, OpenCV and locked memory at work; each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# prctl(2): PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, since Linux 6.3; systemd does the same with a filter or with it.
_FORBID = """
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(65, 1, 0, 0, 0) != 0:
    sys.exit(77)
import mmap
try:
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
except PermissionError:
    pass
else:
    sys.exit("memory that is written and executed was given")
"""

_WORK = {
    "networks": """
import numpy as np
from pathlib import Path
from edge.drivers.litert import choose_runtime
model = choose_runtime("auto", 2).load(Path("tests/tiny/conv_int8.tflite").read_bytes(), "tiny")
assert model.run(np.zeros(model.inputs[0].shape, np.uint8))[0].size
""",
    "pictures": """
import cv2, numpy as np
picture = np.zeros((90, 160, 3), np.uint8)
assert cv2.warpAffine(picture, np.eye(2, 3, dtype=np.float32), (112, 112)).shape == (112, 112, 3)
assert cv2.imencode(".jpg", picture)[0]
""",
    "locked memory": """
from edge.vision.memory import LockedBuffer
buffer = LockedBuffer(4096)
buffer.array("u1", (4096,))[:] = 1
buffer.wipe()
""",
    "seals and signatures": """
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
key = Ed25519PrivateKey.generate()
key.public_key().verify(key.sign(b"x"), b"x")
""",
    "link": "import edge.link_main, sqlite3; sqlite3.connect(':memory:').execute('select 1')",
}


@pytest.mark.parametrize("work", _WORK)
def test_half_works_where_no_memory_is_both_written_and_executed(work: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _FORBID + _WORK[work]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode == 77:
        pytest.skip("this kernel has no PR_SET_MDWE (Linux 6.3)")
    assert done.returncode == 0, done.stderr
