"""The writer of the repository: nothing is published that two people did not sign, and a cut leaves old or new."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tuf.api.metadata import Metadata

from edge.clock import utc_text
from edge.errors import AuthorityInvalid, LfrError, RepositoryFileMissing, SignerUnusable
from edge.formats.parts import MESSAGE_MAX_BYTES
from edge.trust.documents import canonical
from provisioning import tuf_files
from provisioning.tuf_draft import Draft
from provisioning.tuf_repository import RoleKeys, TufRepository
from tests.fake_clock import FakeClock
from tests.made_repository import FLEET, MadeFleet, made_signer


@pytest.fixture
def fleet(tmp_path: Path) -> MadeFleet:
    return MadeFleet(tmp_path / "repo", FakeClock())


def draft_order(fleet: MadeFleet, **changes: object) -> Draft:
    people = [fleet.people[name].public_key for name in ("officer", "custodian")]
    return fleet.repository.draft_deployment(fleet.order_bytes(**changes), *people, fleet.online.log.public_key)


def test_draft_travels_as_one_file_and_is_signed_on_other_machines(fleet: MadeFleet):
    draft = draft_order(fleet)
    for name in ("officer", "custodian"):
        draft = Draft.from_bytes(draft.to_bytes())
        assert draft.sign(fleet.people[name]) == ("deployment.station-9", "targets")
    assert not draft.missing()
    fleet.repository.publish(Draft.from_bytes(draft.to_bytes()), fleet.online)
    assert fleet.repository.deployments() == ("station-9",)
    assert fleet.repository.order("station-9") == fleet.order_bytes()


def test_draft_says_who_has_yet_to_sign(fleet: MadeFleet):
    draft = draft_order(fleet)
    draft.sign(fleet.people["officer"])
    missing = {each.role: each for each in draft.missing()}
    assert missing["deployment.station-9"].key_ids == (fleet.people["custodian"].public_key.keyid,)
    assert missing["targets"].signatures == 1


def test_one_signature_publishes_nothing(fleet: MadeFleet):
    before = fleet.repository.files()
    with pytest.raises(AuthorityInvalid, match="lacks signatures"):
        fleet.publish_order(signers=("officer", "officer"))
    assert fleet.repository.files() == before


def test_deputy_signs_targets_but_never_another_pairs_order(fleet: MadeFleet):
    draft = draft_order(fleet)
    assert draft.sign(fleet.people["deputy"]) == ("targets",)
    draft.sign(fleet.people["officer"])
    with pytest.raises(AuthorityInvalid, match=r"deployment\.station-9: 1 more"):
        fleet.repository.publish(draft, fleet.online)


def test_stranger_may_sign_nothing(fleet: MadeFleet):
    with pytest.raises(AuthorityInvalid, match="may sign nothing"):
        draft_order(fleet).sign(made_signer("stranger"))


def test_draft_is_refused_when_another_was_published_meanwhile(fleet: MadeFleet):
    draft = draft_order(fleet)
    draft.sign(fleet.people["officer"])
    draft.sign(fleet.people["custodian"])
    fleet.publish_policy()
    with pytest.raises(AuthorityInvalid, match="draft again"):
        fleet.repository.publish(draft, fleet.online)


def test_draft_signed_too_late_is_refused(fleet: MadeFleet):
    draft = draft_order(fleet)
    draft.sign(fleet.people["officer"])
    draft.sign(fleet.people["custodian"])
    fleet.clock.advance(timedelta(days=3).total_seconds())
    with pytest.raises(AuthorityInvalid, match="has expired"):
        fleet.repository.publish(draft, fleet.online)


def test_changed_draft_loses_its_signatures(fleet: MadeFleet):
    draft = draft_order(fleet)
    draft.sign(fleet.people["officer"])
    draft.sign(fleet.people["custodian"])
    changed = draft.to_bytes().replace(b'\\"version\\":2', b'\\"version\\":3')
    assert Draft.from_bytes(changed).missing()


def test_order_of_people_it_does_not_name_is_not_drafted(fleet: MadeFleet):
    people = [fleet.people[name].public_key for name in ("custodian", "officer")]
    with pytest.raises(AuthorityInvalid, match="names officer"):
        fleet.repository.draft_deployment(fleet.order_bytes(), *people, fleet.online.log.public_key)


def test_persons_key_is_no_log_key(fleet: MadeFleet):
    people = [fleet.people[name].public_key for name in ("officer", "custodian")]
    with pytest.raises(AuthorityInvalid, match="log's key"):
        fleet.repository.draft_deployment(fleet.order_bytes(), *people, fleet.people["deputy"].public_key)


@pytest.mark.parametrize("lacking", ["root-2", "custodian"])
def test_founding_needs_two_of_root_and_two_of_targets(fleet: MadeFleet, tmp_path: Path, lacking: str):
    signers = {**fleet.roots, **fleet.people}
    chosen = [signers[name] for name in ("root-1", "root-2", "officer", "custodian") if name != lacking]
    with pytest.raises(AuthorityInvalid, match="lacks signatures"):
        TufRepository.create(tmp_path / "other", FLEET, fleet.keys, chosen, fleet.online, fleet.clock)


def test_founding_needs_three_root_keys_and_online_keys_of_their_own(fleet: MadeFleet):
    keys = fleet.keys
    for wrong in (
        RoleKeys(keys.root[:2], keys.targets, keys.snapshot, keys.timestamp),
        RoleKeys(keys.root, keys.targets, keys.snapshot, keys.snapshot),
        RoleKeys(keys.root, keys.targets, keys.targets[0], keys.timestamp),
    ):
        with pytest.raises(AuthorityInvalid):
            TufRepository.draft_founding(wrong, fleet.clock)


def test_founding_twice_is_refused(fleet: MadeFleet):
    with pytest.raises(AuthorityInvalid, match="already"):
        TufRepository.create(fleet.folder, FLEET, fleet.keys, [], fleet.online, fleet.clock)


def test_deployments_that_are_over_leave_the_next_targets(fleet: MadeFleet):
    fleet.publish_order()
    fleet.clock.advance(timedelta(days=2).total_seconds())
    later = fleet.order_bytes("station-10")
    fleet.publish_order(later)
    assert fleet.repository.deployments() == ("station-10",)


def test_log_item_is_published_once_and_never_replaced(fleet: MadeFleet):
    fleet.publish_order()
    fleet.repository.add_log_item("station-9", 1, b"{}", fleet.online)
    version = fleet.repository.files()["metadata/timestamp.json"]
    fleet.repository.add_log_item("station-9", 1, b"{}", fleet.online)
    assert fleet.repository.files()["metadata/timestamp.json"] == version
    with pytest.raises(AuthorityInvalid, match="never replaced"):
        fleet.repository.add_log_item("station-9", 1, b"[]", fleet.online)


def test_compaction_leaves_the_items_from_the_base_on(fleet: MadeFleet):
    fleet.publish_order()
    for sequence in (1, 2, 3):
        fleet.repository.add_log_item("station-9", sequence, b"{%d}" % sequence, fleet.online)
    fleet.repository.compact_log("station-9", 3, fleet.online)
    assert fleet.repository.log_sequences("station-9") == (3,)
    with pytest.raises(AuthorityInvalid):
        fleet.repository.compact_log("station-9", 2, fleet.online)


def test_new_order_keeps_the_log(fleet: MadeFleet):
    fleet.publish_order()
    fleet.repository.add_log_item("station-9", 1, b"{}", fleet.online)
    fleet.publish_order(fleet.order_bytes(version=2))
    assert fleet.repository.log_sequences("station-9") == (1,)


def test_only_what_two_snapshots_name_is_kept(fleet: MadeFleet):
    fleet.publish_order()
    for sequence in range(1, 6):
        fleet.repository.add_log_item("station-9", sequence, b"{%d}" % sequence, fleet.online)
    names = [name for name in fleet.repository.files() if name.startswith("metadata/")]
    assert sum("snapshot" in name for name in names) == 2
    assert sum(".log." in name for name in names) == 2


def test_files_are_messages_of_at_most_60_kib_and_the_index_comes_last(fleet: MadeFleet):
    fleet.repository.put_file("deployments/station-9/1/hashes", bytes(150_000))
    messages = fleet.repository.files()
    assert max(map(len, messages.values())) <= MESSAGE_MAX_BYTES
    assert list(messages)[-2:] == ["metadata/timestamp.json", "index.json"]
    assert "deployments/station-9/1/hashes.p002" in messages


@pytest.mark.parametrize("name", ["metadata/timestamp.json", "index.json", f"policies/{'0' * 64}.uk-1.json"])
def test_put_file_writes_nothing_that_tuf_vouches_for(fleet: MadeFleet, name: str):
    with pytest.raises(AuthorityInvalid):
        fleet.repository.put_file(name, b"{}")


def test_deployment_that_is_over_is_removed_with_all_its_files(fleet: MadeFleet):
    fleet.publish_order()
    fleet.repository.put_file("deployments/station-9/1/chunk-0000", b"x")
    assert fleet.repository.remove_deployment("station-9") == 4
    assert not [name for name in fleet.repository.files() if "station-9" in name]
    fleet.repository.refresh_timestamp(fleet.online)
    with pytest.raises(RepositoryFileMissing):
        fleet.repository.order("station-9")


def test_timestamp_says_when_it_was_made_and_for_how_long_it_serves(fleet: MadeFleet):
    fleet.clock.advance(300.75)
    fleet.repository.refresh_timestamp(fleet.online)
    timestamp = Metadata.from_bytes(fleet.repository.files()["metadata/timestamp.json"]).signed
    made_at = fleet.clock.now_utc().replace(microsecond=0)
    assert timestamp.unrecognized_fields == {"made_at_utc": utc_text(made_at), "staleness_s": 900}
    assert timestamp.expires == made_at + timedelta(seconds=900)


def test_snapshot_is_renewed_before_it_expires(fleet: MadeFleet):
    fleet.repository.refresh_timestamp(fleet.online)
    assert "metadata/1.snapshot.json" in fleet.repository.files()
    fleet.clock.advance(timedelta(days=4).total_seconds())
    fleet.repository.refresh_timestamp(fleet.online)
    assert "metadata/2.snapshot.json" in fleet.repository.files()


def test_online_key_that_root_does_not_name_publishes_nothing(fleet: MadeFleet):
    before = fleet.repository.files()
    wrong = type(fleet.online)(made_signer("other"), fleet.online.timestamp, fleet.online.log)
    with pytest.raises(AuthorityInvalid, match="snapshot is signed by another key"):
        fleet.repository._publish({}, {}, wrong, 900)
    assert fleet.repository.files() == before


def test_signer_that_fails_is_named(fleet: MadeFleet):
    class Broken(type(fleet.online.snapshot)):
        def sign(self, payload: bytes):
            raise ValueError("token removed")

    broken = Broken(fleet.online.timestamp._private_key, fleet.online.timestamp.public_key)
    with pytest.raises(SignerUnusable, match="token removed"):
        fleet.repository.refresh_timestamp(type(fleet.online)(fleet.online.snapshot, broken, fleet.online.log))


class _Cut(BaseException):
    """The power goes."""


def test_power_cut_at_any_write_leaves_the_old_repository_or_the_new(
    fleet: MadeFleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    fleet.publish_order()
    real = tuf_files.write_durably
    left, seen = 0, set()

    def cut_after(path: Path, data: bytes) -> None:
        nonlocal left
        if left == 0:
            raise _Cut
        left -= 1
        real(path, data)

    for writes in range(12):
        before = fleet.repository.log_sequences("station-9")
        left = writes
        sequence = len(before) + 1
        with monkeypatch.context() as patch:
            patch.setattr(tuf_files, "write_durably", cut_after)
            try:
                fleet.repository.add_log_item("station-9", sequence, b"{%d}" % sequence, fleet.online)
                cut = False
            except _Cut:
                cut = True
        fleet.repository = TufRepository.open(fleet.folder, FLEET, fleet.clock)
        after = fleet.repository.log_sequences("station-9")
        seen.add((cut, len(after) - len(before)))
        for name in fleet.repository.files():
            assert not name.endswith(".new")
    assert seen == {(True, 0), (True, 1), (False, 1)}


ANY = st.none() | st.text(max_size=8) | st.dictionaries(st.text(max_size=4), st.text(max_size=8), max_size=2)
EMPTY = {"type": "repository_draft", "kind": "targets", "about": "", "roles": {}, "files": {}, "root": None}


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=200) | st.dictionaries(st.sampled_from(sorted(EMPTY)), ANY).map(lambda x: canonical(EMPTY | x))
)
def test_any_bytes_are_a_draft_or_refused(data: bytes):
    try:
        draft = Draft.from_bytes(data)
        draft.missing()
    except LfrError:
        return
    assert Draft.from_bytes(draft.to_bytes()).to_bytes() == draft.to_bytes()
