"""The shape network f: image to chamber surfaces (Laves et al., MIDL 2025, section 3.1), for several structures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ..sampling import sample
from ..template import GraphOperator, chebyshev_operator, icosphere
from .blocks.deformation import KernelFlow, Offsets
from .blocks.graph_decoder import GraphStage
from .blocks.initialization import FixedInitialization, SegmentationInitialization
from .blocks.observation import NoObservation, SegmentationObservation
from .blocks.unet import UNet, unet_precision


class ShapeNetwork(nn.Module):
    """U-Net, then graph stages that deform one icosphere per structure; batch and structures share one graph.

    The paper's network and the default one are the same parts with three choices (keys of the bundle's configs):
    where the template starts (``initialization``), which features its vertices sample (``features``), and how offsets
    move it (``deformation``).

    Args:
        structures: number S of structures; their order is the metadata's ``channel_def``.
        initialization: "sphere" (fixed, at the crop's centre) or "segmentation" (ellipsoids of the soft segmentation).
        features: "encoder" levels, or "decoder" levels together with the segmentation around each vertex.
        deformation: "offset" (added to each vertex) or "flow" (carried by one kernel flow for all structures).
        unet: arguments of :class:`UNet` but ``classes``.
        levels: U-Net levels sampled by each stage, 0 the finest.
        entry_channels, channels: widths of each stage's entry convolution and block.
        residual_pairs: residual pairs per stage.
        layer_norm: normalise inside the stages.
        control_subdivisions: of the icosphere on which the graph convolutions work.
        subdivisions: of the icosphere that ``forward`` returns; finer than the control one only with a flow.
        flow_widths: kernel width per stage, normalised units (with "flow").
        flow_steps: Euler steps per stage (with "flow").
        amp: run the U-Net in bfloat16; geometry always stays float32.

    Raises:
        ValueError: a choice is unknown or choices contradict each other.
    """

    def __init__(
        self,
        structures: int,
        initialization: str,
        features: str,
        deformation: str,
        unet: dict[str, Any],
        levels: Sequence[Sequence[int]],
        entry_channels: Sequence[int],
        channels: Sequence[int],
        residual_pairs: int,
        layer_norm: bool,
        control_subdivisions: int,
        subdivisions: int,
        flow_widths: Sequence[float] = (),
        flow_steps: int = 0,
        amp: bool = False,
    ) -> None:
        super().__init__()
        for key, value, known in (
            ("initialization", initialization, ("sphere", "segmentation")),
            ("features", features, ("encoder", "decoder")),
            ("deformation", deformation, ("offset", "flow")),
        ):
            if value not in known:
                raise ValueError(f"{key} must be one of {known}, got {value!r}")
        if deformation == "offset" and subdivisions != control_subdivisions:
            raise ValueError("offsets move the control vertices only: subdivisions must equal control_subdivisions")
        if deformation == "flow" and len(flow_widths) != len(channels):
            raise ValueError(f"flow_widths needs one width per stage ({len(channels)}), got {list(flow_widths)}")
        self.structures = structures
        self.amp = amp
        self.levels = [list(pair) for pair in levels]
        self.reads_decoder = features == "decoder"
        self.needs_segmentation = self.reads_decoder or initialization == "segmentation"

        self.unet = UNet(structures + 1, **unet)
        self.level_strides = list(self.unet.level_strides)
        stride = self.level_strides[0]
        if initialization == "segmentation":
            self.initialization: nn.Module = SegmentationInitialization(structures, stride)
        else:
            self.initialization = FixedInitialization(structures)
        self.observation = SegmentationObservation(structures, stride) if self.reads_decoder else NoObservation()

        sphere, faces = icosphere(subdivisions)
        _, control_faces = icosphere(control_subdivisions)
        operator = chebyshev_operator(control_faces)
        self.control_vertices = int(control_faces.max()) + 1
        if deformation == "flow":
            self.deformation: nn.Module = KernelFlow(list(flow_widths), flow_steps, sphere, self.control_vertices)
        else:
            self.deformation = Offsets()

        level_channels = self.unet.decoder_channels if self.reads_decoder else self.unet.encoder_channels
        identity = structures if structures > 1 else 0  # a one-hot code tells the structures apart
        hidden = [3 + identity, *channels]
        self.stages = nn.ModuleList(
            GraphStage(
                hidden[index],
                entry_channels[index],
                sum(level_channels[level] for level in self.levels[index]) + self.observation.channels,
                channels[index],
                residual_pairs,
                layer_norm,
                self.deformation.channels,
            )
            for index in range(len(channels))
        )

        for name, tensor in (
            ("sphere", sphere.float()),
            ("faces", faces),
            ("control_faces", control_faces),
            ("neighbours", operator.neighbours),
            ("weights", operator.weights.float()),
            ("identity", torch.eye(structures)[:, :identity]),
        ):
            self.register_buffer(name, tensor, persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """Image to surfaces.

        Args:
            image: (B, 1, D0, D1, D2) float32 windowed to [-1, 1], axes right, anterior, superior.

        Returns:
            (B, S, V, 3) float32 normalised vertices; every structure has the faces :attr:`faces`.
        """
        features, logits = self._image_features(image, self.needs_segmentation)
        return self._deform(features, logits)[-1]

    @torch.jit.export
    def stages_and_segmentation(self, image: Tensor) -> tuple[list[Tensor], Tensor]:
        """What training and quality checks need: the meshes after every stage, and the segmentation.

        Args:
            image: as in :meth:`forward`.

        Returns:
            One (B, S, V, 3) per stage, and logits (B, S + 1, d0, d1, d2) of the U-Net's finest level.
        """
        features, logits = self._image_features(image, True)
        return self._deform(features, logits), logits

    def operator(self) -> GraphOperator:
        """Chebyshev operator of the control meshes' graph."""
        return GraphOperator(self.neighbours, self.weights)

    def segment(self, image: Tensor) -> Tensor:
        """Class logits (B, S + 1, d0, d1, d2) of the U-Net's finest level, background first, float32."""
        _, logits = self._image_features(image, True)
        return logits

    def _image_features(self, image: Tensor, decode: bool) -> tuple[list[Tensor], Tensor]:
        """Features the vertices sample, finest first, and the logits (an empty stand-in if not decoded)."""
        if torch.jit.is_scripting():
            return self._unet_features(image, decode)
        else:
            if torch.compiler.is_exporting():  # ONNX knows no region of another precision
                return self._unet_features(image, decode)
            with unet_precision(image, self.level_strides, self.amp):
                return self._unet_features(image, decode)

    def _unet_features(self, image: Tensor, decode: bool) -> tuple[list[Tensor], Tensor]:
        encoded = self.unet.encode(image)
        if not decode:
            return encoded, image[:, :0]
        decoded, logits = self.unet.decode(encoded)
        return (decoded if self.reads_decoder else encoded), logits

    def _deform(self, features: list[Tensor], logits: Tensor) -> list[Tensor]:
        operator = self.operator()
        vertices = self.initialization(self.sphere, logits)
        b, w = vertices.shape[0], self.control_vertices
        start = self.sphere[:w].expand(self.structures, -1, -1)
        code = self.identity.unsqueeze(1).expand(-1, w, -1)
        hidden = torch.cat([start, code], dim=-1).unsqueeze(0).expand(b, -1, -1, -1).flatten(0, 1)
        meshes: list[Tensor] = []
        for index, stage in enumerate(self.stages):
            control = vertices[:, :, :w]
            seen = [self.observation(control, self.control_faces, logits)]
            for level in self.levels[index]:
                # one sampling per image: its structures' vertices stand in a row
                values = sample(features[level], control.flatten(1, 2), self.level_strides[level])
                seen.append(values.reshape(b * self.structures, w, -1))
            hidden, output = stage(hidden, torch.cat(seen, dim=-1), operator)
            vertices = self.deformation(vertices, output.unflatten(0, [b, self.structures]), self.control_faces, index)
            meshes.append(vertices)
        return meshes
