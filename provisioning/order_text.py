"""An order in plain language: all that a signer should read, and nothing they must take on trust without its name."""

from __future__ import annotations

from edge.clock import parse_utc
from edge.formats.orders import Order
from edge.formats.policy import Policy
from edge.formats.watchlists import WatchlistManifest
from edge.trust.policy import ceilings_passed
from provisioning.draft_folder import OrderDraft

_EVIDENCE = {
    "measured": "measured",
    "extrapolated": "extrapolated beyond what was measured",
    "chosen": "CHOSEN BY HAND: no calibration vouches for it",
}


def describe(opened: OrderDraft) -> str:
    """What signing it means, and whose signature it waits for."""
    order = opened.order
    lines = [*order_lines(order, opened.manifest, opened.policy), ""]
    names = {
        order.authorising_officer.key_id: order.authorising_officer.name,
        order.data_custodian.key_id: order.data_custodian.name,
    }
    missing = {key_id for each in opened.draft.missing() for key_id in each.key_ids}
    for key_id, name in names.items():
        lines.append(f"{'NOT YET signed' if key_id in missing else 'signed'} by {name} ({key_id[:16]}…)")
    return "\n".join(lines)


def order_lines(order: Order, manifest: WatchlistManifest | None, policy: Policy | None) -> list[str]:
    """The order's own words, one a line."""
    begin, end = parse_utc(order.not_before_utc), parse_utc(order.not_after_utc)
    hours = (end - begin).total_seconds() / 3600
    listed = order.watchlist
    certificate = order.calibration
    lines = [
        f"ORDER {order.deployment}, version {order.version}, of fleet {order.fleet}",
        "",
        f"  what for       {order.use_case}",
        f"  legal basis    {order.legal_basis}",
        f"  where          {order.place}",
        f"  when           {order.not_before_utc} to {order.not_after_utc} ({hours:g} h)",
        f"  vans           {', '.join(sorted(order.vans))}",
        f"  officer        {order.authorising_officer.name} ({order.authorising_officer.key_id[:16]}…)",
        f"  custodian      {order.data_custodian.name} ({order.data_custodian.key_id[:16]}…)",
        "",
    ]
    if manifest is not None:
        lines.append(f"  list           {manifest.entries:,} entries, {manifest.subjects} people")
    else:
        lines.append("  list           its manifest is not at hand here")
    lines += [
        f"                 SHA-256 of its manifest {listed.manifest_sha256}",
        f"                 may grow to {listed.entries_max:,}; a change may touch {listed.delta_entries_max}",
        f"                 changed by {', '.join(f'{key[:16]}…' for key in listed.delta_signers)}: "
        "one takes off, two put on",
        f"  ended by       any one of {', '.join(f'{key[:16]}…' for key in order.closers)}",
        "",
        f"  threshold      similarity {order.similarity_threshold:g} on {order.threshold_backend}",
        f"                 for false alarms in {certificate.fpir:g} of searches against {certificate.entries:,},",
        f"                 {_EVIDENCE[certificate.evidence]}",
        f"  pack           {order.pack_sha256}",
        f"  policy         {order.policy.name}-{order.policy.version} ({order.policy.sha256[:16]}…)",
        f"  alerts kept    {order.alert_retention_h:g} h",
        f"  without news   a van stops {order.staleness_s:,} s after the fleet's last word",
        f"  room           receipts by {order.room_receipt_key_hex[:16]}…, matches sealed to "
        f"{order.room_seal_key_hex[:16]}…",
    ]
    if policy is not None:
        passed = ceilings_passed(order, policy)
        lines.append(f"  ceilings       {'PASSED: ' + '; '.join(passed) if passed else 'none of the policy is passed'}")
    return lines
