"""The few layers our networks are made of: all of them have fast int8 kernels, and fold into one convolution each."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as functional
from torch import Tensor, nn

INPUT_SCALE = 1 / 127.5
"""Pictures come as 0..255 and are read as 0..2. Nothing is taken off: what a convolution pads with stays black."""


class ConvNorm(nn.Module):
    """A convolution, batch normalisation and, where asked, ReLU; after training they are one operation."""

    def __init__(self, inputs: int, outputs: int, size: int, stride: int = 1, groups: int = 1, relu: bool = True):
        super().__init__()
        padding = size // 2 if stride == 1 else 0
        self.conv = nn.Conv2d(inputs, outputs, size, stride, padding, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.relu = relu

    def forward(self, x: Tensor) -> Tensor:
        # With a stride of 2, TFLite's "same" pads below and on the right only: done here too, no operation is spent.
        y: Tensor = self.norm(self.conv(x if self.conv.stride[0] == 1 else functional.pad(x, (0, 1, 0, 1))))
        return y.relu() if self.relu else y


class Residual(nn.Module):
    """Two 3x3 convolutions round which the input passes."""

    def __init__(self, channels: int):
        super().__init__()
        self.first = ConvNorm(channels, channels, 3)
        self.second = ConvNorm(channels, channels, 3, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        total: Tensor = x + self.second(self.first(x))
        return total.relu()


class Separable(nn.Module):
    """A depthwise convolution, then a 1x1 one (MobileNet, Howard et al. 2017)."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, size: int = 3):
        super().__init__()
        self.depthwise = ConvNorm(inputs, inputs, size, stride, groups=inputs, relu=False)
        self.pointwise = ConvNorm(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.pointwise(self.depthwise(x))
        return y


class Refined(nn.Module):
    """A separable convolution round which the input passes, without normalisation of its own: features of several
    strides can share it. At first it changes nothing."""

    def __init__(self, channels: int, size: int):
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, size, padding=size // 2, groups=channels)
        self.pointwise = nn.Conv2d(channels, channels, 1)
        nn.init.zeros_(self.pointwise.weight)
        nn.init.zeros_(self.pointwise.bias)

    def forward(self, x: Tensor) -> Tensor:
        total: Tensor = x + self.pointwise(self.depthwise(x))
        return total.relu()


def parameter_count(network: Any) -> int:
    """Trained numbers, normalisation's scale and offset counted with the convolutions they fold into."""
    return sum(parameter.numel() for parameter in network.parameters())
