"""Reading the room's receipts: whose signature it is, and whose rows it may end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edge.errors import DocumentInvalid, ReceiptRefused, SignatureInvalid
from edge.formats.documents import ReceiptDocument
from edge.trust.envelope import unwrap


@dataclass(frozen=True)
class Receipt:
    """Events the room has stored; only rows of these deployments may end by it."""

    event_ids: tuple[str, ...]
    deployments: tuple[str, ...]


def read_receipt(data: bytes, fleet: str, device: str, deployments_by_key: Mapping[str, Sequence[str]]) -> Receipt:
    """The receipt in a CloudEvent, if the room of one of our deployments signed it for this device.

    Raises: ReceiptRefused.
    """
    if not deployments_by_key:
        raise ReceiptRefused("a receipt, but no deployment was ever opened here")
    deployments: list[str] = []
    receipt = None
    fault = ""
    # Key by key: a receipt ends rows of the deployments whose room signed it, and of no other.
    for key, names in deployments_by_key.items():
        try:
            receipt = unwrap(data, ReceiptDocument, {key})
        except SignatureInvalid as error:
            fault = fault or str(error)
            continue
        except DocumentInvalid as error:
            raise ReceiptRefused(f"receipt: {error}") from None
        deployments += names
    if receipt is None:
        raise ReceiptRefused(f"receipt: {fault}")
    if (receipt.fleet, receipt.device) != (fleet, device):
        raise ReceiptRefused(f"receipt for {receipt.fleet}/{receipt.device}, this is {fleet}/{device}")
    return Receipt(tuple(receipt.received), tuple(deployments))
