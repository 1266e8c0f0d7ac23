"""Parameters that a training leaves as they are."""

from __future__ import annotations

import re

from monai.networks.utils import freeze_layers
from torch import nn

from ..inputs import InputError


def freeze(network: nn.Module, frozen: str | None) -> None:
    """Freeze the parameters whose names a regular expression finds; None freezes none.

    Raises InputError where it is no regular expression, or finds none of them.
    """
    if frozen is None:
        return
    names = [name for name, _ in network.named_parameters()]
    try:
        found = any(re.search(frozen, name) for name in names)
    except (re.error, TypeError) as error:
        raise InputError(f"frozen: {frozen}; give a regular expression of parameters' names") from error
    if not found:
        parts = ", ".join(sorted({name.split(".")[0] for name in names}))
        raise InputError(f"frozen: {frozen}; no parameter has such a name: they begin with {parts}")
    freeze_layers(network, freeze_vars=frozen)
