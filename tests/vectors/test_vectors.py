"""Each vector is read as its header says; and the vectors are what their generator makes of the specifications."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from edge import errors
from edge.formats.documents import AlertDocument
from edge.trust.envelope import unwrap
from edge.trust.sealing import alert_context, unseal_match
from tests.vectors import make_vectors as made

VECTORS = sorted(made.HERE.glob("*.vector"))


def read_alert(body: bytes) -> None:
    alert = unwrap(body, AlertDocument, {made.raw(made.VAN).hex()})
    context = alert_context(alert.fleet, alert.device, alert.deployment, alert.event_id, alert.sequence)
    match, jpeg = unseal_match(base64.b64decode(alert.sealed), made.ROOM_SEAL, context)
    assert (match.model_dump(), jpeg) == (made.MATCH, b"jpeg")


READERS = {"alert": read_alert}


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_vector_is_read_as_its_header_says(path: Path):
    head, _, body = path.read_bytes().partition(b"\n\n")
    fields = dict(line.split(": ", 1) for line in head.decode().splitlines())
    assert list(fields) == ["kind", "expect", "shows"]
    read = READERS[fields["kind"]]
    if fields["expect"] == "ok":
        read(body)
        return
    with pytest.raises(errors.LfrError) as refusal:
        read(body)
    assert type(refusal.value).__name__ == fields["expect"]


def test_vectors_are_what_their_generator_makes():
    kept = {path.name: path.read_bytes() for path in VECTORS}
    assert kept == made.every_vector(), "run: python tests/vectors/make_vectors.py"


def test_generator_shares_no_code_with_the_product():
    source = Path(made.__file__).read_text(encoding="utf-8")
    assert "from edge" not in source
    assert "import edge" not in source
