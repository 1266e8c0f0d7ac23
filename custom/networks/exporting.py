"""A file of the shape network that runs without its source: ONNX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from monai.utils import optional_import
from torch import Tensor, nn

from ..inputs import InputError
from ..template import icosphere
from .shape_network import ShapeNetwork

OPSET = 20
"""Of ONNX: the first whose GridSample knows volumes."""


class SurfacesAndSegmentation(nn.Module):
    """All that inference asks of a shape network, as one function."""

    def __init__(self, network: ShapeNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """(1, 1, D0, D1, D2) to the last stage's whole meshes (1, S, V, 3) and logits (1, S + 1, d0, d1, d2)."""
        stages, logits = self.network.stages_and_segmentation(image)
        return stages[-1], logits


def export_network(network: ShapeNetwork, file: str | Path, spatial_size: Sequence[int]) -> None:
    """Writes the network with its weights.

    The file maps ``image``, (1, 1, D0, D1, D2) float32 in [-1, 1] on the CPU, to ``pred``, (1, S, V, 3) normalised
    vertices, and ``segmentation``, (1, S + 1, d0, d1, d2) logits.

    Args:
        network: on the CPU; it is put into evaluation mode.
        file: ends in ``.onnx``.
        spatial_size: (D0, D1, D2) of every image that the file will see.

    Raises:
        InputError: the file's name has another ending.
    """
    _check_ending(file)
    function = SurfacesAndSegmentation(network).eval().requires_grad_(False)
    images = (torch.zeros(1, 1, *spatial_size),)
    names = {"input_names": ["image"], "output_names": ["pred", "segmentation"]}
    torch.onnx.export(
        function, images, file, **names, opset_version=OPSET, dynamo=True, external_data=False, verbose=False
    )


class ExportedNetwork(nn.Module):
    """A file of :func:`export_network` in the shape network's place in inference; it computes on the CPU.

    Args:
        file: the file.
        subdivisions: of the icosphere that the network was made with.

    Raises:
        InputError: the file's name has another ending.
        OptionalImportError: onnxruntime is not installed.
    """

    def __init__(self, file: str | Path, subdivisions: int) -> None:
        super().__init__()
        self.register_buffer("faces", icosphere(subdivisions)[1], persistent=False)
        self.function = _load(Path(file))

    def forward(self, image: Tensor) -> Tensor:
        """As :meth:`ShapeNetwork.forward`, of one image of the file's size."""
        stages, _ = self.stages_and_segmentation(image)
        return stages[-1]

    def stages_and_segmentation(self, image: Tensor) -> tuple[list[Tensor], Tensor]:
        """As :meth:`ShapeNetwork.stages_and_segmentation`, but of the last stage alone."""
        vertices, logits = (output.to(image.device) for output in self.function(image.cpu()))
        return [vertices], logits


def _load(file: Path) -> Callable[[Tensor], Sequence[Tensor]]:
    _check_ending(file)
    onnxruntime, _ = optional_import("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    return lambda image: [torch.from_numpy(output) for output in session.run(None, {"image": image.numpy()})]


def _check_ending(file: str | Path) -> None:
    if Path(file).suffix != ".onnx":
        raise InputError(f"{Path(file).name}: an exported network is ONNX, and its name ends in .onnx")
