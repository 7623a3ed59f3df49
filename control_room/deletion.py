"""A deletion receipt in words: what the van's vision destroyed and, apart from it, what its link only reports."""

from __future__ import annotations

from typing import Literal

from edge.formats.receipts import STEPS, DeletionReceipt

_BECAUSE = {
    "order_end": "its order ended",
    "boot_time": "its time was used up, by the clock that nobody can set",
    "close": "it was closed",
    "fleet_time": "the fleet's time passed its end",
    "camera_end": "its clip, or its simulation, was over",
    "operator": "an operator ended it",
}
_NOT_COVERED = {"broker": "what a broker kept", "flash_remanence": "what worn flash may keep"}


def in_words(receipt: DeletionReceipt) -> list[tuple[Literal["deleted", "not deleted"], str]]:
    """A line for what was destroyed by whom, and one for each thing that was not, or not surely."""
    name, vision, link = f"{receipt.device}, {receipt.deployment}", receipt.vision, receipt.link
    lines: list[tuple[Literal["deleted", "not deleted"], str]] = [
        ("deleted", f"{name}: closed because {_BECAUSE[receipt.closed_because]}, at {receipt.made_at_utc}"),
        (
            "deleted",
            f"{name}: vision overwrote {vision.entries_overwritten} entries ({vision.bytes_overwritten} bytes), "
            f"destroyed key {vision.recipient_destroyed[:8]}… ({vision.key_store}), "
            f"deleted {vision.files_deleted} files",
        ),
    ]
    if link is None:
        lines.append(("not deleted", f"{name}: link reported nothing; its copies of sealed files may still be there"))
    else:
        lines.append(
            (
                "deleted",
                f"{name}: link says that it deleted {link.files_deleted} files ({link.bytes_deleted} bytes) of "
                "ciphertext",
            )
        )
    done = [step.step for step in vision.steps]
    missing = [step for step in STEPS if step not in done]
    if missing:
        lines.append(("not deleted", f"{name}: the receipt lacks {', '.join(missing)}"))
    if done != [step for step in STEPS if step in done]:
        lines.append(("not deleted", f"{name}: its steps came out of their order: {', '.join(done)}"))
    if vision.key_store == "file":
        lines.append(("not deleted", f"{name}: this van has no TPM: its key was a file, overwritten and unlinked"))
    said = ", ".join(_NOT_COVERED[each] for each in dict.fromkeys(receipt.not_covered))
    if said:
        lines.append(("deleted", f"{name}: no receipt speaks for {said}"))
    return lines
