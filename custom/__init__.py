"""Cardiac CT to watertight left-atrium and left-ventricle meshes: the code behind the MONAI bundle."""

from typing import Any

__version__ = "0.33.0"
__all__ = ["load_model"]


def __getattr__(name: str) -> Any:
    """`load_model`, imported when it is asked for: what it needs takes seconds, and most modules do without."""
    if name == "load_model":
        from .prediction import load_model

        return load_model
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
