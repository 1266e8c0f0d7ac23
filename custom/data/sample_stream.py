"""Random views of cases by number: what a step trains on depends on the seed and the step, and on nothing that ran."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from monai.data import Dataset as CaseDataset
from torch.utils.data import Dataset, Sampler

from ..inputs import InputError
from ..runtime.errors import explain


def stream_seed(*numbers: int) -> int:
    """A seed below 2**32 for the stream of random numbers that these name; near numbers give unrelated streams."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


class SampleStream(Dataset):
    """An endless sequence of draws from the cases: each round takes every case once, in an order of its own.

    Draw n is a function of ``seed`` and n alone, whichever worker makes it: no random state has to be kept to go on
    from a given draw.

    Args:
        dataset: the cases, with the transforms that draw their random views.
        seed: decides the orders and the views.
    """

    def __init__(self, dataset: CaseDataset, seed: int) -> None:
        self.dataset = dataset
        self.seed = seed

    def __getitem__(self, number: int) -> Any:
        """Draw ``number``, as the dataset's transforms give it.

        Raises InputError, which names the case, where its files cannot be read, or are not what they should be.
        """
        turn, position = divmod(number, len(self.dataset))
        order = np.random.default_rng((self.seed, turn)).permutation(len(self.dataset))
        self.dataset.transform.set_random_state(seed=stream_seed(self.seed, number))
        index = int(order[position])
        try:
            return self.dataset[index]
        except Exception as error:
            case = self.dataset.data[index]
            if "image" not in case:  # a generated patient cannot be at fault
                raise
            _, reason = explain(error)
            raise InputError(f"{Path(case['image']).name} cannot be used: {reason}") from error


class StepBatches(Sampler[list[int]]):
    """Which draws each step takes: the steps in order, each sharing its consecutive draws out among the processes.

    Args:
        steps: of the whole training.
        batch_size: draws per step and process.
        rank, ranks: number of this process, and of all.
    """

    def __init__(self, steps: int, batch_size: int, rank: int, ranks: int) -> None:
        self.steps = steps
        self.batch_size = batch_size
        self.rank = rank
        self.ranks = ranks
        self.first_step = 0
        """Steps that lie behind, of the run that this one goes on from."""

    def __iter__(self) -> Iterator[list[int]]:
        draws = self.batch_size * self.ranks
        for step in range(self.first_step, self.steps):
            yield list(range(step * draws + self.rank, (step + 1) * draws, self.ranks))

    def __len__(self) -> int:
        return self.steps - self.first_step
