"""The network that reads where blood ends in the profile of a scan along a vertex's normal."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

LOG_SPREAD = (-3.0, 2.0)
"""Of a logarithm of mm, beyond which no spread is told."""


class EdgeNetwork(nn.Module):
    """A perceptron that sees one vertex: what :func:`custom.edges.edge_features` makes of its profile.

    It tells the median of where the surface ought to lie and how certain that is: the location and the scale of a
    Laplace distribution, whose likelihood it is trained by.

    Args:
        structures: whose surfaces it knows, in the order of their indicators among the inputs.
        features: numbers that it gets of a vertex, without these indicators.
        width: of each hidden layer.
        depth: their number.
    """

    def __init__(self, structures: Sequence[str], features: int, width: int, depth: int) -> None:
        super().__init__()
        self.structures = tuple(structures)
        widths = [features + len(self.structures), *[width] * depth]
        layers = [layer for pair in zip(widths, widths[1:], strict=False) for layer in (nn.Linear(*pair), nn.SiLU())]
        self.layers = nn.Sequential(*layers, nn.Linear(width, 2))

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features (V, features + structures) to offsets (V,), mm along the outward normal, and the logarithms (V,) of
        their spreads, mm."""
        offset, spread = self.layers(features).unbind(-1)
        return offset, spread.clamp(*LOG_SPREAD)
