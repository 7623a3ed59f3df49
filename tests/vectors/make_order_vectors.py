"""Writes the vectors of orders and records: `python -m tests.vectors.make_order_vectors`. From their specifications.

Nothing of `edge` is imported. Every vector but the good ones has one fault. A header's line `given` changes what the
reader holds against it: whom it asked for, what it holds, what it acted on before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.vectors.make_vectors import BACKEND, DEPLOYMENT, DEVICE, FLEET, PACK, ROOM_SEAL, canonical, document, raw
from tests.vectors.record_vectors import Vector, bad_bytes, changed, records, without

HERE = Path(__file__).parent / "orders"

OFFICER, CUSTODIAN, CLOSER, SPARE_CLOSER, ROOM, STRANGER = (
    Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in range(31, 37)
)
OFFICER_ID, CUSTODIAN_ID = raw(OFFICER).hex(), raw(CUSTODIAN).hex()
RECIPIENT = "5a" * 16
NOON = "2026-03-01T12:00:00.000Z"

POLICY = {
    "type": "policy",
    "name": "uk",
    "version": 1,
    "entries_max": 1000,
    "categories": ["wanted", "suspect", "missing_or_vulnerable"],
    "deployment_h_max": 8,
    "prepare_h_max": 24,
    "alert_retention_h_max": 24,
    "staleness_s_max": 3600,
    "delta_entries_max": 20,
    "false_alert_ceiling": 0.001,
    "similarity_fpir_max": 0.001,
    "may_suspend": ["officer", "room"],
}
POLICY_SHA256 = hashlib.sha256(canonical(POLICY)).hexdigest()

ORDER = {
    "type": "order",
    "deployment": DEPLOYMENT,
    "fleet": FLEET,
    "version": 3,
    "authorising_officer": {"name": "officer 7", "key_id": OFFICER_ID},
    "data_custodian": {"name": "custodian 3", "key_id": CUSTODIAN_ID},
    "use_case": "persons wanted by a court",
    "legal_basis": "as the force writes it",
    "place": "Marché aux fleurs",
    "not_before_utc": "2026-03-01T09:00:00.000Z",
    "not_after_utc": "2026-03-01T17:00:00.000Z",
    "vans": {DEVICE: RECIPIENT, "van-2": "5b" * 16},
    "watchlist": {
        "manifest_sha256": "cd" * 32,
        "entries_max": 1000,
        "delta_entries_max": 20,
        "delta_signers": [OFFICER_ID, CUSTODIAN_ID],
    },
    "pack_sha256": PACK,
    "similarity_threshold": 0.55,
    "threshold_backend": BACKEND,
    "calibration": {"fpir": 0.001, "entries": 1000, "calibration_sha256": "ef" * 32, "evidence": "measured"},
    "policy": {"name": "uk", "version": 1, "sha256": POLICY_SHA256},
    "closers": [raw(CLOSER).hex(), raw(SPARE_CLOSER).hex()],
    "room_receipt_key_hex": raw(ROOM).hex(),
    "room_seal_key_hex": raw(ROOM_SEAL).hex(),
    "alert_retention_h": 24,
    "staleness_s": 3600,
}

CLOSE = {
    "type": "deployment_close",
    "fleet": FLEET,
    "deployment": DEPLOYMENT,
    "made_at_utc": NOON,
    "reason": "the market has ended",
}


def orders() -> Iterator[Vector]:
    good = canonical(ORDER)
    yield "order-good", "ok", "for this van, by its two signers, under its policy", good, {}
    yield "order-same-again", "ok", "the one acted on, again", good, {"floor": [3, hashlib.sha256(good).hexdigest()]}
    yield "order-newer", "ok", "a newer one than the one acted on", good, {"floor": [2, "00" * 32]}
    yield "order-at-every-ceiling", "ok", "nothing above its ceiling, all at it", good, {}
    yield from bad_bytes("order", good)
    yield "order-nan", "DocumentInvalid", "a threshold of NaN", good.replace(b":0.55,", b":NaN,"), {}
    yield "order-float", "DocumentInvalid", "24.0 for 24", good.replace(b'_h":24', b'_h":24.0'), {}
    yield "order-exponent", "DocumentInvalid", "5.5e-1 for 0.55", good.replace(b":0.55,", b":5.5e-1,"), {}
    for name, path, value, shows in FIELDS:
        yield f"order-{name}", "DocumentInvalid", shows, canonical(changed(ORDER, path, value)), {}
    for key in ("data_custodian", "policy", "closers", "staleness_s"):
        named = key.replace("_", "-")
        yield f"order-no-{named}", "DocumentInvalid", f"without `{key}`", canonical(without(ORDER, key)), {}
    yield "order-unknown-field", "DocumentInvalid", "a field nobody knows", canonical({**ORDER, "note": 1}), {}
    yield "order-signed", "DocumentInvalid", "signed for itself", canonical(document(ORDER, OFFICER, CUSTODIAN)), {}
    yield "order-as-policy", "DocumentInvalid", "a policy profile in its place", canonical(POLICY), {}
    for name, expect, shows, given in CIRCUMSTANCES:
        yield f"order-{name}", expect, shows, good, given
    for name, expect, path, value, shows in MEANT_OTHERWISE:
        yield f"order-{name}", expect, shows, canonical(changed(ORDER, path, value)), {}
    longer = changed(changed(ORDER, "watchlist.entries_max", 1001), "calibration.entries", 1001)
    yield "order-over-entries", "PolicyViolated", "an entry over the ceiling of a list", canonical(longer), {}
    many = changed(changed(ORDER, "alert_retention_h", 25), "staleness_s", 3601)
    yield "order-over-twice", "PolicyViolated", "two ceilings passed", canonical(many), {}


FIELDS: tuple[tuple[str, str, Any, str], ...] = (
    ("one-person", "data_custodian.key_id", OFFICER_ID, "officer and custodian have one key"),
    ("version-0", "version", 0, "version 0"),
    ("version-text", "version", "3", "a version in quotes"),
    ("no-vans", "vans", {}, "for no van"),
    ("recipient-twice", "vans", {DEVICE: RECIPIENT, "van-2": RECIPIENT}, "one key for two vans"),
    ("recipient-short", "vans", {DEVICE: "5a" * 15}, "a recipient id of 15 bytes"),
    ("van-capitals", "vans", {"VAN-1": RECIPIENT}, "a device id in capitals"),
    ("vans-1001", "vans", {f"van-{n}": f"{n:032x}" for n in range(1001)}, "for 1,001 vans"),
    ("list-too-long", "watchlist.entries_max", 200_001, "a list of 200,001 entries"),
    ("list-empty", "watchlist.entries_max", 0, "a list of no entries"),
    ("delta-too-long", "watchlist.delta_entries_max", 1001, "deltas of 1,001 entries"),
    ("one-delta-signer", "watchlist.delta_signers", [OFFICER_ID], "one signer of deltas: nobody could put anyone on"),
    ("delta-signer-twice", "watchlist.delta_signers", [OFFICER_ID] * 2, "one signer of deltas, named twice"),
    ("threshold-0", "similarity_threshold", 0, "a threshold that everybody reaches"),
    ("threshold-1", "similarity_threshold", 1, "a threshold that nobody reaches"),
    ("fpir-0", "calibration.fpir", 0, "a certificate for no false positive at all"),
    ("evidence-unknown", "calibration.evidence", "guessed", "a certificate of evidence nobody knows"),
    ("no-closer", "closers", [], "nobody may end it"),
    ("closer-twice", "closers", [raw(CLOSER).hex()] * 2, "one closer, named twice"),
    ("retention-33-days", "alert_retention_h", 792, "alerts kept for 33 days"),
    ("staleness-59", "staleness_s", 59, "stale after 59 s"),
    ("no-place", "place", "", "nowhere"),
    ("time-zone", "not_after_utc", "2026-03-01T17:00:00.000+01:00", "a time with a zone"),
    ("time-seconds", "not_after_utc", "2026-03-01T17:00:00Z", "a time without milliseconds"),
)

CIRCUMSTANCES: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("other-deployment", "OrderInvalid", "found where another deployment's should be", {"deployment": "deployment-2"}),
    ("other-fleet", "OrderInvalid", "for a van of the same name in another fleet", {"fleet": "fleet-2"}),
    ("other-van", "OrderInvalid", "for other vans", {"device": "van-3"}),
    ("one-signature", "OrderInvalid", "one of the two was enough to sign it", {"threshold": 1}),
    ("three-signatures", "OrderInvalid", "three had to sign, of two", {"threshold": 3}),
    ("third-signer", "OrderInvalid", "a third may sign as well", {"key_ids": [OFFICER_ID, CUSTODIAN_ID, "aa" * 32]}),
    ("other-signer", "OrderInvalid", "signed by another than the custodian", {"key_ids": [OFFICER_ID, "aa" * 32]}),
    ("no-signer", "OrderInvalid", "a role without keys", {"key_ids": [], "threshold": 0}),
    ("rollback", "OrderRollback", "older than the one acted on", {"floor": [4, None]}),
    ("twin", "OrderRollback", "another of the version acted on", {"floor": [3, "00" * 32]}),
    ("key-gone", "OrderInvalid", "its key is no longer in the vault", {"recipients_held": ["5c" * 16]}),
    ("other-vans-key", "OrderInvalid", "the vault holds the other van's key", {"recipients_held": ["5b" * 16]}),
    ("other-pack", "OrderInvalid", "another pack is installed", {"pack_sha256": "ac" * 32}),
    ("other-kernels", "ThresholdMismatch", "this van computes otherwise", {"backend": "litert-reference/int8"}),
    ("other-precision", "ThresholdMismatch", "this van computes in float32", {"backend": "litert/float32"}),
    ("policy-other", "PolicyViolated", "a profile of other content", {"policy": {"entries_max": 2000}}),
    ("policy-other-name", "PolicyViolated", "another profile in its place", {"policy": {"name": "eu"}}),
    ("policy-broken", "DocumentInvalid", "a profile out of form in its place", {"policy": {"categories": []}}),
)

MEANT_OTHERWISE: tuple[tuple[str, str, str, Any, str], ...] = (
    ("room-key-small", "OrderInvalid", "room_seal_key_hex", "00" * 32, "matches sealed to a point of small order"),
    ("no-date", "OrderInvalid", "not_after_utc", "2026-02-30T17:00:00.000Z", "ends on 30 February"),
    ("no-hour", "OrderInvalid", "not_before_utc", "2026-03-01T24:00:00.000Z", "begins at 24 o'clock"),
    ("ends-first", "OrderInvalid", "not_after_utc", "2026-03-01T08:00:00.000Z", "ends before it begins"),
    ("no-time", "OrderInvalid", "not_after_utc", "2026-03-01T09:00:00.000Z", "ends as it begins"),
    ("certificate-short", "OrderInvalid", "calibration.entries", 999, "its threshold was set for a shorter list"),
    ("policy-version", "PolicyViolated", "policy.version", 2, "under another version than is there"),
    ("policy-hash", "PolicyViolated", "policy.sha256", "00" * 32, "under another profile of that version"),
    ("over-hours", "PolicyViolated", "not_after_utc", "2026-03-01T17:00:00.001Z", "a millisecond over eight hours"),
    ("over-retention", "PolicyViolated", "alert_retention_h", 24.5, "half an hour over the ceiling"),
    ("over-staleness", "PolicyViolated", "staleness_s", 3601, "a second over the ceiling"),
    ("over-delta", "PolicyViolated", "watchlist.delta_entries_max", 21, "an entry over the ceiling of a delta"),
    ("over-fpir", "PolicyViolated", "calibration.fpir", 0.0011, "a threshold for more false positives than allowed"),
)


def policies() -> Iterator[Vector]:
    good = canonical(POLICY)
    yield "policy-good", "ok", "the profile that an order names", good, {}
    yield from bad_bytes("policy", good)
    for name, path, value, shows in (
        ("category-unknown", "categories", ["wanted", "intelligence"], "a category outside the closed set"),
        ("category-twice", "categories", ["wanted", "wanted"], "a category twice"),
        ("categories-order", "categories", ["suspect", "wanted"], "categories in another order"),
        ("no-category", "categories", [], "no category"),
        ("deployment-week", "deployment_h_max", 168.5, "deployments of more than a week"),
        ("retention-month", "alert_retention_h_max", 745, "alerts for more than 31 days"),
        ("ceiling-1", "false_alert_ceiling", 1, "every alert may be false"),
        ("fpir-0", "similarity_fpir_max", 0, "no false positive at all"),
        ("suspend-nobody", "may_suspend", [], "nobody may suspend"),
        ("suspend-stranger", "may_suspend", ["press"], "a stranger may suspend"),
        ("suspend-twice", "may_suspend", ["room", "room"], "the room, twice"),
        ("entries-true", "entries_max", True, "a size of `true`"),
        ("version-float", "version", 1.5, "version 1.5"),
    ):
        yield f"policy-{name}", "DocumentInvalid", shows, canonical(changed(POLICY, path, value)), {}
    yield "policy-unknown-field", "DocumentInvalid", "a field nobody knows", canonical({**POLICY, "note": 1}), {}
    yield "policy-other", "PolicyViolated", "of another hash than named", canonical({**POLICY, "entries_max": 999}), {}
    large = good + b" " * (32 * 1024 + 1 - len(good))
    yield "policy-too-large", "DocumentTooLarge", "a byte over 32 KB", large, {}


def closes() -> Iterator[Vector]:
    signed = document(CLOSE, CLOSER)
    good = canonical(signed)
    yield "close-good", "ok", "by one of its closers", good, {}
    yield "close-spare", "ok", "by the other of its closers", canonical(document(CLOSE, SPARE_CLOSER)), {}
    yield from bad_bytes("close", good)
    for name, key in (("officer", OFFICER), ("room", ROOM), ("stranger", STRANGER)):
        yield f"close-by-{name}", "SignatureInvalid", f"by the {name}", canonical(document(CLOSE, key)), {}
    other = {**signed, "signed": {**CLOSE, "reason": "another"}}
    yield "close-changed", "SignatureInvalid", "its reason was changed after signing", canonical(other), {}
    twice = canonical(document(CLOSE, CLOSER, CLOSER))
    yield "close-key-twice", "DocumentInvalid", "two signatures by one key", twice, {}
    yield "close-unsigned", "DocumentInvalid", "no signature", canonical({"signatures": [], "signed": CLOSE}), {}
    bare = canonical(CLOSE)
    yield "close-bare", "DocumentInvalid", "the signed part by itself", bare, {}
    for name, expect, path, value, shows in (
        ("other-deployment", "OrderInvalid", "deployment", "deployment-2", "of another deployment of these closers"),
        ("other-fleet", "OrderInvalid", "fleet", "fleet-2", "of another fleet's deployment"),
        ("no-date", "DocumentInvalid", "made_at_utc", "2026-02-30T12:00:00.000Z", "made on 30 February"),
        ("no-reason", "DocumentInvalid", "reason", "", "without a reason"),
        ("long-reason", "DocumentInvalid", "reason", "x" * 201, "a reason of 201 characters"),
        ("as-order", "DocumentInvalid", "type", "order", "another type"),
    ):
        yield f"close-{name}", expect, shows, canonical(document(changed(CLOSE, path, value), CLOSER)), {}


def every_vector() -> dict[str, bytes]:
    """Each file's name and content: header lines, an empty line, the body as it is."""
    files: dict[str, bytes] = {}
    for name, expect, shows, body, given in (
        *orders(),
        *policies(),
        *closes(),
        *records(),
    ):
        head = f"expect: {expect}\nshows: {shows}\ngiven: {json.dumps(given, sort_keys=True)}\n\n"
        assert f"{name}.vector" not in files, name
        files[f"{name}.vector"] = head.encode() + body
    return files


if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    for old in HERE.glob("*.vector"):
        old.unlink()
    for file, content in every_vector().items():
        (HERE / file).write_bytes(content)
