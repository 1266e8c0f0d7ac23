"""Small CTs of known content, written by real libraries, and the weights of the stand-in network."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import torch
import warm_python
from monai.bundle import ConfigWorkflow
from signals import Started, usual_signals
from stand_in import CONFIG, DIRECTIONS, LOCATOR, NETWORK, ROOT, Ellipsoids, NotAir, Upright

SMALL = {"subdivision": 0}
"""Keys of inference.json: surfaces of 2,562 vertices take a quarter of the time. `test_docs.py` runs the usual ones."""


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "weights" / "model.pt"
    path.parent.mkdir()
    torch.save(Ellipsoids().half().state_dict(), path)
    torch.save(NotAir().half().state_dict(), path.with_name("locator.pt"))
    torch.save(Upright().state_dict(), path.with_name("directions.pt"))
    return path


@pytest.fixture
def workflow(weights: Path):
    """The inference workflow in this process, with the stand-in networks; keys are overridden as in a call.

    There is a page only for tests that ask for it: whether its viewer is installed shall make no difference to others.
    """
    keys = {
        **SMALL,
        "network_def": NETWORK,
        "checkpoint": str(weights),
        "bundle_root": str(ROOT / "bundle"),
        "viewer": False,
    }
    keys |= {"locator": LOCATOR, "locator_checkpoint": str(weights.with_name("locator.pt"))}
    keys |= {"directions": DIRECTIONS, "directions_checkpoint": str(weights.with_name("directions.pt"))}

    def make(**overrides) -> ConfigWorkflow:
        made = ConfigWorkflow(
            config_file=str(CONFIG),
            workflow_type="inference",
            run_id="inference",
            logging_file=False,
            **{**keys, **overrides},
        )
        made.initialize()
        return made

    return make


@pytest.fixture
def start_bundle(weights: Path):
    """The command line in a process of its own, with the stand-in networks; the package is found on `path`.

    `launcher` stands between Python and the bundle's module, for `torchrun`; `shell` is a script that starts the
    command, its `"$@"`; `network` takes the place of the stand-in; `python` is the interpreter.
    """

    def start(
        *arguments: str,
        config: Path,
        cwd: Path,
        path: Path | None = ROOT,
        launcher: tuple[str, ...] = (),
        shell: str | None = None,
        network: str = str(NETWORK),
        python: str | None = None,
    ) -> subprocess.Popen[str]:
        python = python or warm_python.executable()
        command = [python, *launcher, "-m", "monai.bundle", "run", "inference", "--config_file", str(config)]
        command += ["--network_def", network, "--checkpoint", str(weights), "--viewer", "False"]
        for key, stand_in in {"locator": LOCATOR, "directions": DIRECTIONS}.items():
            command += [f"--{key}", str(stand_in), f"--{key}_checkpoint", str(weights.with_name(f"{key}.pt"))]
        for key, value in SMALL.items():
            command += [f"--{key}", str(value)]
        command += arguments
        command = command if shell is None else ["bash", "-c", shell, "bash", *command]
        searched = [str(folder) for folder in (Path(__file__).parents[1], path, os.environ.get("PYTHONPATH")) if folder]
        environment = {"PYTHONPATH": ":".join(searched), "OMP_NUM_THREADS": "1", "HOME": str(weights.parent)}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return Started(command, cwd=cwd, env=environment, preexec_fn=usual_signals, **pipes)

    return start


@pytest.fixture
def run_bundle(start_bundle):
    """As `start_bundle`, to its end."""

    def run(*arguments: str, **options) -> subprocess.CompletedProcess[str]:
        with start_bundle(*arguments, **options) as started:
            output, errors = started.communicate(timeout=120)
        return subprocess.CompletedProcess(started.args, started.returncode, output, errors)

    return run
