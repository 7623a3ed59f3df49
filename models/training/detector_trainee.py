"""The detector as it is trained: batches of rendered frames, mirrored, shrunk into mosaics, lighter and darker."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from models.training.detector_loss import detector_loss
from models.training.detector_net import DetectorNet
from models.training.detector_samples import Sample, ignore_small, mirror, pad_rows, tile, zoom
from models.training.detector_targets import targets_of
from models.training.shards import Arrays

RATE_MAX, WARM_UP_STEPS, WEIGHT_DECAY, GRADIENT_MAX = 4e-3, 200, 1e-3, 5.0
MOSAIC_SHARE, GREY_SHARE = 0.25, 0.1


class DetectorTrainee:
    """Implements `models.training.run.Trainee`."""

    def __init__(
        self,
        frames: Arrays,
        seed: int,
        steps: int,
        batch: int,
        device: torch.device,
        landmark_full_px: float = 0.0,
        zoom_share: float = 0.0,
    ):
        """frames: images uint8 (n, h, w, 3) BGR; kinds int8 (n, f); boxes float32 (n, f, 4), left, top, width,
        height; landmarks float32 (n, f, 5, 2), in pixels. landmark_full_px: as in `detector_loss`.
        zoom_share: of the samples, so many show one face as large as on an enrolment photograph."""
        torch.manual_seed(seed)
        self._frames, self._device = frames, device
        self._landmark_full_px, self._zoom_share = landmark_full_px, zoom_share
        self._seed, self._steps, self._batch = seed, steps, batch
        self.network = DetectorNet().to(device, memory_format=torch.channels_last)
        self._optimiser = torch.optim.AdamW(self.network.parameters(), lr=RATE_MAX, weight_decay=WEIGHT_DECAY)

    def step(self, index: int) -> dict[str, float]:
        rate = RATE_MAX * min(1.0, (index + 1) / WARM_UP_STEPS) * (0.5 + 0.5 * math.cos(math.pi * index / self._steps))
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        rng = np.random.default_rng([self._seed, index])
        samples = [self._sample(rng) for _ in range(self._batch)]
        images, kinds, boxes, landmarks = (np.stack(field) for field in zip(*samples, strict=True))
        targets = targets_of(kinds, boxes, landmarks, *images.shape[1:3])
        x = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
        parts = detector_loss(self.network(x.to(self._device)), targets, self._landmark_full_px)
        self._optimiser.zero_grad(set_to_none=True)
        parts["loss"].backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), GRADIENT_MAX)
        self._optimiser.step()
        return {name: float(value.detach()) for name, value in parts.items()}

    def begin_with(self, state: dict[str, Any]) -> None:
        """Take the network of another run's state, and nothing else of it."""
        self.network.load_state_dict(state["network"])

    def state(self) -> dict[str, Any]:
        return {"network": self.network.state_dict(), "optimiser": self._optimiser.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self._optimiser.load_state_dict(state["optimiser"])

    def _sample(self, rng: np.random.Generator) -> Sample:
        mosaic = rng.random() < MOSAIC_SHARE
        rows = rng.integers(0, len(self._frames["images"]), 4 if mosaic else 1)
        parts = [self._frame(int(row)) for row in rows]
        image, kinds, boxes, landmarks = pad_rows(tile(parts) if mosaic else parts[0], 4 * len(parts[0][1]))
        if not mosaic and self._zoom_share and rng.random() < self._zoom_share:
            image, kinds, boxes, landmarks = zoom((image, kinds, boxes, landmarks), rng)
        if rng.random() < 0.5:
            image, boxes, landmarks = mirror(image, boxes, landmarks)
        light = image.astype(np.float32) * np.float32(np.exp(rng.normal(0, 0.2)))
        light += rng.normal(0, 8.0, 3).astype(np.float32)
        if rng.random() < GREY_SHARE:
            light[:] = light.mean(2, keepdims=True)
        return np.clip(light, 0, 255), ignore_small(kinds, boxes), boxes, landmarks

    def _frame(self, row: int) -> Sample:
        kinds = self._frames["kinds"][row]
        return self._frames["images"][row], kinds, self._frames["boxes"][row], self._frames["landmarks"][row]
