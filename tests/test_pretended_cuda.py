"""The tests that need CUDA, on a pretended device where there is no other: a process for each of their files."""

import os
import subprocess
from pathlib import Path

import pretend_cuda
import pytest
import torch
import warm_python

TESTS = Path(__file__).parent
GEOMETRY = ("geometry/test_distance_field.py", "geometry/test_surface_distance.py")


def check(*arguments: str) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a device, on which these tests run themselves")
    if reason := pretend_cuda.obstacle():
        pytest.skip(reason)
    command = [warm_python.executable(), "-m", "pretend_cuda", "--devices", "2", "-m", "pytest", "-q"]
    command += ["-p", "no:cacheprovider", *arguments]
    path = os.pathsep.join([str(TESTS.parent), str(TESTS)])
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    ran = subprocess.run(command, cwd=TESTS, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0 and " skipped" not in ran.stdout.splitlines()[-1], ran.stdout + ran.stderr


FILES = sorted(path.name for path in (TESTS / "cuda").glob("test_*.py"))
LONG = {name: pytest.mark.long for name in ("test_exports.py", "test_training.py")}


@pytest.mark.slow
@pytest.mark.parametrize("file", [pytest.param(name, marks=LONG.get(name, ())) for name in FILES])
def test_workflows(file):
    check(f"cuda/{file}")


@pytest.mark.slow
def test_geometry():
    check(*GEOMETRY, "-k", "cuda")
