"""Each vector is read as its header says; and the vectors are what their generator makes of the specifications."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest

from edge import errors
from edge.clock import parse_utc
from edge.formats.documents import AlertDocument
from edge.formats.pack import Purpose
from edge.trust import watchlist
from edge.trust.envelope import unwrap
from edge.trust.order import open_order
from edge.trust.packs import check_subjects
from edge.trust.sealing import alert_context, unseal_match
from tests.vectors import make_vectors as made

VECTORS = sorted(made.HERE.glob("*.vector"))
AUTHORITY_HEX = made.raw(made.AUTHORITY).hex()
NOON = parse_utc(made.NOON)


def read_order(body: bytes) -> None:
    assert open_order(body, [AUTHORITY_HEX], made.FLEET, made.DEVICE, made.PACK, made.BACKEND, NOON).place


def read_alert(body: bytes) -> None:
    alert = unwrap(body, AlertDocument, {made.raw(made.VAN).hex()})
    context = alert_context(alert.fleet, alert.device, alert.deployment, alert.event_id, alert.sequence)
    match, jpeg = unseal_match(base64.b64decode(alert.sealed), made.ROOM_SEAL, context)
    assert (match.model_dump(), jpeg) == (made.MATCH, b"jpeg")


def read_watchlist(body: bytes, purpose: Purpose = "operations") -> None:
    pinning, head, *parts = map(base64.b64decode, body.splitlines())
    order = open_order(pinning, [AUTHORITY_HEX], made.FLEET, made.DEVICE, made.PACK, made.BACKEND, NOON)
    header = watchlist.open_header(head, order, [AUTHORITY_HEX])
    check_subjects(header.subjects, purpose, header.id)
    plain = np.ones(watchlist.plaintext_bytes(header), np.uint8)
    templates = np.ones((header.entries, header.dimension), np.float32)
    try:
        ids = watchlist.open_parts(
            header, watchlist.unwrap_key(header, made.DEVICE, made.VAN_SEAL), parts, plain, templates
        )
        assert ids == ("01" * 16, "02" * 16, "03" * 16)
        assert np.array_equal(templates, np.eye(3, 16))
    except errors.WatchlistInvalid:
        assert not templates.any()
        raise
    finally:
        assert not plain.any()


READERS = {
    "order": read_order,
    "alert": read_alert,
    "watchlist": read_watchlist,
    "watchlist-bring-up": lambda body: read_watchlist(body, "bring-up"),
}


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
