"""Each vector of a watchlist is read as its header says; and they are what their generator makes of WATCHLIST.md."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge import errors
from tests.trust.watchlist_script import Van, lines_of
from tests.vectors import make_watchlist_vectors as made

VECTORS = sorted(made.HERE.glob("*.vector"))


def van(purpose: str = "operations") -> Van:
    categories = frozenset(made.POLICY_CATEGORIES)
    return Van(made.VAN_SEAL, made.RECIPIENT, made.DIMENSION, categories, purpose)  # type: ignore[arg-type]


def parts(path: Path) -> tuple[dict[str, str], bytes]:
    head, _, body = path.read_bytes().partition(b"\n\n")
    return dict(line.split(": ", 1) for line in head.decode().splitlines()), body


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_vector_is_read_as_its_header_says(path: Path):
    fields, body = parts(path)
    assert list(fields) == ["expect", "leaves", "shows"]
    reader = van()
    if fields["expect"] != "ok":
        with pytest.raises(errors.LfrError) as refusal:
            reader.read(lines_of(body))
        assert type(refusal.value).__name__ == fields["expect"]
        return
    reader.read(lines_of(body))
    if fields["leaves"] != "-":
        assert reader.gallery is not None
        numbers = [int(number) for number in fields["leaves"].split()]
        assert reader.gallery.entry_ids() == {f"{number:02x}" * 16 for number in numbers}
        probes = np.eye(made.DIMENSION, dtype=np.float32)
        for number in numbers:
            if path.stem in ("base-norm-just-long", "base-lowest-number"):
                continue  # Their templates point elsewhere.
            found = reader.gallery.search(probes[number % made.DIMENSION], 0.9).candidates
            assert f"{number:02x}" * 16 in {each.entry_id for each in found}


def test_real_people_under_a_bring_up_pack_are_refused():
    with pytest.raises(errors.PackPurposeRefused):
        van("bring-up").read(made.GOOD)


def test_rendered_people_under_a_bring_up_pack_are_searched():
    reader = van("bring-up")
    reader.read(lines_of(parts(made.HERE / "base-synthetic.vector")[1]))
    assert len(reader.gallery or ()) == 5


def test_a_candidate_says_category_and_planned_response():
    reader = van()
    reader.read(lines_of(parts(made.HERE / "base-categories.vector")[1]))
    assert reader.gallery is not None
    found = reader.gallery.search(np.eye(made.DIMENSION, dtype=np.float32)[1], 0.9).candidates
    assert [(each.category, each.response) for each in found] == [("risk_of_harm", "green")]


def test_vectors_are_what_their_generator_makes():
    kept = {path.name: path.read_bytes() for path in VECTORS}
    assert kept == made.every_vector(), "run: python -m tests.vectors.make_watchlist_vectors"


def test_there_are_at_least_a_hundred_with_one_fault():
    assert sum(parts(path)[0]["expect"] != "ok" for path in VECTORS) >= 100


@pytest.mark.parametrize("name", ["make_watchlist_vectors", "watchlist_base_vectors", "watchlist_log_vectors"])
def test_generator_shares_no_code_with_the_product(name: str):
    source = (made.HERE.parent / f"{name}.py").read_text(encoding="utf-8")
    assert "from edge" not in source
    assert "import edge" not in source
