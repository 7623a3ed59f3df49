"""Attacks on a watchlist: its files, its log, its keys; by brokers, by one officer alone, by vans taken over."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest

from edge.errors import DeltaInvalid, DocumentInvalid, DocumentTooLarge, SealInvalid, SignatureInvalid, WatchlistInvalid
from edge.formats.watchlists import WatchlistDelta
from edge.trust.chunks import ChunkPlace
from edge.trust.content_key import unwrap_content_key
from edge.trust.documents import canonical, sign
from edge.trust.manifest import PackFacts, open_manifest
from edge.trust.watchlist_log import follow, read_item
from edge.vision.fold import open_base
from tests.trust import made_lists as lists
from tests.vectors import make_watchlist_vectors as made

PEOPLE = range(1, 9)


def held(gallery) -> set[str]:
    """Whom a search finds by their own template."""
    ids = gallery.entry_ids()
    found = set()
    for number in range(1, 40):
        found |= {each.entry_id for each in gallery.search(lists.template_of(number), 0.99).candidates}
    assert found == ids
    return found


def test_swapped_chunks_open_no_list():
    base = lists.base_of(range(1, 3000))
    assert len(base.chunks) == 3
    turned = (base.chunks[1], base.chunks[0], base.chunks[2])
    with pytest.raises(WatchlistInvalid, match="not the file that is pinned"):
        lists.open_list(base, files=lambda: turned)


def test_swapped_chunks_whose_hashes_were_swapped_too_open_no_list():
    base = lists.base_of(range(1, 3000))
    chunks = (base.chunks[1], base.chunks[0], base.chunks[2])
    hashes = b"".join(hashlib.sha256(chunk).digest() for chunk in chunks)
    fields = {**json.loads(base.manifest), "hashes_sha256": hashlib.sha256(hashes).hexdigest()}
    with pytest.raises(WatchlistInvalid, match="does not open"):
        lists.open_list(replace(base, manifest=canonical(fields), hashes=hashes, chunks=chunks))


def test_replay_to_another_deployment_opens_no_list():
    base = lists.base_of(PEOPLE, deployment="deployment-2")
    with pytest.raises(WatchlistInvalid, match="manifest of deployment-2"):
        lists.open_list(base)


def test_key_of_another_deployment_opens_nothing():
    base = lists.base_of(PEOPLE)
    other = lists.base_of(PEOPLE, deployment="deployment-2")
    with pytest.raises(SealInvalid):
        lists.open_list(replace(base, keys=other.keys))


def test_replay_to_another_van_opens_nothing():
    base = lists.base_of(PEOPLE)
    ours, theirs = base.keys
    with pytest.raises(SealInvalid):
        unwrap_content_key(base.keys[theirs], lists.VAN, lists.FLEET, lists.DEPLOYMENT, 1, ours)
    with pytest.raises(SealInvalid):
        unwrap_content_key(base.keys[theirs], lists.OTHER_VAN, lists.FLEET, lists.DEPLOYMENT, 1, ours)


def test_van_left_out_of_a_new_epoch_opens_nothing_of_it():
    ours, theirs = lists.RECIPIENTS
    base = lists.base_of(PEOPLE, epoch=2, recipients={ours: lists.RECIPIENTS[ours]})
    assert set(base.keys) == {ours}
    old = lists.base_of(PEOPLE)
    for name in (ours, theirs):
        with pytest.raises(SealInvalid):
            unwrap_content_key(base.keys[ours], lists.OTHER_VAN, lists.FLEET, lists.DEPLOYMENT, 2, name)
    assert old.secret.content_key != base.secret.content_key


def test_one_signature_addition_is_refused_before_its_files_are_asked_for():
    van = lists.open_list(lists.base_of(PEOPLE))
    sealed = van.sealed(adds=[lists.entry(20)])
    for signer in lists.SIGNERS:
        with pytest.raises(DeltaInvalid, match="signed by one"):
            read_item(sign(sealed.delta, [signer]), van.order)


def test_one_signature_removal_passes_and_puts_nobody_on():
    van = lists.open_list(lists.base_of(PEOPLE))
    van.take(sign(van.sealed(removes=[3]).delta, lists.SIGNERS[:1]))
    assert held(van.gallery) == {lists.id_of(number) for number in PEOPLE if number != 3}


def test_removal_that_hides_an_addition_is_refused():
    van = lists.open_list(lists.base_of(PEOPLE))
    added = van.sealed(adds=[lists.entry(20)])
    fields = {"adds": 0, "removes": [lists.id_of(1)], "entries_after": 7}
    hidden = added.delta.model_copy(update=fields)
    with pytest.raises(DeltaInvalid, match="signed by one"):
        read_item(sign(hidden, lists.SIGNERS[:1]), van.order)
    with pytest.raises(DeltaInvalid, match="in 1 files, need 0"):
        van.take(sign(hidden, lists.SIGNERS), added.adds)


def test_replayed_delta_is_refused():
    van = lists.open_list(lists.base_of(PEOPLE))
    item = sign(van.sealed(removes=[3]).delta, lists.SIGNERS)
    van.take(item)
    with pytest.raises(DeltaInvalid, match="need 2"):
        van.take(item)


def test_delta_of_a_forked_log_is_refused():
    base = lists.base_of(PEOPLE)
    van, other = lists.open_list(base), lists.open_list(base)
    van.push(removes=[3])
    other.push(removes=[4])
    with pytest.raises(DeltaInvalid, match="two logs"):
        van.take(sign(other.sealed(removes=[5]).delta, lists.SIGNERS))
    assert lists.id_of(5) in held(van.gallery)


def test_suppressed_delta_stops_the_log_and_leaves_the_list_before_it():
    van, ahead = lists.open_list(base := lists.base_of(PEOPLE)), lists.open_list(base)
    ahead.push(removes=[3])
    with pytest.raises(DeltaInvalid, match="need 1"):
        van.take(sign(ahead.sealed(removes=[4]).delta, lists.SIGNERS))
    assert held(van.gallery) == {lists.id_of(number) for number in PEOPLE}


def test_compromised_van_forges_a_chunk_for_others_in_vain():
    """It has the content key; it has no signature, and chunks are pinned."""
    base = lists.base_of(PEOPLE)
    place = ChunkPlace(lists.FLEET, base.secret.manifest, 0, 0, len(PEOPLE))
    own = lists.content_cipher(base)
    plain = bytearray(own.decrypt(place.nonce(), base.chunks[0], place.context()))
    plain[:16] = bytes(16)
    forged = own.encrypt(place.nonce(), bytes(plain), place.context())
    with pytest.raises(WatchlistInvalid, match="not the file that is pinned"):
        lists.open_list(base, files=lambda: [forged])


def test_compromised_van_forges_additions_for_others_in_vain():
    van = lists.open_list(lists.base_of(PEOPLE))
    sealed = van.sealed(adds=[lists.entry(20)])
    place = ChunkPlace(lists.FLEET, van.base.secret.manifest, 1, 0, 1)
    own = lists.content_cipher(van.base)
    forged = own.encrypt(place.nonce(), own.decrypt(place.nonce(), sealed.adds[0], place.context()), place.context())
    other = own.encrypt(place.nonce(), bytes(16) + b"\1\1" + b"\xff\x7f" + bytes(30), place.context())
    assert forged == sealed.adds[0]
    with pytest.raises(WatchlistInvalid, match="not the file that is pinned"):
        van.take(sign(sealed.delta, lists.SIGNERS), [other])
    with pytest.raises(SignatureInvalid):
        read_item(sign(sealed.delta, [made.STRANGER, made.CLOSER]), van.order)


def test_compromised_van_wraps_another_key_and_closes_the_list_for_a_van_at_most():
    base = lists.base_of(PEOPLE)
    other = lists.base_of(range(20, 28))
    with pytest.raises(WatchlistInvalid, match="does not open"):
        lists.open_list(replace(base, keys=other.keys))


@pytest.mark.parametrize("length", [0.5, 2.0, 5.0])
def test_template_that_could_match_everyone_is_refused(length: float):
    base = lists.base_of(PEOPLE)
    place = ChunkPlace(lists.FLEET, base.secret.manifest, 0, 0, len(PEOPLE))
    own = lists.content_cipher(base)
    plain = bytearray(own.decrypt(place.nonce(), base.chunks[0], place.context()))
    numbers = np.frombuffer(plain, "<i2", offset=18 * len(PEOPLE))
    numbers[:16] = np.clip(np.round(numbers[:16] * length), -32768, 32767).astype("<i2")
    chunk = own.encrypt(place.nonce(), bytes(plain), place.context())
    hashes = hashlib.sha256(chunk).digest()
    fields = {**json.loads(base.manifest), "hashes_sha256": hashlib.sha256(hashes).hexdigest()}
    with pytest.raises(WatchlistInvalid, match="could match everyone"):
        lists.open_list(replace(base, manifest=canonical(fields), hashes=hashes, chunks=(chunk,)))


def test_oversized_everything_is_refused_by_its_length():
    base = lists.base_of(PEOPLE)
    van = lists.open_list(base)
    huge = 64 * 1024 * 1024
    with pytest.raises(DocumentTooLarge):
        read_item(bytes(huge), van.order)
    with pytest.raises(WatchlistInvalid):
        open_base(van.epoch, bytes(huge), base.chunks)
    with pytest.raises(WatchlistInvalid):
        open_base(van.epoch, base.hashes, [bytes(huge)])
    with pytest.raises(SealInvalid):
        unwrap_content_key(bytes(huge), lists.VAN, lists.FLEET, lists.DEPLOYMENT, 1, made.RECIPIENT)
    order = van.order.model_copy(
        update={
            "watchlist": van.order.watchlist.model_copy(
                update={"manifest_sha256": hashlib.sha256(bytes(huge)).hexdigest()}
            )
        }
    )
    pinned = order.watchlist.manifest_sha256
    with pytest.raises(DocumentTooLarge):
        open_manifest(bytes(huge), pinned, order, 1, PackFacts(lists.PACK, 16, "operations"))


def test_endless_chunks_are_not_taken():
    base = lists.base_of(PEOPLE)
    taken = []

    def endless():
        while True:
            taken.append(1)
            yield base.chunks[0]

    with pytest.raises(WatchlistInvalid, match="more files came"):
        lists.open_list(base, files=endless)
    assert len(taken) == 2


def test_delta_over_the_orders_cap_is_refused():
    van = lists.open_list(lists.base_of(PEOPLE), delta_entries_max=2)
    delta = WatchlistDelta(
        **{**van.sealed(removes=[1, 2]).delta.model_dump(), "removes": [lists.id_of(n) for n in (1, 2, 3)]}
        | {"entries_after": 5}
    )
    with pytest.raises(DeltaInvalid, match="the order allows 1 to 2"):
        follow(van.state, read_item(sign(delta, lists.SIGNERS), van.order), "0" * 64, van.order)


def test_log_item_as_another_document_is_refused():
    van = lists.open_list(lists.base_of(PEOPLE))
    close = canonical({"type": "deployment_close", "fleet": lists.FLEET, "deployment": lists.DEPLOYMENT})
    for data in (close, b"{}", b"[]", b"null", b'{"signatures":[],"signed":null}'):
        with pytest.raises(DocumentInvalid):
            read_item(data, van.order)


def test_old_base_in_a_new_epoch_is_refused():
    van = lists.open_list(lists.base_of(PEOPLE))
    item = lists.new_base_item(van.state, lists.base_of(PEOPLE, epoch=3))
    with pytest.raises(DeltaInvalid, match="need 2"):
        follow(van.state, read_item(sign(item, lists.SIGNERS), van.order), "0" * 64, van.order)
