"""The bring-up detector: faces and five landmarks at strides 8, 16 and 32, in the outputs of the `yunet` decoder."""

from __future__ import annotations

import math
from typing import cast

import torch.nn.functional as functional
from torch import Tensor, nn

from models.training.geometry import STRIDES
from models.training.layers import INPUT_SCALE, ConvNorm, Refined, Separable

FIELDS = {"face": 1, "fit": 1, "box": 4, "landmarks": 10}
"""Channels of each output. face: logit that there is one; fit: logit of how well the box lies on it."""

PLACED = ("box", "landmarks")
"""What a head of its own answers: where a face is wants other features than whether there is one."""

_CHANNELS = 64
_HEAD_SIZE = 5
_PRIOR = 0.01


class DetectorNet(nn.Module):
    """Input float (n, 3, h, w), BGR 0..255, h and w multiples of 32.

    Output, for each stride, a dict of FIELDS with (n, channels, h / stride, w / stride); faces are logits.
    """

    def __init__(self) -> None:
        super().__init__()
        c = _CHANNELS
        self.stem = nn.Sequential(ConvNorm(3, 16, 3, stride=2), ConvNorm(16, 24, 3, stride=2), Separable(24, 32))
        self.fine = nn.Sequential(Separable(32, c, 2), Separable(c, c), Separable(c, c))
        self.middle = nn.Sequential(Separable(c, c, 2), Separable(c, c), Separable(c, c))
        self.coarse = nn.Sequential(Separable(c, c, 2), Separable(c, c))
        self.join_middle, self.join_fine = Separable(c, c), Separable(c, c)
        self.heads = nn.ModuleList(Separable(c, c, size=_HEAD_SIZE) for _ in STRIDES)
        self.places = nn.ModuleList(Separable(c, c, size=_HEAD_SIZE) for _ in STRIDES)
        self.refine = Refined(c, _HEAD_SIZE)
        self.outputs = nn.ModuleList(
            nn.ModuleDict({name: nn.Conv2d(c, width, 1) for name, width in FIELDS.items()}) for _ in STRIDES
        )
        for output in self.outputs:
            layers = cast(nn.ModuleDict, output)
            nn.init.constant_(layers["face"].bias, math.log(_PRIOR / (1 - _PRIOR)))

    def forward(self, images: Tensor) -> list[dict[str, Tensor]]:
        fine = self.fine(self.stem(images * INPUT_SCALE))
        middle = self.middle(fine)
        coarse = self.coarse(middle)
        middle = self.join_middle(middle + functional.interpolate(coarse, scale_factor=2.0))
        fine = self.join_fine(fine + functional.interpolate(middle, scale_factor=2.0))
        found = []
        for features, head, place, output in zip(
            (fine, middle, coarse), self.heads, self.places, self.outputs, strict=True
        ):
            whether, where = head(features), self.refine(place(features))
            layers = cast(nn.ModuleDict, output).items()
            found.append({name: layer(where if name in PLACED else whether) for name, layer in layers})
        return found

    def begin_with(self, state: dict[str, Tensor]) -> None:
        """Take the weights of a network of this kind, or of one that has nothing to refine places with: it computes
        the same to begin with."""
        self.load_state_dict(self.state_dict() | state)
