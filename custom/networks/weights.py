"""Files of weights: read without running anything in them, and refused in a sentence where that is not possible."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any, Generic, TypeVar
from zipfile import BadZipFile, ZipFile

import torch
from monai.utils import optional_import
from torch import Tensor, nn

from ..inputs import InputError

N = TypeVar("N", bound=nn.Module)
_POINTER = b"version https://git-lfs"


class Trained(Generic[N]):
    """A network and the file of its weights, which it gets when it is first called for: a case that needs neither
    reads neither."""

    def __init__(self, network: N, checkpoint: str | PathLike) -> None:
        self.network = network
        self.checkpoint = checkpoint
        self._loaded = False

    def __call__(self, device: torch.device | str = "cpu") -> N:
        """The network with its weights, to be asked and not trained, on a device; raises as `load_weights` does."""
        if not self._loaded:
            load_weights(self.network, self.checkpoint)
            self.network.eval()
            self._loaded = True
        return self.network.to(device)


def sha256_of(path: str | PathLike) -> str:
    """SHA-256 of a file, as hexadecimal digits."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_weights(path: str | PathLike) -> dict[str, Any]:
    """What a file that torch.save wrote holds, on the CPU: a state dict, or a training's checkpoint.

    Raises InputError where there is no such file, it is damaged, or holds more than weights.
    """
    content = _opened(path)
    name = Path(path).name
    if _is_program(content):
        raise InputError(f"{name} is TorchScript, not weights: it runs by inference_torchscript.json", "weights")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises whatever it meets first, and advises to take the protection away
        message = f"{name} cannot be read as weights: it is damaged, or holds more than weights, which is not loaded"
        raise InputError(message, "weights") from error
    if not isinstance(state, dict):
        raise InputError(f"{name} holds no state dict", "weights")
    return state


def load_weights(network: nn.Module, path: str | PathLike) -> None:
    """Give a network the weights of a file.

    Raises InputError as `read_weights`, or where they are another network's.
    """
    state = read_weights(path)
    fault = misfit(network, state)
    if fault is not None:
        raise InputError(f"{Path(path).name} does not fit the network: {fault}", "weights")
    network.load_state_dict(state)


def misfit(network: nn.Module, state: dict[str, Any]) -> str | None:
    """Why a state dict is not that of a network; None where it is."""
    expected = network.state_dict()
    missing, unknown = sorted(set(expected) - set(state)), sorted(set(state) - set(expected))
    if missing or unknown:
        names = ", ".join((missing or unknown)[:1])
        return f"it {'lacks' if missing else 'has besides'} {len(missing or unknown)} of its tensors, such as {names}"
    for name, tensor in expected.items():
        if not isinstance(state[name], Tensor) or state[name].shape != tensor.shape:
            shape = tuple(getattr(state[name], "shape", ()))
            return f"{name} has shape {shape}, not {tuple(tensor.shape)}"
    return None


def check_file(path: str | PathLike) -> None:
    """Refuse, with InputError, what is no file of weights, or by its ending none of TorchScript or ONNX."""
    match Path(path).suffix:
        case ".ts":
            _check_program(_opened(path), torch.jit.load)
        case ".onnx":
            onnxruntime, there = optional_import("onnxruntime")
            if not there:
                raise InputError("an ONNX file needs onnxruntime: install it", "weights")
            _check_program(_opened(path), onnxruntime.InferenceSession)
        case _:
            read_weights(path)


def _check_program(path: Path, load: Callable[[Path], Any]) -> None:
    try:
        load(path)
    except Exception as error:  # each raises its own
        message = f"{path.name} cannot be loaded: is it complete, and of the kind that its name says?"
        raise InputError(message, "weights") from error


def _opened(path: str | PathLike) -> Path:
    """The path of a file that has something in it."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"there is no file {path.name}: train it, or fetch the release's", "weights")
    with open(path, "rb") as stream:
        start = stream.read(len(_POINTER))
    if not start:
        raise InputError(f"{path.name} is empty: fetch it anew", "weights")
    if start == _POINTER:
        raise InputError(f"{path.name} is a pointer of Git LFS, not the file itself: run `git lfs pull`", "weights")
    return path


def _is_program(path: Path) -> bool:
    """Whether a file is an archive of TorchScript, which holds code."""
    try:
        with ZipFile(path) as archive:
            return any("/code/" in name for name in archive.namelist())
    except (BadZipFile, OSError):
        return False
