"""The server: `python -P serving.py SOCKET` says `ready` and forks for each command, until its standard input ends."""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import types
from typing import Any

LIBRARIES = (
    "fire filelock highdicom igl ignite.handlers isal.igzip logging.config matplotlib.backends.backend_agg "
    "matplotlib.pyplot monai.apps monai.bundle monai.engines monai.handlers monai.inferers monai.losses "
    "monai.networks.nets monai.transforms nibabel numpy pydicom.pixels scipy.interpolate scipy.ndimage scipy.optimize "
    "scipy.sparse.csgraph scipy.spatial scipy.stats skimage.measure torch.distributed torch.export torch.utils.data "
    "torch.utils.tensorboard trimesh"
).split()


def serve(address: str) -> dict[str, Any]:
    """Forks for each request, and returns it in the fork."""
    for name in LIBRARIES:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # or every fork would copy what the libraries hold
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        print("ready", flush=True)
        while sys.stdin not in (ready := select.select([sys.stdin, listener], [], [])[0]):
            if listener in ready:
                connection, _ = listener.accept()
                with connection:
                    if os.fork() == 0:
                        return accompany(connection)
    sys.exit()


def accompany(connection: socket.socket) -> dict[str, Any]:
    """Returns the request in another fork, whose id and exit code this one tells; it does not outlive who asked."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    streams = socket.recv_fds(connection, 1, 3)[1]
    request = json.loads(connection.makefile().readline())
    child = os.fork()
    if child == 0:
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        return request
    connection.sendall(f"{child}\n".encode())
    ended = os.pidfd_open(child)
    if ended not in select.select([ended, connection], [], [])[0]:
        os.kill(child, signal.SIGKILL)
        os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    connection.sendall(f"{code}\n".encode())
    os._exit(0)


def run(words: list[str], folder: str, environment: dict[str, str]) -> None:
    """What `python *words` does."""
    import numpy as np

    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    os.environ["PYTHON_EXEC"] = os.path.join(os.path.dirname(sys.argv[1]), "python")  # what torchrun starts
    np.random.seed()  # that of a new interpreter is another each time
    while words[0] == "-u":  # torchrun's
        del words[0]
    sys.path[:0] = [os.path.abspath(path) for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path]
    option, name, arguments = words[0], words[min(1, len(words) - 1)], words[2:]
    if option == "-m":
        sys.path.insert(0, folder)
        sys.argv = [name, *arguments]
        runpy.run_module(name, run_name="__main__", alter_sys=True)
    elif option == "-c":
        sys.path.insert(0, "")
        sys.argv = ["-c", *arguments]
        sys.modules["__main__"] = types.ModuleType("__main__")
        exec(compile(name, "<string>", "exec"), vars(sys.modules["__main__"]))
    else:
        sys.path.insert(0, os.path.dirname(os.path.abspath(option)))
        sys.argv = words
        runpy.run_path(option, run_name="__main__")


if __name__ == "__main__":
    server = sys.modules["__main__"]  # stays, whatever takes its place
    run(**serve(sys.argv[1]))
