"""Work side by side, and alone on one core."""

import pytest
import torch

from custom.runtime.threads import one_thread, side_by_side


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_results_come_in_the_order_of_the_calls(two_threads):
    assert side_by_side([lambda n=n: (n, torch.get_num_threads()) for n in range(5)]) == [(n, 1) for n in range(5)]
    assert torch.get_num_threads() == 2


def test_what_a_call_raises_is_raised(two_threads):
    def fail():
        raise ValueError("this one")

    with pytest.raises(ValueError, match="this one"):
        side_by_side([lambda: 1, fail])
    assert torch.get_num_threads() == 2


def test_gradients_are_as_where_it_was_called(two_threads):
    weight = torch.ones(1, requires_grad=True)
    assert all(result.requires_grad for result in side_by_side([lambda: weight * 2] * 2))
    with torch.no_grad():
        assert not any(result.requires_grad for result in side_by_side([lambda: weight * 2] * 2))


def test_one_thread_is_for_a_while(two_threads):
    with pytest.raises(RuntimeError, match="inside"), one_thread():
        assert torch.get_num_threads() == 1
        raise RuntimeError("inside")
    assert torch.get_num_threads() == 2
