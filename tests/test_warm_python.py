"""What stands for the interpreter in tests does as it does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import warm_python

SAY = """
import os, sys
print(sys.argv, sys.path[0], os.getcwd(), os.environ["NAME"], sys.stdin.read(), "custom" in sys.modules)
print("complaint", file=sys.stderr)
"""
SLEEP = "import os, time; print(os.getpid(), flush=True); time.sleep(99)"


def run(python: str, folder: Path, *words: str) -> tuple[int, str, str]:
    environment = {"NAME": "value", "PYTHONPATH": str(folder / "modules")}
    pipes = {"capture_output": True, "text": True, "input": "typed"}
    done = subprocess.run([python, *words], cwd=folder, env=environment, **pipes)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.slow
def test_a_command_has_the_same_surroundings(tmp_path):
    (tmp_path / "modules").mkdir()
    for file in ("script.py", "modules/module.py"):
        (tmp_path / file).write_text(SAY)
    for words in (["-c", SAY, "a", "b"], ["script.py", "a"], ["-m", "module", "a b"]):
        said = run(warm_python.executable(), tmp_path, *words)
        assert said == run(sys.executable, tmp_path, *words) and said[0] == 0 and said[2] == "complaint\n"


@pytest.mark.slow
@pytest.mark.parametrize("end", ["sys.exit(5)", "sys.exit('why')", "os.kill(os.getpid(), 9)", "os.abort()", "1 / 0"])
def test_a_command_ends_the_same(tmp_path, end):
    ours, theirs = (run(python, tmp_path, "-c", f"import os, sys\n{end}") for python in (
        warm_python.executable(), sys.executable
    ))  # fmt: skip
    assert ours[:2] == theirs[:2] and ours[2].splitlines()[-1:] == theirs[2].splitlines()[-1:]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_signals_reach_the_command(number):
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen([warm_python.executable(), "-c", SLEEP], **pipes) as started:
        process = int(started.stdout.readline())
        started.send_signal(number)
        assert started.wait(60) == -number
        ends = time.monotonic() + 60
        while os.path.exists(f"/proc/{process}"):
            assert time.monotonic() < ends
            time.sleep(0.01)
