"""What CUDA does and refuses, so that what stands in for it is known to do and refuse the same."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset


@pytest.fixture
def there() -> torch.Tensor:
    return torch.ones(3, device="cuda")


@pytest.fixture
def here() -> torch.Tensor:
    return torch.ones(3)


class OnDevice(Dataset):
    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> torch.Tensor:
        return torch.ones(2, device="cuda")


def test_tensors_go_there_and_back(here, there):
    assert there.device == torch.device("cuda", 0) and torch.equal((there + 1).cpu(), here + 1)
    assert torch.equal(here.pin_memory().to("cuda", non_blocking=True).cpu(), here)
    for copied in (copy.deepcopy(there), pickle.loads(pickle.dumps(there)), there.clone()):
        assert copied.device == there.device and torch.equal(copied.cpu(), here)
    here[:] = 2 * there
    assert here.tolist() == [2, 2, 2]


def test_devices_can_be_chosen(there):
    with torch.device("cuda"):
        assert torch.ones(3).is_cuda and torch.nn.Linear(2, 2).weight.is_cuda
    last = torch.cuda.device_count() - 1
    with torch.cuda.device(last):
        assert torch.ones(1, device="cuda").device.index == torch.cuda.current_device() == last
    with pytest.raises(RuntimeError, match="invalid device ordinal"):
        torch.ones(1, device=f"cuda:{last + 1}")


def test_results_and_views_stay_there(there):
    view = there[1:]
    view.mul_(5)
    assert there.tolist() == [1, 5, 5]
    whole = torch.arange(3, device="cuda")
    for result in (
        whole.repeat_interleave(whole),
        torch.bincount(whole),
        torch.unique(whole, return_inverse=True)[1],
        torch.linalg.svd(torch.eye(3, device="cuda"))[0],
        torch.multinomial(there, 2),
        torch.where(there > 1, there, 0.0),
        there.split(2)[0],
        there.nonzero(),
    ):
        assert result.is_cuda


def test_gradients_and_autocast():
    weight = torch.ones(1, 1, 1, 1, 1, device="cuda", requires_grad=True)
    with torch.autocast("cuda", torch.bfloat16):
        result = F.conv3d(torch.ones(1, 1, 3, 3, 3, device="cuda"), weight)
    assert result.dtype == torch.bfloat16
    result.float().sum().backward()
    assert weight.grad.is_cuda and float(weight.grad) == 27


@pytest.mark.parametrize(
    "mix",
    [
        lambda here, there: here + there,
        lambda here, there: torch.where(here > 0, there, there),
        lambda here, there: torch.cat([there, here]),
        lambda here, there: there.gather(0, torch.zeros(1, dtype=torch.int64)),
        lambda here, there: there.index_add(0, torch.zeros(3, dtype=torch.int64), there),
        lambda here, there: there.masked_fill(here > 0, 1.0),
        lambda here, there: here[there > 0],
        lambda here, there: F.linear(there, torch.ones(3, 3)),
        lambda here, there: F.conv3d(there.view(1, 1, 3, 1, 1), torch.ones(1, 1, 1, 1, 1)),
    ],
)
def test_tensors_of_two_devices_do_not_mix(mix, here, there):
    with pytest.raises(RuntimeError, match=r"device|type"):
        mix(here, there)


def test_scalars_and_indices_may_come_from_the_host(here, there):
    there[here > 0] = torch.tensor(2.0)
    assert (there * torch.tensor(3.0)).tolist() == [6, 6, 6]
    assert there[torch.tensor([0, 2])].tolist() == [2, 2]


def test_what_has_no_kernel_is_refused(there):
    with pytest.raises(TypeError, match="cpu"):
        there.numpy()
    with pytest.raises(NotImplementedError, match="not implemented|Could not run"):
        torch.ones(2, 2, device="cuda", dtype=torch.int64) @ torch.ones(2, 2, device="cuda", dtype=torch.int64)


def test_generators_belong_to_a_device():
    with pytest.raises(RuntimeError, match="generator"):
        torch.rand(2, device="cuda", generator=torch.Generator())
    with pytest.raises(RuntimeError, match="generator"):
        torch.rand(2, generator=torch.Generator("cuda"))
    drawn = [torch.rand(2, device="cuda", generator=torch.Generator("cuda").manual_seed(1)) for _ in range(2)]
    assert torch.equal(*drawn)
    torch.manual_seed(2)
    first = torch.rand(2, device="cuda")
    torch.manual_seed(2)
    assert torch.equal(first, torch.rand(2, device="cuda"))


def test_memory_is_counted_and_ends():
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    block = torch.ones(2**20, device="cuda")
    assert torch.cuda.memory_allocated() - before == block.nbytes
    del block
    assert torch.cuda.memory_allocated() == before and torch.cuda.max_memory_allocated() >= before + 4 * 2**20
    with pytest.raises(torch.OutOfMemoryError, match="CUDA out of memory"):
        torch.empty(2**45, device="cuda")


def test_workers_are_forks_that_may_not_use_it(here):
    assert len(list(DataLoader(here, 1, num_workers=1, pin_memory=True))) == 3
    with pytest.raises(RuntimeError, match="Cannot re-initialize CUDA in forked subprocess"):
        list(DataLoader(OnDevice(), 1, num_workers=1))
