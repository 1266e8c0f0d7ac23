"""A network that is never done, for tests of how runs end."""

from __future__ import annotations

import os
import time
from pathlib import Path

import torch
from stand_in import Ellipsoids


class Stuck(Ellipsoids):
    """As `Ellipsoids` for so many `images`; then it waits for ever, and notes its process in a file of its rank."""

    def __init__(self, images: int, note: str | None = None) -> None:
        super().__init__()
        self.left, self.note = images, note

    def stages_and_segmentation(self, image: torch.Tensor) -> tuple[list, torch.Tensor]:
        self.left -= 1
        if self.left < 0 and self.note is not None:
            unfinished = Path(self.note, f".{os.environ.get('RANK', 0)}")
            unfinished.write_text(str(os.getpid()))
            unfinished.replace(Path(self.note, f"stuck.{os.environ.get('RANK', 0)}"))
        while self.left < 0:
            time.sleep(0.01)
        return super().stages_and_segmentation(image)
