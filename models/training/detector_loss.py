"""The detector's loss: is there a face, how well does the box lie, and where are box and landmarks."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as functional
from torch import Tensor

from models.training.detector_targets import Targets
from models.training.geometry import STRIDES

FOCUS = 2.0
"""Focal loss's exponent (Lin et al. 2017)."""
FACE_WEIGHT, FIT_WEIGHT, BOX_WEIGHT, LANDMARK_WEIGHT = 1.0, 0.5, 1.5, 4.5
LANDMARK_BETA = 0.02
"""Where the landmark loss turns from squared to absolute, in widths of the box."""


def detector_loss(
    outputs: Sequence[dict[str, Tensor]], targets: Sequence[Targets], landmark_full_px: float = 0.0
) -> dict[str, Tensor]:
    """Each part of the loss for a batch, weighted, over the number of owning cells; `loss` is their sum.

    landmark_full_px: landmarks of narrower faces count less, in proportion to their width: they are blurred beyond
    what anybody could find, and would pull at all the others.
    """
    zero = outputs[0]["face"].sum() * 0
    face, fit, box, marks, owners = zero, zero, zero, zero, 1
    for output, target, stride in zip(outputs, targets, STRIDES, strict=True):
        face = face + _face_loss(output["face"][:, 0], target)
        if not len(target.image):
            continue
        owners += len(target.image)
        where = tuple(torch.from_numpy(index).to(zero.device) for index in (target.image, target.row, target.column))
        cells = torch.stack([where[2], where[1]], 1).float()
        wanted_boxes, wanted_marks = (torch.from_numpy(a).to(zero.device) for a in (target.boxes, target.landmarks))
        found = decode_boxes(output["box"].permute(0, 2, 3, 1)[where], cells, stride)
        overlap, box_part = _box_loss(found, wanted_boxes)
        box = box + box_part.sum()
        fit_part = functional.binary_cross_entropy_with_logits(
            output["fit"][:, 0][where], overlap.detach(), reduction="none"
        )
        fit = fit + fit_part.sum()
        raw = output["landmarks"].permute(0, 2, 3, 1)[where].reshape(-1, 5, 2)
        off = ((raw + cells[:, None]) * stride - wanted_marks) / wanted_boxes[:, None, 2:3]
        distance = functional.smooth_l1_loss(off, torch.zeros_like(off), reduction="none", beta=LANDMARK_BETA)
        if landmark_full_px:
            distance = distance * (wanted_boxes[:, 2] / landmark_full_px).clamp(max=1)[:, None, None]
        marks = marks + distance.sum()
    parts = {
        "face": face * FACE_WEIGHT / owners,
        "fit": fit * FIT_WEIGHT / owners,
        "box": box * BOX_WEIGHT / owners,
        "landmarks": marks * LANDMARK_WEIGHT / owners,
    }
    return {"loss": torch.stack(list(parts.values())).sum(), **parts}


def decode_boxes(raw: Tensor, cells: Tensor, stride: int) -> Tensor:
    """The `yunet` decoder's boxes (k, 4), left, top, width, height, from raw outputs (k, 4) and cells (k, 2)."""
    extent = raw[:, 2:].clamp(max=6).exp() * stride
    return torch.cat([(cells + raw[:, :2]) * stride - extent / 2, extent], 1)


def _face_loss(logits: Tensor, target: Targets) -> Tensor:
    owns, asked = (torch.from_numpy(a).to(logits.device) for a in (target.owns, target.asked))
    entropy = functional.binary_cross_entropy_with_logits(logits, owns, reduction="none")
    sure = torch.sigmoid(logits)
    surprise = torch.where(owns > 0, 1 - sure, sure) ** FOCUS
    return (entropy * surprise * asked).sum()


def _box_loss(found: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Overlap (k,), and the distance-IoU loss (Zheng et al. 2020) (k,)."""
    far, near = found[:, :2] + found[:, 2:], found[:, :2]
    far_wanted, near_wanted = wanted[:, :2] + wanted[:, 2:], wanted[:, :2]
    shared = (torch.minimum(far, far_wanted) - torch.maximum(near, near_wanted)).clamp(min=0).prod(1)
    union = found[:, 2:].prod(1) + wanted[:, 2:].prod(1) - shared
    overlap = shared / (union + 1e-6)
    hull = (torch.maximum(far, far_wanted) - torch.minimum(near, near_wanted)).square().sum(1)
    apart = ((far + near - far_wanted - near_wanted) / 2).square().sum(1)
    shape = (found[:, 2:] / wanted[:, 2:]).log().abs().clamp(max=2).sum(1)
    return overlap, 1 - overlap + apart / (hull + 1e-6) + 0.2 * shape
