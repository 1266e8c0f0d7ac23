"""A process that has imported what others need, and forks one of them whenever it is asked: in milliseconds.

It has one thread and opens no file of a case, so what it forks starts clean. It ends with the process that it serves.
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from subprocess import DEVNULL, Popen
from typing import NamedTuple, NoReturn

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_NUMBER = 8  # bytes of a message's length, of a process's number, and of how it ended
_MOST = 2**16  # bytes of a message
_FORK, _WAIT = b"f", b"w"


class Forked(NamedTuple):
    """A process that was forked."""

    pid: int
    """Its number, which no other process gets before `ForkServer.ended` was called."""
    line: socket.socket
    """To it; closed when it has ended, as it is told when this process has."""


class ForkServer:
    """The process, as the one that asks sees it; may be asked by several threads.

    Args:
        target: "module:function" of what the processes run, ``function(line, *descriptors)``.
        modules: that are imported before anybody asks.
    """

    def __init__(self, target: str, modules: Iterable[str] = ()) -> None:
        self._asking = threading.Lock()
        self._line, there = socket.socketpair()
        places = [str(Path(__file__).parents[2]), *map(str, sys.path)]
        program = f"import sys; sys.path[:] = {places!r}; from {__name__} import serve; serve(*sys.argv[1:])"
        command = [sys.executable, "-P", "-c", program, target, *modules]
        environment = {**os.environ, **dict.fromkeys(_THREADS, "1")}  # more gain nothing, and claim address space
        with there:
            self._process = Popen(command, env=environment, stdin=there, stdout=DEVNULL, stderr=DEVNULL)

    def fork(self, descriptors: Iterable[int], modules: Iterable[str] = ()) -> Forked:
        """A process that has copies of some file descriptors; `modules` are imported before, and stay so for others.

        Raises OSError where the system gives none, and ConnectionError where the server has ended.
        """
        here, there = socket.socketpair()
        with there:
            number = self._ask(_FORK + " ".join(modules).encode(), [there.fileno(), *descriptors])
        if number < 0:
            here.close()
            raise OSError(-number, os.strerror(-number))
        return Forked(number, here)

    def ended(self, forked: Forked) -> int:
        """Wait until a process has ended; its exit code, or what signal ended it, as a negative number; 0 where the
        server has ended, and nobody knows."""
        forked.line.close()
        try:
            return self._ask(_WAIT + forked.pid.to_bytes(_NUMBER), [])
        except ConnectionError:
            return 0

    def _ask(self, message: bytes, descriptors: list[int]) -> int:
        with self._asking:
            socket.send_fds(self._line, [len(message).to_bytes(_NUMBER) + message], descriptors)
            answer = b""
            while len(answer) < _NUMBER:
                if not (more := self._line.recv(_NUMBER - len(answer))):
                    raise ConnectionResetError("the process that forks others has ended")
                answer += more
        return int.from_bytes(answer, signed=True)


def serve(target: str, *modules: str) -> NoReturn:
    """In that process: fork until the one that asks has ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # from the keyboard: the process that asks decides
    line = socket.socket(fileno=os.dup(0))
    module, name = target.split(":")
    run: Callable[..., object] = getattr(importlib.import_module(module), name)
    for module in modules:
        importlib.import_module(module)
    while True:
        start, descriptors, _, _ = socket.recv_fds(line, _NUMBER, 16)
        if not start:
            os._exit(0)
        message = line.recv(int.from_bytes(start), socket.MSG_WAITALL)
        kind, told = message[:1], message[1:]
        if kind == _WAIT:
            answer = os.waitstatus_to_exitcode(os.waitpid(int.from_bytes(told), 0)[1])
        else:
            answer = _fork(run, line, descriptors, told.decode().split())
        line.sendall(answer.to_bytes(_NUMBER, signed=True))


def _fork(run: Callable[..., object], line: socket.socket, descriptors: list[int], modules: list[str]) -> int:
    """The number of a new process, or minus that of an error."""
    for module in modules:
        importlib.import_module(module)
    gc.freeze()  # or the child's collector would write to all pages that it shares with this process
    try:
        pid = os.fork()
    except OSError as error:
        pid = -(error.errno or 1)
    if pid == 0:
        with suppress(BaseException):
            line.close()
            os.dup2(1, 0)  # else it would hold the server's own line
            run(socket.socket(fileno=descriptors[0]), *descriptors[1:])
        os._exit(1)
    for descriptor in descriptors:
        os.close(descriptor)
    return pid
