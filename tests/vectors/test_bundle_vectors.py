"""Each vector of the room's bundle is read as its header says; and they are what their generator makes of BUNDLE.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from control_room.bundle_file import BundleFile
from control_room.errors import BundleInvalid
from edge.clock import parse_utc
from tests.vectors import make_bundle_vectors as made

VECTORS = sorted(made.HERE.glob("*.vector"))


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_vector_is_read_as_its_header_says(path: Path, tmp_path: Path):
    head, _, body = path.read_bytes().partition(b"\n\n")
    fields = dict(line.split(": ", 1) for line in head.decode().splitlines())
    assert list(fields) == ["expect", "now", "shows"]
    (tmp_path / "a.bundle").write_bytes(body)
    now = parse_utc(fields["now"])
    if fields["expect"] != "ok":
        with pytest.raises(BundleInvalid) as refusal:
            BundleFile(tmp_path / "a.bundle", made.FLEET, made.ROOM_SEAL, now)
        assert type(refusal.value).__name__ == fields["expect"]
        return
    file = BundleFile(tmp_path / "a.bundle", made.FLEET, made.ROOM_SEAL, now)
    assert file.photograph(f"{0:032x}") == made.JPEGS[0]
    assert file.entries == (1 if path.stem == "good-part" else 2)


def test_vectors_are_what_their_generator_makes():
    kept = {path.name: path.read_bytes() for path in VECTORS}
    assert kept == made.every_vector(), "run: python -m tests.vectors.make_bundle_vectors"


def test_generator_shares_no_code_with_the_product():
    source = Path(made.__file__).read_text(encoding="utf-8")
    assert "from edge" not in source
    assert "import edge" not in source
