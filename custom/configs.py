"""Where the bundle's configs lie."""

from __future__ import annotations

from pathlib import Path


def config_file(name: str) -> Path:
    """The config `name`: the package lies beside the folder `bundle`, and in a packaged bundle beside `configs`."""
    beside = Path(__file__).parents[1]
    return next(iter(beside.glob(f"bundle/configs/{name}")), beside / "configs" / name)
