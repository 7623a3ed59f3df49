"""The detector as it is trained: samples drawn by lot, the loss of a batch of them, a step down its gradient."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from models.training.detector_loss import detector_loss
from models.training.detector_net import DetectorNet
from models.training.detector_samples import Sample
from models.training.detector_targets import targets_of

RATE_MAX, WARM_UP_STEPS, WEIGHT_DECAY, GRADIENT_MAX = 4e-3, 200, 1e-3, 5.0


class DetectorTrainee:
    """Implements `models.training.run.Trainee`."""

    def __init__(
        self,
        sample: Callable[[np.random.Generator], Sample],
        seed: int,
        steps: int,
        batch: int,
        device: torch.device,
        landmark_full_px: float = 0.0,
        rate_max: float = RATE_MAX,
    ):
        """sample: one sample, by lot; all of one size. landmark_full_px: as in `detector_loss`."""
        torch.manual_seed(seed)
        self._draw, self._device = sample, device
        self._landmark_full_px, self._rate_max = landmark_full_px, rate_max
        self._seed, self._steps, self._batch = seed, steps, batch
        self.network = DetectorNet().to(device, memory_format=torch.channels_last)
        self._optimiser = torch.optim.AdamW(self.network.parameters(), lr=rate_max, weight_decay=WEIGHT_DECAY)

    def step(self, index: int) -> dict[str, float]:
        fall = 0.5 + 0.5 * math.cos(math.pi * index / self._steps)
        for group in self._optimiser.param_groups:
            group["lr"] = self._rate_max * min(1.0, (index + 1) / WARM_UP_STEPS) * fall
        rng = np.random.default_rng([self._seed, self._steps, index])
        samples = [self._draw(rng) for _ in range(self._batch)]
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
        self.network.begin_with(state["network"])

    def state(self) -> dict[str, Any]:
        return {"network": self.network.state_dict(), "optimiser": self._optimiser.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self._optimiser.load_state_dict(state["optimiser"])
