"""Our graph decoder against the same one built from torch-geometric's layers, in one process.

    python -m benchmarks.graph

Prints a Markdown table: seconds for the three stages of the paper's graph decoder (2562 vertices), forward alone and
forward with backward, medians of interleaved runs, and the largest difference of the results.
"""

from __future__ import annotations

import copy
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import fire
import torch
from torch import Tensor, nn
from torch_geometric.nn import ChebConv as ReferenceConv

from custom.networks import ShapeNetwork
from custom.networks.blocks.graph import ChebConv
from custom.template import GraphOperator

CONFIG = Path(__file__).parents[1] / "bundle" / "configs" / "train.json"


class TorchGeometric(nn.Module):
    """torch-geometric's ChebConv behind our layer's signature, with the weights of ``layer``."""

    def __init__(self, layer: ChebConv, edges: Tensor) -> None:
        super().__init__()
        out_channels, in_channels = layer.lins[0].weight.shape
        self.conv = ReferenceConv(in_channels, out_channels, K=2, normalization="sym")
        self.conv.load_state_dict(layer.state_dict())
        self.edges = edges

    def forward(self, x: Tensor, operator: GraphOperator) -> Tensor:
        return self.conv(x, self.edges)


def with_torch_geometric(module: nn.Module, edges: Tensor) -> nn.Module:
    """A copy of ``module`` with every ChebConv replaced."""
    module = copy.deepcopy(module)
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, ChebConv):
                setattr(parent, name, TorchGeometric(child, edges))
    return module


def decoder(stages: nn.Module, hidden: Tensor, seen: list[Tensor], operator: GraphOperator) -> Tensor:
    """The decoder's graph part: hidden state through all stages; the offsets' sum."""
    total = torch.zeros(())
    for stage, features in zip(stages, seen, strict=True):
        hidden, offset = stage(hidden, features, operator)
        total = total + offset.sum()
    return total + hidden.sum()


def main(batch: int = 1, repeats: int = 7, threads: int = 2) -> None:
    """Times both decoders. ``batch`` meshes of 2562 vertices, ``repeats`` interleaved runs, ``threads`` of the CPU."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    arguments = json.loads(CONFIG.read_text())["network_configurations"]["paper"]
    del arguments["_target_"]
    network = ShapeNetwork(**arguments | {"structures": 1, "amp": False})
    for stage in network.stages:
        nn.init.normal_(stage.exit.lins[0].weight)
    faces = network.control_faces
    directed = torch.cat([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    edges = torch.unique(torch.cat([directed, directed.flip(1)]), dim=0).T.contiguous()
    hidden = network.sphere.expand(batch, -1, -1).clone().requires_grad_()
    channels = network.unet.encoder_channels
    seen = [torch.randn(batch, len(network.sphere), sum(channels[level] for level in pair)) for pair in network.levels]
    candidates = {"ours": network.stages, "torch-geometric": with_torch_geometric(network.stages, edges)}

    def forward(stages: nn.Module) -> Tensor:
        with torch.no_grad():
            return decoder(stages, hidden, seen, network.operator())

    def both(stages: nn.Module) -> Tensor:
        result = decoder(stages, hidden, seen, network.operator())
        result.backward()
        return result.detach()

    print(f"{batch} x {len(network.sphere)} vertices, {threads} CPU threads, torch {torch.__version__}\n")
    print("| pass | torch-geometric s | ours s | times faster | relative difference |")
    print("|---|---|---|---|---|")
    for name, function in (("forward", forward), ("forward and backward", both)):
        seconds, results = interleaved(function, candidates, repeats)
        ratio = seconds["torch-geometric"] / seconds["ours"]
        difference = abs(results["ours"] / results["torch-geometric"] - 1)
        print(f"| {name} | {seconds['torch-geometric']:.3f} | {seconds['ours']:.3f} | {ratio:.1f} | {difference:.0e} |")


def interleaved(function: Callable, candidates: dict[str, nn.Module], repeats: int) -> tuple[dict, dict]:
    """Median seconds and last result per candidate, run in turn so that a drifting machine hits all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    results: dict[str, float] = {}
    for _ in range(repeats + 1):  # the first round warms up
        for name, stages in candidates.items():
            start = time.perf_counter()
            results[name] = float(function(stages))
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values[1:]) for name, values in seconds.items()}, results


if __name__ == "__main__":
    fire.Fire(main)
