"""The sizes that our networks, their training sets and their pack agree on."""

from __future__ import annotations

INPUT_PX = 64
DIMENSION = 128

ALIGNMENT = (
    (0.34191607, 0.46157411),
    (0.65653393, 0.45983393),
    (0.50022500, 0.64050536),
    (0.37097589, 0.82469196),
    (0.63151696, 0.82325089),
)
"""The five points, in fractions of the input: those of ArcFace (Deng et al. 2019), which show the whole head."""

STRIDES = (8, 16, 32)
"""Of the detector's outputs, in pixels."""
