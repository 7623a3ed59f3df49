"""A file pinned by a manifest: its own lines come and go, every other one stays."""

from __future__ import annotations

import pytest

from edge.errors import PackInvalid
from models.companions import pin

COMMENTED = """\
# what it is
name: made
version: 7
detector: {}   # a network
"""


def test_every_other_line_of_the_manifest_stays_as_it_was():
    once = pin(COMMENTED, "calibration", "calibration.json", b"{}")
    assert once.splitlines()[:4] == ["# what it is", "name: made", "version: 8", "detector: {}   # a network"]
    twice = pin(once, "calibration", "calibration.json", b"{} ")
    assert twice.count("calibration:") == 1
    assert twice.splitlines()[:4] == ["# what it is", "name: made", "version: 9", "detector: {}   # a network"]


@pytest.mark.parametrize("text", ["name: made\n", "version: 1\nversion: 2\n", "version: one\n"])
def test_manifest_whose_version_cannot_be_raised_is_refused(text: str):
    with pytest.raises(PackInvalid, match="version"):
        pin(text, "calibration", "calibration.json", b"{}")


def test_keys_do_not_displace_one_another():
    once = pin(COMMENTED, "calibration", "calibration.json", b"{}")
    both = pin(once, "goldens", "goldens.json", b"[]")
    again = pin(both, "calibration", "calibration.json", b"{ }")
    assert again.count("name: calibration.json, size_bytes: 3") == 1
    assert again.count("name: goldens.json, size_bytes: 2") == 1
    assert again.count("sha256: ") == 2
