"""Workflows on CUDA, in this process and by the command. These tests are collected where there is a device; where there
is none, `tests/test_pretended_cuda.py` runs them on a pretended one.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import torch
import warm_python
from stand_in import ROOT
from workflows import CONFIGS, Training

collect_ignore_glob = [] if torch.cuda.is_available() else ["test_*.py"]


@pytest.fixture(scope="session")
def patients(tmp_path_factory) -> Path:
    """Two small patients made on the device, as images/ and labels/, and a third as DICOM."""
    from custom.__main__ import synthesize

    folder = tmp_path_factory.mktemp("patients")
    grid = {"shape": [48, 48, 48], "spacing": [3.6, 3.6, 3.6]}
    synthesize(str(folder), first_seed=5000, count=2, **grid)
    synthesize(str(folder / "dicom"), first_seed=5000, count=1, format="dicom", **grid)
    return folder


@pytest.fixture
def train(tmp_path) -> Training:
    return Training(tmp_path)


@pytest.fixture
def command():
    """Runs a module in a process of its own, on devices of `memory` MiB; with `torchrun`, in two of them."""

    def run(module: str, *arguments: str, memory: int = 0, torchrun: bool = False) -> subprocess.CompletedProcess[str]:
        line = [warm_python.executable()]
        if torchrun:
            line += ["-m", "torch.distributed.run", "--nproc_per_node", "2"]
        if not torch.version.cuda:
            line += ["-m", "pretend_cuda", "--devices", str(torch.cuda.device_count())]
            line += ["--memory", str(memory), "-m"] if memory else ["-m"]
        else:
            line += [str(Path(__file__).with_name("with_memory.py")), str(memory)] if memory else ["-m"]
        path = os.pathsep.join(filter(None, [str(ROOT), str(ROOT / "tests"), os.environ.get("PYTHONPATH")]))
        environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
        options = {"capture_output": True, "text": True, "cwd": ROOT, "timeout": 600}
        return subprocess.run([*line, module, *arguments], env=environment, **options)

    return run


@pytest.fixture
def bundle(command):
    """`command` for MONAI's runner, with a config of the bundle (or several) and keys."""

    def run(run_id: str, configs: str, memory: int = 0, torchrun: bool = False, **keys):
        files = ",".join(f"'{CONFIGS / name}.json'" for name in configs.split())
        arguments = ["run", run_id, "--config_file", f"[{files}]"]
        for key, value in {"bundle_root": CONFIGS.parent, **keys}.items():
            arguments += [f"--{key}", str(value)]
        return command("monai.bundle", *arguments, memory=memory, torchrun=torchrun)

    return run
