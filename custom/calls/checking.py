"""The steps that a workflow begins with: what is wrong with its call is refused before anything is loaded."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from os import PathLike
from typing import Any

from monai.bundle import ConfigParser
from torch import nn

from ..inputs import InputError
from ..networks.weights import misfit, read_weights
from ..runtime.errors import tell_refusals
from ..runtime.interruption import heed_signals
from ..runtime.standard_streams import open_standard_streams
from .command_line import OF_MONAI, PATHS, check_path, check_plain, config_files, runs_a_bundle, typed
from .kinds import KINDS


def check_command_line() -> None:
    """Refuse, with InputError, unknown keys in `python -m monai.bundle run`, lost paths, and words that belong to none.

    From here on every refusal ends the process as `tell_refusals` says, and signals are heeded.
    """
    open_standard_streams()
    tell_refusals()
    heed_signals()
    if not runs_a_bundle():
        return
    words, flags = typed(sys.argv[1:])
    if len(words) > 2:
        listed = ", ".join(words[2:])
        raise InputError(f"the call has words that belong to no key: {listed}; give several files as one list")
    config: dict[str, Any] = {}
    if "config_file" in flags:
        config = ConfigParser.load_config_files(config_files(flags["config_file"]))
        check_keys((key for key in flags if key not in OF_MONAI), config)
    for key in set(flags).intersection(PATHS):
        check_path(key, flags[key], config)


def check_keys(keys: Iterable[str], config: Mapping[str, Any]) -> None:
    """Refuse, with InputError, a key that a config does not have; the nearest that it has is named.

    Args:
        keys: as on the command line, levels parted by `#` or `::`.
        config: of all files of the call. A parameter of a component need not stand in it.
    """
    for key in keys:
        node: Any = config
        for part in key.replace("#", "::").split("::"):
            if isinstance(node, Mapping) and part not in node and "_target_" not in node:
                near = get_close_matches(part, [str(known) for known in node], n=1, cutoff=0.5)
                meant = f"; is `{near[0]}` meant?" if near else ": the README lists the keys"
                raise InputError(f"there is no key `{key}`{meant}")
            node = node.get(part) if isinstance(node, Mapping) else None


def check_overrides(overrides: Mapping[str, Any], config: Mapping[str, Any]) -> None:
    """Refuse, with InputError, keys from Python that a config does not have, and paths that would not arrive."""
    check_keys(overrides, config)
    for key in PATHS:
        value = overrides.get(key)
        for part in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(part, str):
                check_plain(key, part)


def check_values(values: Mapping[str, Any]) -> None:
    """Refuse, with InputError, a value that its key cannot have, by the table in `kinds`."""
    for key, value in values.items():
        hint = KINDS[key](value)
        if hint is not None:
            raise InputError(f"{key}: {value}; {hint}")


def check_network(network: nn.Module, weights: str | PathLike | None, volume_size: int | None = None) -> None:
    """Refuse, with InputError, weights that are not a network's, and crops of a size that it cannot take.

    Args:
        network: with a U-Net of `level_strides`, or without.
        weights: file of its state dict; None for none.
        volume_size: voxels a side of the crop; None where the network takes one size.
    """
    stride = max(getattr(getattr(network, "unet", None), "level_strides", [1]))
    if volume_size is not None and volume_size % stride:
        raise InputError(f"volume_size: {volume_size}; the network takes multiples of {stride}")
    if weights is not None:
        fault = misfit(network, read_weights(weights))
        if fault is not None:
            raise InputError(f"the weights {os.path.basename(weights)} do not fit the network: {fault}")
