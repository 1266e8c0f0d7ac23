import numpy as np
import pytest
import torch
from monai.data import DataLoader, Dataset
from monai.transforms import Compose, RandomizableTransform

from custom.data import SampleStream, StepBatches
from custom.data.sample_stream import stream_seed


class Draw(RandomizableTransform):
    def __call__(self, case):
        return torch.tensor([case, self.R.uniform()], dtype=torch.float64)


def draws(seed=0, cases=5):
    return SampleStream(Dataset(list(range(cases)), Compose([Draw()])), seed)


def test_a_draw_is_a_function_of_its_number():
    forwards, backwards = draws(), draws()
    first = [forwards[number] for number in range(10)]
    again = [backwards[number] for number in reversed(range(10))]
    assert all(torch.equal(one, other) for one, other in zip(first, reversed(again), strict=True))
    assert len({float(draw[1]) for draw in first}) == 10
    assert not any(torch.equal(draws(seed=1)[number], first[number]) for number in range(10))


def test_every_round_takes_every_case_once_in_an_order_of_its_own():
    rounds = [[int(draws()[5 * turn + position][0]) for position in range(5)] for turn in range(6)]
    assert all(sorted(taken) == list(range(5)) for taken in rounds)
    assert len(set(map(tuple, rounds))) > 1


@pytest.mark.parametrize("workers", [0, 2])
def test_workers_change_nothing(workers):
    loader = DataLoader(draws(), num_workers=workers, batch_sampler=StepBatches(4, 2, 0, 1))
    expected = torch.stack([draws()[number] for number in range(8)]).view(4, 2, 2)
    assert torch.equal(torch.stack(list(loader)), expected)


def test_processes_share_what_one_would_take():
    one = list(StepBatches(3, 4, 0, 1))
    shared = zip(StepBatches(3, 2, 0, 2), StepBatches(3, 2, 1, 2), strict=True)
    assert [sorted(first + second) for first, second in shared] == one
    later = StepBatches(3, 4, 0, 1)
    later.first_step = 2
    assert list(later) == one[2:] and len(later) == 1


def test_streams_are_unrelated():
    seeds = {stream_seed(seed, number) for seed in range(10) for number in range(1000)}
    assert len(seeds) == 10_000 and max(seeds) < 2**32
    uniform = [np.random.RandomState(stream_seed(0, number)).uniform() for number in range(1000)]
    assert abs(np.corrcoef(uniform[:-1], uniform[1:])[0, 1]) < 0.1
