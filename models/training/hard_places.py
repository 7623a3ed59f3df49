"""Places in a training set that a network takes for faces and that are none: backs of heads, balls, folds of cloth."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from models.training.detector_loss import decode_boxes
from models.training.detector_net import DetectorNet
from models.training.detector_targets import NONE
from models.training.geometry import STRIDES
from models.training.shards import Arrays

HARD_NAME = "hard-places.npy"
SCORE_MIN, NMS_IOU, OVERLAP_MAX = 0.3, 0.3, 0.2
A_BATCH = 16


def hard_places(
    network: DetectorNet, frames: Arrays, folder: Path, report: Callable[[int, int], None]
) -> NDArray[np.float32]:
    """float32 (k, 4): row of the frame, x and y of the place's middle and its width in pixels.

    Kept in the folder of the run, so that a run that was cut off goes on with the same ones.
    """
    path = folder / HARD_NAME
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f".{HARD_NAME}.part.npy"
        np.save(part, _looked_for(network.eval(), frames, report))
        network.train()
        part.replace(path)
    return np.asarray(np.load(path), np.float32)


@torch.no_grad()
def _looked_for(network: DetectorNet, frames: Arrays, report: Callable[[int, int], None]) -> NDArray[np.float32]:
    count, places = len(frames["images"]), []
    for first in range(0, count, A_BATCH):
        images = torch.from_numpy(frames["images"][first : first + A_BATCH]).permute(0, 3, 1, 2).float()
        outputs = network(images.contiguous(memory_format=torch.channels_last))
        for place in range(len(images)):
            boxes, scores = _candidates([{k: v[place] for k, v in output.items()} for output in outputs])
            kept = np.asarray(cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), SCORE_MIN, NMS_IOU), int).reshape(-1)
            row = first + place
            people = frames["boxes"][row][frames["kinds"][row] != NONE]
            for box in boxes[kept]:
                if not len(people) or _overlaps(box, people).max() < OVERLAP_MAX:
                    places.append((row, box[0] + box[2] / 2, box[1] + box[3] / 2, box[2]))
        report(min(first + A_BATCH, count), count)
    return np.array(places, np.float32).reshape(-1, 4)


def _candidates(outputs: list[dict[str, torch.Tensor]]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    boxes, scores = [], []
    for output, stride in zip(outputs, STRIDES, strict=True):
        score = (torch.sigmoid(output["face"][0]) * torch.sigmoid(output["fit"][0])).sqrt()
        y, x = torch.nonzero(score >= SCORE_MIN, as_tuple=True)
        boxes.append(decode_boxes(output["box"][:, y, x].T, torch.stack([x, y], 1).float(), stride).numpy())
        scores.append(score[y, x].numpy())
    return np.concatenate(boxes), np.concatenate(scores)


def _overlaps(box: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """Intersection over union of a box (4,) with each of (k, 4)."""
    near = np.maximum(box[:2], others[:, :2])
    far = np.minimum(box[:2] + box[2:], others[:, :2] + others[:, 2:])
    shared = np.clip(far - near, 0, None).prod(1)
    return np.asarray(shared / np.maximum(box[2:].prod() + others[:, 2:].prod(1) - shared, 1e-6), np.float32)
