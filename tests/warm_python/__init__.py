"""A Python whose commands are real processes, without the 5 s for which a new one imports torch and MONAI.

    subprocess.run([warm_python.executable(), "-m", "monai.bundle", ...])

A server has imported the libraries, and nothing of ours. What is called in the interpreter's stead hands it the
command, with folder, environment and standard streams; the server forks, and the fork runs the command as the
interpreter does, to its end. Signals are passed on, and the exit code, or the signal that ended it, comes back.

The fork differs from a new interpreter in this: the libraries are loaded, they compute in one thread, no signal is
ignored, and it is of the server's process group. Tests of these things, and of closed streams, take `sys.executable`.
Processes of torchrun that the fork starts are such forks, too.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

NAME = "WARM_PYTHON"
"""In the environment: the executable, so that all processes below this one share a server."""


def executable() -> str:
    """What stands for `sys.executable`; starts the server where none is, which ends with this process."""
    if NAME in os.environ:
        return os.environ[NAME]
    folder, here = Path(tempfile.mkdtemp()), Path(__file__).parent
    called = folder / "python"
    called.write_text(f"#!{sys.executable} -IS\n{(here / 'asking.py').read_text()}")
    called.chmod(0o700)
    root, path = here.parents[1], os.environ.get("PYTHONPATH", "").split(os.pathsep)
    libraries = [entry for entry in path if entry and not Path(entry).resolve().is_relative_to(root)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(libraries)}  # a command has its own
    environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-P", str(here / "serving.py"), str(folder / "socket")]
    server = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    if server.stdout.readline() != b"ready\n":
        raise RuntimeError("the server of warm_python did not start")

    def end() -> None:
        server.communicate()
        shutil.rmtree(folder)

    atexit.register(end)
    os.environ[NAME] = str(called)
    return str(called)
