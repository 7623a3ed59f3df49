"""How much of a face is seen: its oval within the picture, less what nearer things cover."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BoxPx = tuple[float, float, float, float]


@dataclass(eq=False)
class FaceSeen:
    """A face's box (left, top, width, height) and the cover of its oval that is still free, float32 (h, w), from left
    and top of that part on. whole: the oval's area, inside the picture or not. presence: how far it has faded in."""

    person: str
    box_px: BoxPx
    left_px: int
    top_px: int
    free: NDArray[np.float32]
    whole: float
    presence: float = 1.0

    @classmethod
    def uncovered(cls, person: str, box_px: BoxPx, size_px: tuple[int, int], presence: float = 1.0) -> FaceSeen:
        """A face nothing covers yet but the picture's own edge. size_px: the picture's width and height."""
        left, top, width, height = box_px
        columns = np.arange(int(np.floor(left)), int(np.ceil(left + width)))
        rows = np.arange(int(np.floor(top)), int(np.ceil(top + height)))
        across = (columns + 0.5 - left - width / 2) / (width / 2)
        down = (rows + 0.5 - top - height / 2) / (height / 2)
        oval = (np.hypot(across[None, :], down[:, None]) < 1).astype(np.float32)
        inside_x, inside_y = (columns >= 0) & (columns < size_px[0]), (rows >= 0) & (rows < size_px[1])
        free = oval[inside_y][:, inside_x]
        first_x = int(columns[inside_x][0]) if inside_x.any() else 0
        first_y = int(rows[inside_y][0]) if inside_y.any() else 0
        return cls(person, box_px, first_x, first_y, free, max(1.0, float(oval.sum())), presence)

    def hide_behind(self, alpha: NDArray[np.generic], left_px: int, top_px: int, opacity: float = 1.0) -> None:
        """Take away what a nearer cut-out covers: alpha (h, w) times opacity is 0 where it is open, 1 where not."""
        height, width = self.free.shape
        left, top = max(self.left_px, left_px), max(self.top_px, top_px)
        right = min(self.left_px + width, left_px + alpha.shape[1])
        bottom = min(self.top_px + height, top_px + alpha.shape[0])
        if right <= left or bottom <= top:
            return
        cover = alpha[top - top_px : bottom - top_px, left - left_px : right - left_px].astype(np.float32)
        mine = self.free[top - self.top_px : bottom - self.top_px, left - self.left_px : right - self.left_px]
        mine *= 1 - cover * np.float32(opacity)

    @property
    def visible(self) -> float:
        """The share of the face that is seen, 0..1."""
        return min(1.0, float(self.free.sum()) / self.whole * self.presence)
