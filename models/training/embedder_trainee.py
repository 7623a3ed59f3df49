"""The embedder as it is trained: large-margin cosine loss over the identities of a set of rendered faces."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray
from torch import Tensor, nn

from models.training.embedder_net import EmbedderNet
from models.training.geometry import DIMENSION, INPUT_PX

SCALE, MARGIN = 28.0, 0.32
"""CosFace (Wang et al. 2018). The margin comes in over the first fifth of the run."""
MARGIN_FULL_AT = 0.2

RATE_MAX, WARM_UP_STEPS, WEIGHT_DECAY = 3e-3, 200, 5e-4

TURN_RAD, STRETCH, SHIFT = 0.06, 0.06, 0.05
"""Standard deviations of misalignment. A detector's five points are off together more than one by one, by some 6 % of
the box: that much is done here, and what the points are off one by one is in the set."""


class EmbedderTrainee:
    """Implements `models.training.run.Trainee`."""

    def __init__(
        self,
        images: NDArray[np.uint8],
        identities: NDArray[np.int64],
        seed: int,
        steps: int,
        batch: int,
        device: torch.device,
        rate_max: float = RATE_MAX,
        often: NDArray[np.int64] | None = None,
    ):
        """images: uint8 (n, side, side, 3) BGR, the network's input in the middle; identities: (n,) from 0.

        often: how many times an epoch shows the views of each identity; once, where it is not given."""
        torch.manual_seed(seed)
        self._images, self._identities, self._device = images, identities, device
        self._seed, self._steps, self._batch = seed, steps, batch
        self._rate_max, self._goes_on = rate_max, False
        self._shown = np.arange(len(images)) if often is None else np.repeat(np.arange(len(images)), often[identities])
        self.network = EmbedderNet().to(device, memory_format=torch.channels_last)
        self._classes = nn.Parameter(torch.randn(int(identities.max()) + 1, DIMENSION).to(device) * 0.01)
        self._optimiser = torch.optim.AdamW(
            [*self.network.parameters(), self._classes], lr=rate_max, weight_decay=WEIGHT_DECAY
        )
        self._epoch, self._order = -1, np.empty(0, np.int64)

    def step(self, index: int) -> dict[str, float]:
        progress = index / self._steps
        rate = self._rate_max * min(1.0, (index + 1) / WARM_UP_STEPS) * (0.5 + 0.5 * math.cos(math.pi * progress))
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        rows = self._rows(index)
        rng = np.random.default_rng([self._seed, 1, index])
        images = augment(torch.from_numpy(self._images[rows]), rng).to(self._device)
        wanted = torch.from_numpy(self._identities[rows]).to(self._device)
        templates = functional.normalize(self.network(images))
        cosines = templates @ functional.normalize(self._classes).T
        margin = MARGIN * (1.0 if self._goes_on else min(1.0, progress / MARGIN_FULL_AT))
        logits = SCALE * (cosines - margin * functional.one_hot(wanted, len(self._classes)))
        loss = functional.cross_entropy(logits, wanted)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self._optimiser.step()
        right = (cosines.argmax(1) == wanted).float().mean()
        return {"loss": float(loss.detach()), "accuracy": float(right), "rate": rate}

    def begin_with(self, state: dict[str, Any]) -> None:
        """Take the network and the classes of another run's state; the margin is there from the first step."""
        self.network.load_state_dict(state["network"])
        with torch.no_grad():
            self._classes.copy_(state["classes"])
        self._goes_on = True

    def state(self) -> dict[str, Any]:
        return {
            "network": self.network.state_dict(),
            "classes": self._classes.detach(),
            "optimiser": self._optimiser.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        with torch.no_grad():
            self._classes.copy_(state["classes"])
        self._optimiser.load_state_dict(state["optimiser"])

    def _rows(self, index: int) -> NDArray[np.int64]:
        """The batch: each epoch goes once through the set, in an order of its own."""
        per_epoch = len(self._shown) // self._batch
        epoch, place = divmod(index, per_epoch)
        if epoch != self._epoch:
            self._order = np.random.default_rng([self._seed, 0, epoch]).permutation(self._shown)
            self._epoch = epoch
        return self._order[place * self._batch : (place + 1) * self._batch]


def augment(images: Tensor, rng: np.random.Generator) -> Tensor:
    """Batches as varied as cameras are: mirrored, a little off, lighter or darker, tinted, grey, partly covered.

    images: uint8 (n, side, side, 3). Returns float32 (n, 3, INPUT_PX, INPUT_PX), about 0..255, channels last.
    """
    count, side = images.shape[:2]
    x = images.permute(0, 3, 1, 2).float()
    zoom = INPUT_PX / side
    turn = rng.normal(0, TURN_RAD, count)
    size = zoom * (1 + rng.normal(0, STRETCH, count))
    mirror = np.where(rng.random(count) < 0.5, -1.0, 1.0)
    matrix = np.zeros((count, 2, 3), np.float32)
    matrix[:, 0, 0], matrix[:, 0, 1] = size * np.cos(turn) * mirror, -size * np.sin(turn)
    matrix[:, 1, 0], matrix[:, 1, 1] = size * np.sin(turn) * mirror, size * np.cos(turn)
    matrix[:, :, 2] = rng.normal(0, SHIFT, (count, 2))
    grid = functional.affine_grid(torch.from_numpy(matrix), [count, 3, INPUT_PX, INPUT_PX], align_corners=False)
    x = functional.grid_sample(x, grid, align_corners=False, padding_mode="border")
    gain = np.exp(rng.normal(0, 0.15, (count, 1, 1, 1))).astype(np.float32)
    tint = rng.normal(0, 6.0, (count, 3, 1, 1)).astype(np.float32)
    x = x * torch.from_numpy(gain) + torch.from_numpy(tint)
    grey = torch.from_numpy(rng.random(count) < 0.1)
    x[grey] = x[grey].mean(1, keepdim=True).expand(-1, 3, -1, -1)
    for k in np.flatnonzero(rng.random(count) < 0.2):
        height, width = rng.integers(6, 26, 2)
        top, left = rng.integers(0, INPUT_PX - height), rng.integers(0, INPUT_PX - width)
        x[k, :, top : top + height, left : left + width] = float(rng.uniform(0, 255))
    return x.clamp_(0, 255).contiguous(memory_format=torch.channels_last)
