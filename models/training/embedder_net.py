"""The bring-up embedder: an aligned face of 64x64 to a template of 128 numbers."""

from __future__ import annotations

from torch import Tensor, nn

from models.training.geometry import DIMENSION, INPUT_PX
from models.training.layers import INPUT_SCALE, ConvNorm, Residual

_STEM, _EARLY, _MIDDLE, _LATE = 24, 48, 96, 128


class EmbedderNet(nn.Module):
    """Input float (n, 3, 64, 64), BGR 0..255; output (n, 128), not brought to length 1."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            ConvNorm(3, _STEM, 3, stride=2),
            ConvNorm(_STEM, _EARLY, 3, stride=2),
            Residual(_EARLY),
            Residual(_EARLY),
            ConvNorm(_EARLY, _MIDDLE, 3, stride=2),
            Residual(_MIDDLE),
            Residual(_MIDDLE),
            ConvNorm(_MIDDLE, _LATE, 3, stride=2),
            Residual(_LATE),
        )
        # Global depthwise convolution (MobileFaceNets, Chen et al. 2018): every place of the face weighs for itself.
        side = INPUT_PX // 16
        self.place = nn.Conv2d(_LATE, _LATE, side, groups=_LATE, bias=False)
        self.place_norm = nn.BatchNorm2d(_LATE)
        self.template = nn.Conv2d(_LATE, DIMENSION, 1, bias=False)
        self.template_norm = nn.BatchNorm2d(DIMENSION)

    def forward(self, images: Tensor) -> Tensor:
        x = self.body(images * INPUT_SCALE)
        x = self.template_norm(self.template(self.place_norm(self.place(x))))
        flat: Tensor = x.flatten(1)
        return flat
