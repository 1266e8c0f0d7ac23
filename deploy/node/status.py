"""Numbers for monitoring, in a file: no names, no UIDs."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import psutil

from custom import __version__

from .queue import Queue

FILE = "status.json"


def write_status(queue: Queue, least_free_mb: float, since: float) -> None:
    """Replace `status.json` in the queue's folder by the numbers of now; `since` is when this process began."""
    free = shutil.disk_usage(queue.folder).free / 2**20
    numbers = {
        "version": __version__,
        "written": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "up_s": round(time.time() - since),
        "memory_mb": round(psutil.Process().memory_info().rss / 2**20),
        "disk_free_mb": round(free),
        "disk_is_full": free < least_free_mb,
        **queue.figures(),
    }
    path = queue.folder / FILE
    part = path.with_suffix(f".{queue.owner.name}")
    part.write_text(json.dumps(numbers, indent=2) + "\n")
    os.replace(part, path)


def read_status(folder: Path) -> str:
    """The file's text."""
    return (folder / FILE).read_text()
