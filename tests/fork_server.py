"""Processes for `custom.apart` that need not import anything: forks of one that has imported its programs.

A fork gets the question and gives its arrays through the pipes that a fresh process would have.
"""

from __future__ import annotations

import importlib
import os
import runpy
import signal
import socket
import subprocess
import sys

IMPORTED = ("numpy", "SimpleITK", "pydicom.pixels", "gdcm", "openjpeg")


class ForkServer:
    """The process that forks, one at a time; it ends with the process that made it. `program` is `custom.apart`'s."""

    def __init__(self, program: str) -> None:
        self._socket, other = socket.socketpair()
        with other:
            command = [sys.executable, "-P", __file__, program, str(other.fileno())]
            subprocess.Popen(command, pass_fds=[other.fileno()])

    def popen(self, command: list[str], **options: object) -> Fork:
        """What stands for `subprocess.Popen`."""
        return Fork(self._socket)


class Fork:
    """A forked process, with what `custom.apart` uses of a `subprocess.Popen`."""

    def __init__(self, server: socket.socket) -> None:
        self._server, self._status = server, None
        (asked, question), (answer, answered) = os.pipe(), os.pipe()
        socket.send_fds(server, [b"?"], [asked, answered])
        os.close(asked)
        os.close(answered)
        self.stdin, self.stdout = open(question, "wb"), open(answer, "rb")
        self._pid = int.from_bytes(server.recv(4))

    def __enter__(self) -> Fork:
        return self

    def __exit__(self, *error: object) -> None:
        self.stdout.close()
        self.wait()

    def wait(self) -> int:
        if self._status is None:
            self._status = int.from_bytes(self._server.recv(4))
        return self._status

    def kill(self) -> None:
        if self._status is None:
            os.kill(self._pid, signal.SIGKILL)


def _main(program: str, number: str) -> None:
    for name in IMPORTED:
        importlib.import_module(name)
    serve = runpy.run_path(program)["serve"]
    with socket.socket(fileno=int(number)) as client:
        while ends := socket.recv_fds(client, 1, 2)[1]:
            pid = os.fork()
            if pid == 0:
                _answer(serve, *ends)
            client.send(pid.to_bytes(4))
            for end in ends:
                os.close(end)
            client.send(os.waitpid(pid, 0)[1].to_bytes(4))


def _answer(serve, asked: int, answered: int) -> None:
    status = 1
    try:
        os.dup2(asked, 0)
        os.dup2(answered, 1)
        sys.stdin = open(0)
        serve()
        status = 0
    finally:
        os._exit(status)


if __name__ == "__main__":
    _main(*sys.argv[1:])
