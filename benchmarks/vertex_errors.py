"""The expected error of each vertex beside the true one, on generated patients; and the fit of the network behind it.

    python -m custom synthesize FOLDER --first_seed 40000 --count 60 --labels whole-heart
    python -m benchmarks.vertex_errors table FOLDER --structures all

    python -m benchmarks.edge_patients FOLDER --first_seed 30000 --count 88
    python -m benchmarks.vertex_errors fit FOLDER vertex_error.pt
    python -m benchmarks.vertex_errors spread OTHER vertex_error.pt

True is the distance to the surface of the label (marching cubes). The table counts surfaces that are not "do not use".
`fit` trains on all surfaces of two of three patients, those of two chambers and those of seven, and takes the spread of
the errors round the expected ones from the usable ones of the third; `spread` takes it from other patients instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import fire
import igl
import nibabel
import numpy as np
import torch
from scipy.stats import spearmanr

from benchmarks.patients import answers, kinds_of
from custom.anatomy.planes import Surface
from custom.chambers import ENCLOSED, LEFT_HEART, STRUCTURES
from custom.inference.quality.doubt import usable
from custom.inference.quality.vertex_errors import SIGNS, signs_of
from custom.metrics import label_surface
from custom.networks.vertex_error import BAND, SHARES, VertexError
from custom.networks.weights import load_weights
from custom.prediction import load_model

STEPS, VERTICES, RATE, DECAY = 2000, 4096, 6e-3, 1e-2
"""Of the fit: steps, vertices a step, highest learning rate, weight decay."""
LEAST_MM = 0.02
"""Added to an error, of which the logarithm would go astray at 0."""
OF_EACH = 600
"""Vertices of a surface that the fit sees."""


class Example(NamedTuple):
    """A surface."""

    case: str
    chamber: str
    usable: bool
    signs: np.ndarray
    """(V, SIGNS)."""
    error: np.ndarray
    """(V,) mm."""

    def some(self, rng: np.random.Generator) -> Example:
        """`OF_EACH` of its vertices, or all."""
        chosen = rng.permutation(len(self.error))[:OF_EACH]
        return self._replace(signs=self.signs[chosen], error=self.error[chosen])


def examples(folder: str, **overrides: Any) -> Iterator[Example]:
    """All surfaces of a folder of generated patients whose structure the labels have."""
    base = Path(folder)
    for image, name, record in answers(base, load_model(**overrides).record):
        label = nibabel.load(base / "labels" / image.name)
        values = np.asarray(label.dataobj)
        for mesh in record["meshes"]:
            inside = np.isin(values, ENCLOSED[mesh.name])
            if inside.any():
                squared, _, _ = igl.point_mesh_squared_distance(mesh.vertices, *label_surface(inside, label.affine))
                signs, use = signs_of(record, mesh.name, Surface.of(mesh)), usable(record["structures"][mesh.name])
                yield Example(name, mesh.name, use, signs, np.sqrt(squared))


def fit(folder: str, output: str, **overrides: Any) -> None:
    """Fits the network to a folder's patients and writes its weights.

    Args:
        folder: as the module says.
        output: the file of weights.
        overrides: keys of inference.json.
    """
    torch.save(fitted(samples(folder, error_checkpoint=None, **overrides)).state_dict(), output)


def spread(folder: str, checkpoint: str, **overrides: Any) -> None:
    """Writes into a file of weights how the errors of a folder's usable surfaces lie round the expected ones.

    Args:
        folder: as the module says.
        checkpoint: the file.
        overrides: keys of inference.json.
    """
    network = VertexError(SIGNS)
    load_weights(network, checkpoint)
    take_spread(network, [one for one in samples(folder, **overrides) if one.usable])
    torch.save(network.state_dict(), checkpoint)


def samples(folder: str, **overrides: Any) -> list[Example]:
    """Some vertices of all surfaces of a folder, those of two chambers and those of seven."""
    rng = np.random.default_rng(0)
    return [one.some(rng) for of in (LEFT_HEART, STRUCTURES) for one in examples(folder, structures=of, **overrides)]


def take_spread(network: VertexError, given: list[Example]) -> None:
    """The quantiles of error by expected error, of surfaces that the network was not trained on."""
    times = np.concatenate([one.error / network.expected_mm(one.signs) for one in given])
    network.times.copy_(torch.from_numpy(np.quantile(times, SHARES)))


def fitted(given: list[Example]) -> VertexError:
    """The network, by the likelihood of exponential errors: what it gives is then their mean."""
    torch.manual_seed(0)
    cases = sorted({example.case for example in given})
    held = set(cases[2::3])
    signs, error = (
        torch.from_numpy(np.concatenate([getattr(one, of) for one in given if one.case not in held]))
        for of in ("signs", "error")
    )
    network = VertexError(SIGNS)
    squeezed = signs.sign() * signs.abs().log1p()
    network.centre.copy_(squeezed.mean(0))
    network.scale.copy_(squeezed.std(0).clamp(min=1e-3))
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=STEPS)
    for _ in range(STEPS):
        chosen = torch.randint(len(signs), (VERTICES,))
        expected = network(signs[chosen])
        loss = (expected + (error[chosen] + LEAST_MM) * torch.exp(-expected)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    take_spread(network, [one for one in given if one.usable and one.case in held])
    return network.eval()


def table(folder: str, checkpoint: str | None = None, **overrides: Any) -> None:
    """Prints, for each kind of scan and chamber, how well the expected errors hold.

    Args:
        folder: as the module says.
        checkpoint: of the network; None for the bundle's.
        overrides: keys of inference.json.
    """
    path = checkpoint or Path(__file__).parents[1] / "bundle" / "models" / "vertex_error.pt"
    network = VertexError(SIGNS)
    load_weights(network, path)
    given = [one for one in examples(folder, **overrides) if one.usable]
    print_table(network.eval(), given, kinds_of(Path(folder)))


def print_table(network: VertexError, given: list[Example], kinds: Mapping[str, str]) -> None:
    """A row a kind and chamber: mean error, mean expected one, share within the band, within 1 mm and what was told of
    it, and the rank correlation within a surface."""
    print(
        f"| kind | surface | cases | mean error mm | expected mm | within {100 * SHARES[BAND]:.0f} % band | "
        "within 1 mm | expected | within 2 mm | expected | Spearman, mean | lowest |\n|" + "---|" * 12
    )
    for kind in [*sorted({kinds[one.case] for one in given}), "all"]:
        for chamber in STRUCTURES:
            group = [one for one in given if one.chamber == chamber and kind in (kinds[one.case], "all")]
            if not group:
                continue
            rows = np.array([_figures(network, one) for one in group])
            mean, lowest = rows.mean(axis=0), rows[:, -1].min()
            told = " | ".join(f"{value:.2f}" for value in mean)
            print(f"| {kind} | {chamber} | {len(group)} | {told} | {lowest:.2f} |")


def _figures(network: VertexError, one: Example) -> list[float]:
    expected = network.expected_mm(one.signs)
    within = []
    for reach in (1.0, 2.0):
        within += [(one.error <= reach).mean(), network.share_within(expected, reach).mean()]
    in_band = (one.error <= float(network.times[BAND]) * expected).mean()
    return [one.error.mean(), expected.mean(), in_band, *within, spearmanr(expected, one.error).statistic]


if __name__ == "__main__":
    fire.Fire({"fit": fit, "spread": spread, "table": table})
