"""What `run_isolated` may have to run: for its tests, whose module need not be imported in the other process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from custom.inputs import InputError


def count(path, findings, start=0):
    os.write(1, b"native code prints this")
    os.write(2, b"and that")
    findings.warn("noted", "something")
    return {"modules": sorted(sys.modules)}, np.arange(start, start + 24, dtype=np.float32).reshape(2, 3, 4)


def refuse(path, findings):
    raise InputError("for a reason", "unusable")


def hang(path, findings):
    findings.begin("0007 cannot be decoded", "undecodable")
    Path(tempfile.gettempdir(), "patient").write_text("unpacked")
    Path(path).write_text(str(os.getpid()))
    time.sleep(1000)


def abort(path, findings):
    findings.begin("0007 cannot be decoded", "undecodable")
    os.abort()


def killed(path, findings):
    os.kill(os.getpid(), signal.SIGKILL)


def claim(path, findings):
    return {}, np.ones((2**11, 2**11, 2**11), dtype=np.float32)


def claim_some(path, findings):
    return {}, np.empty((2**9, 2**9, 2**9), dtype=np.float32)[:1, :1, :1]


def ask(path):
    """A process that asks for `hang`, with a folder `temporary` beside `path` for its temporary files."""
    program = "import sys, strange_readers as s; from pathlib import Path; "
    program += "from custom.runtime.isolation import run_isolated; "
    program += "run_isolated(s.hang, Path(sys.argv[1]), 0, scratch=True)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(path.parent / "temporary")}
    return subprocess.Popen([sys.executable, "-c", program, path], env=environment)
