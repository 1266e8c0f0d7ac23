"""A training that was interrupted ends with the weights of one that was not, to the bit."""

import json
import os
import signal
from multiprocessing import active_children

import pytest
import torch
from ignite.engine import Events


def load(folder):
    return torch.load(folder / "checkpoint.pt", weights_only=True)


def terminate_during_step_2(trainer):
    """A SIGTERM in the middle of step 2, in the middle of an epoch, to all processes, as `timeout` sends it."""

    def terminate():
        for process in [child.pid for child in active_children()] + [os.getpid()]:
            os.kill(process, signal.SIGTERM)

    trainer.add_event_handler(Events.ITERATION_STARTED(once=2), terminate)


def assert_goes_on_where_it_stopped(train, name, folder, **overrides):
    train(name, folder / "straight", max_steps=4, num_workers=2, **overrides)
    with pytest.raises(SystemExit) as ended:
        train(name, folder / "parts", terminate_during_step_2, num_workers=2, **overrides)
    assert ended.value.code == 143
    stopped = load(folder / "parts")
    assert stopped["trainer"]["iteration"] == 2
    resume = str(folder / "parts" / "checkpoint.pt")
    train(name, folder / "parts", max_steps=4, num_workers=2, resume=resume, **overrides)
    straight, parts = load(folder / "straight"), load(folder / "parts")
    assert straight["trainer"]["iteration"] == parts["trainer"]["iteration"] == 4
    assert straight["best"] == parts["best"]
    for key in ("network", "supervision"):
        one, other = straight.get(key, {}), parts.get(key, {})
        one, other = one.get("network", one), other.get("network", other)
        assert one.keys() == other.keys()
        assert all(torch.equal(one[weight], other[weight]) for weight in one)
    assert any(not torch.equal(stopped["network"][weight], parts["network"][weight]) for weight in parts["network"])


def test_training_goes_on_where_it_stopped(train, tmp_path):
    assert_goes_on_where_it_stopped(train, "train", tmp_path)


@pytest.mark.slow
def test_training_through_g_goes_on_where_it_stopped(train, representation, tmp_path):
    assert_goes_on_where_it_stopped(train, "train", tmp_path, **representation)


@pytest.mark.slow
def test_pretraining_goes_on_where_it_stopped(train, tmp_path):
    assert_goes_on_where_it_stopped(train, "pretrain", tmp_path)


@pytest.mark.slow
def test_the_best_weights_stay_through_a_resume(train, tmp_path):
    """A resumed run that validates worse does not replace model.pt; early versions knew no patience and no curve."""
    train("train", tmp_path, max_steps=1)
    state = load(tmp_path)
    state["best"]["_saved"] = [(2.0, "model.pt")]
    del state["patience"], state["curve"]
    torch.save(state, tmp_path / "checkpoint.pt")
    (tmp_path / "model.pt").write_bytes(b"the best")
    train("train", tmp_path, max_steps=2, resume=str(tmp_path / "checkpoint.pt"))
    assert (tmp_path / "model.pt").read_bytes() == b"the best"


def test_a_training_that_does_not_improve_ends_with_its_checkpoint(train, tmp_path):
    """At rate 0 every validation is like the first: the second ends it, and a resumed one goes on counting."""
    still = {"learning_rate": 0.0, "end_learning_rate": 0.0, "segmentation_epochs": 9, "steps_per_epoch": 1}
    train("train", tmp_path, epochs=9, val_interval=1, patience=1, **still)
    ended = load(tmp_path)
    assert ended["trainer"]["iteration"] == 2 and ended["patience"]["counter"] == 1
    before = json.loads((tmp_path / "curve.json").read_text())
    train("train", tmp_path, epochs=9, val_interval=1, patience=2, resume=str(tmp_path / "checkpoint.pt"), **still)
    assert load(tmp_path)["trainer"]["iteration"] == 3
    curve = json.loads((tmp_path / "curve.json").read_text())
    assert curve[:2] == before and [row["step"] for row in curve] == [1, 2, 3]
    assert 0 < curve[0]["seconds"] < curve[1]["seconds"] < curve[2]["seconds"]
    assert all(0 <= row["validation_dice"] <= 1 for row in curve)


def test_a_training_ends_when_its_seconds_are_spent(train, tmp_path):
    train("train", tmp_path, max_seconds=1e-3, segmentation_epochs=9)
    assert load(tmp_path)["trainer"]["iteration"] == 1
    assert [row["step"] for row in json.loads((tmp_path / "curve.json").read_text())] == [1]


def test_a_missing_checkpoint_is_named(train, tmp_path):
    with pytest.raises(RuntimeError) as refused:
        train("train", tmp_path, resume=str(tmp_path / "nowhere.pt"))
    assert "there is no file nowhere.pt" in str(refused.value.__cause__)


def test_an_infinite_loss_ends_the_training_without_a_checkpoint(train, tmp_path):
    def spoil(trainer):
        for parameter in trainer.network.parameters():
            parameter.data.fill_(float("nan"))

    with pytest.raises(RuntimeError) as refused:
        train("train", tmp_path, spoil, segmentation_epochs=1)
    assert "the loss of step 1 is not finite" in str(refused.value.__cause__)
    assert not (tmp_path / "checkpoint.pt").exists()
