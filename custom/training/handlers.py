"""What MONAI's trainer lacks: randomness by step, checkpoints that resume to the bit, early ends that save."""

from __future__ import annotations

import logging
import math
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from ignite import distributed as idist
from ignite.engine import Engine, Events
from ignite.handlers import Checkpoint, EarlyStopping, ProgressBar
from ignite.utils import manual_seed
from monai.engines import Evaluator, Trainer
from torch import nn

from ..data.sample_stream import stream_seed
from ..inputs import InputError
from ..networks.weights import read_weights
from ..runtime.interruption import heed_signals, held, interrupted, settle
from ..runtime.standard_streams import open_standard_streams
from .learning_curve import LearningCurve


def run_training(
    trainer: Trainer,
    validator: Evaluator,
    network: nn.Module,
    objects: dict[str, Any],
    folder: str,
    seed: int,
    resume: str | None,
    max_steps: int | None,
    max_seconds: float | None,
    patience: int | None,
) -> None:
    """Trains, from the start or from a checkpoint, to the last epoch or an earlier end.

    ``folder`` receives ``checkpoint.pt``, everything needed to go on, after every epoch and at every early end,
    ``model.pt``, the state dict with the best key metric of the validation so far, and ``curve.json``
    (:class:`LearningCurve`). An early end is ``max_steps``, ``max_seconds``, ``patience``, or a signal (SIGINT,
    SIGTERM, SIGHUP), which takes effect after the step under way.

    Every step draws its random numbers from a stream of its own, so a training that was interrupted and resumed ends
    with the weights of one that was not: to the bit on the CPU, and on a GPU as far as its kernels are deterministic.

    Args:
        trainer: its data loader takes its batches from a :class:`custom.data.StepBatches`.
        validator: run by the trainer's handlers, and at ``max_steps`` and ``max_seconds``.
        network: what ``model.pt`` holds.
        objects: name to what ``checkpoint.pt`` holds; all have ``state_dict`` and ``load_state_dict``.
        folder: made where missing.
        seed: of the steps' streams.
        resume: path of a ``checkpoint.pt``, or None for a new training.
        max_steps: steps after which to end, those before ``resume`` included; None: at the last epoch. Schedules
            follow the epochs all the same.
        max_seconds: of learning, as :class:`LearningCurve` counts them, after which to end; None: never.
        patience: validations without a better key metric after which to end; None: never.

    Raises:
        InputError: there is no such checkpoint, or a step's loss is not finite.
        Interrupted: a signal has ended the training; all that is said above has been written.
    """
    for engine in (trainer, validator):
        _leave_errors_to_the_caller(engine)
    if idist.get_rank() == 0:
        _attach_progress_bar(trainer)
    trainer.add_event_handler(Events.ITERATION_STARTED, _seed_step, seed)
    trainer.add_event_handler(Events.ITERATION_COMPLETED, _refuse_infinite_loss)
    curve = LearningCurve(folder)
    curve.attach(trainer, validator)
    trainer.add_event_handler(Events.ITERATION_COMPLETED, _end_after, validator, curve, max_steps, max_seconds)
    best = Checkpoint({"model": network}, _save_in(folder), filename_pattern="model.pt", score_function=_key_metric)
    patient = EarlyStopping(sys.maxsize if patience is None else patience, _key_metric, trainer)
    for handler in (best, patient):
        validator.add_event_handler(Events.COMPLETED, handler)
    objects = objects | {"best": best, "patience": patient, "curve": curve}
    newest = Checkpoint(objects, _save_in(folder), filename_pattern="checkpoint.pt", n_saved=None)
    trainer.add_event_handler(Events.EPOCH_COMPLETED | Events.TERMINATE, newest)
    if resume is not None:
        _load(trainer, objects, resume)
    trainer.add_event_handler(Events.ITERATION_COMPLETED, _end_if_interrupted)
    loader = trainer.data_loader
    loader.worker_init_fn = partial(_outlive_signals, loader.worker_init_fn)
    open_standard_streams()
    heed_signals()
    with held():  # within a step the engine's count would be one ahead of the weights
        trainer.run()
    settle()


def _outlive_signals(initialize: Callable[[int], None] | None, worker: int) -> None:
    """In a worker: `timeout`, systemd and Slurm end a whole group, and the step under way needs what workers make.

    A worker ends with its training by itself.
    """
    if initialize is not None:
        initialize(worker)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _leave_errors_to_the_caller(engine: Engine) -> None:
    """ignite logs an error at every level it passes, and MONAI with its trace; whoever catches it says it once."""
    engine._event_handlers.pop(Events.EXCEPTION_RAISED, None)
    engine.logger.addFilter(_is_no_error)


def _is_no_error(record: logging.LogRecord) -> bool:
    return record.levelno < logging.ERROR


def _key_metric(validator: Engine) -> float:
    return float(validator.state.metrics[validator.state.key_metric_name])


def _save_in(folder: str) -> Callable[[Any, str, Any], None]:
    """Saves files whole: an interrupted save leaves the one before it."""

    def save(state: Any, name: str, metadata: Any) -> None:
        if idist.get_rank() == 0:
            os.makedirs(folder, exist_ok=True)
            unfinished = Path(folder) / f".{name}"
            torch.save(state, unfinished)
            unfinished.replace(Path(folder) / name)

    return save


def _load(trainer: Trainer, objects: dict[str, Any], path: str) -> None:
    state = read_weights(path)
    for name in {"patience", "curve"} - set(state):  # of 0.2.0, of 0.16.0
        objects = {key: value for key, value in objects.items() if key != name}
    epochs = trainer.state.max_epochs  # the call's, not the interrupted run's: a run may be prolonged
    try:
        Checkpoint.load_objects(objects, state)
    except (KeyError, ValueError, RuntimeError) as error:
        raise InputError(f"{Path(path).name} is no checkpoint of such a training: it cannot be resumed") from error
    trainer.state.max_epochs = epochs
    trainer.data_loader.batch_sampler.first_step = trainer.state.iteration


def _attach_progress_bar(trainer: Trainer) -> None:
    """Shows the numbers among the engine's output, the loss and its terms, over each epoch."""

    def numbers(output: dict[str, Any]) -> dict[str, float]:
        return {name: float(value.detach()) for name, value in output.items() if value.ndim == 0}

    ProgressBar().attach(trainer, output_transform=numbers)


def _seed_step(trainer: Engine, seed: int) -> None:
    manual_seed(stream_seed(seed, trainer.state.iteration, idist.get_rank()))


def _refuse_infinite_loss(trainer: Engine) -> None:
    if not math.isfinite(float(trainer.state.output["loss"])):
        raise InputError(
            f"the loss of step {trainer.state.iteration} is not finite; the last checkpoint is from before it: "
            "resume from that one with a lower learning_rate"
        )


def _end_if_interrupted(trainer: Engine) -> None:
    if interrupted():
        trainer.terminate()


def _end_after(
    trainer: Trainer, validator: Evaluator, curve: LearningCurve, max_steps: int | None, max_seconds: float | None
) -> None:
    spent = max_steps is not None and trainer.state.iteration >= max_steps
    if max_seconds is not None:  # every process ends after the same step
        spent |= idist.all_reduce(curve.seconds, "MAX") >= max_seconds
    if spent:
        validator.run(trainer.state.epoch)
        trainer.terminate()
