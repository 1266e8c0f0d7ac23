"""Handlers that MONAI does not have: a progress bar, checkpoints that resume by themselves, a limit of steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine, Events
from ignite.handlers import Checkpoint, DiskSaver, ProgressBar


def attach_progress_bar(trainer: Engine) -> None:
    """Shows the numbers among the engine's output, the loss and its terms, over each epoch."""

    def numbers(output: dict[str, Any]) -> dict[str, float]:
        return {name: float(value.detach()) for name, value in output.items() if value.ndim == 0}

    ProgressBar().attach(trainer, output_transform=numbers)


def attach_checkpoints(trainer: Engine, objects: dict[str, Any], folder: str, resume: str | None) -> None:
    """Saves everything needed to go on after every epoch and at the end, and goes on from ``resume`` if given.

    Args:
        trainer: the engine.
        objects: name to network, optimiser, schedule and trainer.
        folder: where ``checkpoint.pt`` is kept (the newest only).
        resume: path of a ``checkpoint.pt``, or None for a new run.

    Raises:
        ValueError: there is no such checkpoint.
    """
    saver = Checkpoint(
        objects,
        DiskSaver(folder, create_dir=True, require_empty=False),
        filename_pattern="checkpoint.pt",
        n_saved=None,
    )
    trainer.add_event_handler(Events.EPOCH_COMPLETED | Events.TERMINATE, saver)
    if resume is not None:
        if not Path(resume).is_file():
            raise ValueError(f"there is no checkpoint {Path(resume).name!r} to resume from")
        state = torch.load(resume, map_location="cpu", weights_only=True)
        epochs = trainer.state.max_epochs  # the call's, not the interrupted run's: a run may be prolonged
        Checkpoint.load_objects(objects, state)
        trainer.state.max_epochs = epochs


def attach_step_limit(trainer: Engine, max_steps: int | None) -> None:
    """Ends the run after ``max_steps`` steps in all, those of the runs it goes on from included; None: at its epochs.

    Schedules follow the epochs, not this limit: it cuts a run short without changing it.
    """

    def stop(trainer: Engine) -> None:
        if trainer.state.iteration >= max_steps:
            trainer.terminate()

    if max_steps is not None:
        trainer.add_event_handler(Events.ITERATION_COMPLETED, stop)
