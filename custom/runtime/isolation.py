"""A function run in a process of its own, under limits of time and memory.

What parses a file may abort, hang, or take all memory where the file is damaged, or made to do so; a batch must outlive
that. The process is forked from one that has imported this package anew, without torch (`fork_server`), so that it
starts at once. It gets a question as JSON, and answers by messages of JSON, each after its length, and one array in a
file that lies in memory: nothing that it sends can run anything.
"""

from __future__ import annotations

import importlib
import json
import mmap
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from math import inf, prod
from os import PathLike
from pathlib import Path
from socket import socket
from typing import Any, BinaryIO
from uuid import uuid4

import numpy as np

from ..inputs import LARGEST_VOLUME, Findings, InputError
from .fork_server import Forked, ForkServer
from .shared_arrays import put_into, wait_in
from .standard_streams import open_standard_streams

LONGEST = 60.0
"""Seconds that a small case may take, the start of the process included; a few are usual."""
SLOWEST = 1e7
"""Bytes a second that a large case is read with at least."""
MEMORY = 4 * 2**30
"""Bytes of address space that the process may use for a small case."""
MEMORY_A_BYTE = 12
"""Bytes more for each byte of a large case."""
_LENGTH = 8  # bytes that tell the length of a message
_LONGEST_MESSAGE = 2**28
_KINDS = {"int16": np.int16, "float32": np.float32}
_KILLED = -9  # what a process ends with where the system ran out of memory


_servers: dict[int, ForkServer] = {}
"""Of this process, by its number: one that is forked from it has its own."""
_starting = threading.Lock()


def prepare(*modules: str) -> None:
    """Start what `run_isolated` forks processes from, and let it import modules of this package meanwhile."""
    with _starting:
        if os.getpid() not in _servers:
            _servers.clear()
            open_standard_streams()  # or what is opened next would get the number of one
            _servers[os.getpid()] = ForkServer(f"{__name__}:answer", modules)


def run_isolated(
    function: Callable[..., tuple[dict[str, Any], np.ndarray]],
    path: PathLike,
    size: int,
    force: bool = False,
    scratch: bool = False,
    needs: Iterable[str] = (),
    **arguments: Any,
) -> tuple[dict[str, Any], np.ndarray]:
    """What `function(path, findings, **arguments)` returns: a dictionary for JSON, and an array (A, B, C).

    Args:
        function: of a module of this package that imports neither torch nor monai. Its array comes as int16, or else as
            float32.
        path: what it reads.
        size: bytes on disk that it reads at most: each 10 MB add a second, and each byte twelve of memory.
        force: of the `Findings` that it gets, whose `warnings` and `forced` the dictionary is given.
        scratch: whether it needs a folder for temporary files, which is gone however this ends.
        needs: modules that it imports only where they are needed, as here: the next process has them from the start.
        arguments: as JSON can hold them.

    Raises InputError as the function does, or where it takes too long (`reader_time`), too much memory (`memory`), or
    its process ends: then with the outcome that it had begun with `Findings.begin`.
    """
    seconds = LONGEST + size / SLOWEST
    # Made by the process that uses it: a signal that came while this one makes it would leave it behind.
    folder = os.path.join(tempfile.gettempdir(), f"scratch_{uuid4().hex}") if scratch else None
    question = {
        "function": [function.__module__, function.__qualname__],
        "limits": {"AS": MEMORY + MEMORY_A_BYTE * size, "CPU": int(seconds) + 1, "CORE": 0},
        "path": os.path.abspath(path),
        "force": force,
        "scratch": folder,
        "arguments": arguments,
    }
    begun, late = (f"{Path(path).name} cannot be read", "unreadable"), False
    with _unnamed_file() as shared:
        server, child = _forked(shared.fileno(), (function.__module__, *needs))
        end = time.monotonic() + seconds
        try:
            with suppress(ConnectionError):
                _send(child.line, question)
            while (message := _receive(child.line, end)) is not None:
                if "begun" in message:
                    begun = message["begun"]
                elif "refused" in message:
                    raise InputError(*message["refused"])
                elif (values := _array_in(shared, **message["array"])) is not None:
                    return message["facts"], values
        except TimeoutError:
            late = True
        finally:
            with suppress(OSError):  # neither is there any more
                os.kill(child.pid, signal.SIGKILL)  # of one that has ended this changes nothing
            code = server.ended(child)
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)
    if late:
        raise InputError(f"{begun[0]}: it takes longer than {seconds:.0f} s", "reader_time")
    if code == _KILLED:
        raise InputError(f"{begun[0]}: the memory does not suffice", "memory")
    raise InputError(f"{begun[0]}: its bytes are damaged", begun[1])


def _forked(shared: int, modules: Iterable[str]) -> tuple[ForkServer, Forked]:
    """A process that was given a file, and the server that it is of: a new one where somebody has ended the first."""
    prepare()
    server = _servers[os.getpid()]
    try:
        return server, server.fork([shared], modules)
    except ConnectionError:
        with _starting:
            if _servers.get(os.getpid()) is server:
                del _servers[os.getpid()]
    prepare()
    server = _servers[os.getpid()]
    return server, server.fork([shared], modules)


def _receive(line: socket, end: float) -> dict[str, Any] | None:
    """The next message; None after the last whole one. Raises TimeoutError when the clock has reached `end`."""
    length = int.from_bytes(_received(line, _LENGTH, end))
    message = _received(line, length, end) if 0 < length <= _LONGEST_MESSAGE else b""
    return json.loads(message) if message else None


def _received(line: socket, size: int, end: float) -> bytes:
    """So many bytes, or none where the other side has ended before."""
    parts = bytearray()
    while len(parts) < size:
        line.settimeout(None if end == inf else max(end - time.monotonic(), 1e-3))
        try:
            more = line.recv(min(size - len(parts), 2**20))
        except ConnectionError:
            more = b""
        if not more:
            return b""
        parts += more
    return bytes(parts)


def _unnamed_file() -> BinaryIO:
    """A file that is gone once nobody has it open; in memory where the system has such files."""
    try:
        return os.fdopen(os.memfd_create("values", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING), "w+b")
    except (AttributeError, OSError):  # elsewhere than on Linux, or where it is not allowed
        return tempfile.TemporaryFile()


def _array_in(shared: BinaryIO, shape: list[int], kind: str) -> np.ndarray | None:
    """What the process has written into the file, without a copy; None where that is no such array."""
    if len(shape) != 3 or not 0 < prod(shape) <= LARGEST_VOLUME or kind not in _KINDS:
        return None
    with suppress(ImportError, AttributeError, OSError):  # elsewhere than on Linux
        import fcntl

        fcntl.fcntl(shared, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)  # what is cut off later would end this process
    dtype = np.dtype(_KINDS[kind])
    size = prod(shape) * dtype.itemsize
    if os.fstat(shared.fileno()).st_size != size:
        return None
    return np.frombuffer(mmap.mmap(shared.fileno(), size), dtype).reshape(shape)


class _Told(Findings):
    """Findings whose beginnings are told to the process that asked."""

    def __init__(self, force: bool, line: socket) -> None:
        super().__init__(force)
        self._line = line

    def begin(self, what: str, outcome: str) -> None:
        _send(self._line, {"begun": (what, outcome)})


def _send(line: socket, message: dict[str, Any]) -> None:
    content = json.dumps(message).encode()
    line.sendall(len(content).to_bytes(_LENGTH) + content)


def answer(line: socket, shared: int) -> None:
    """In that process: take the question, and answer it."""
    question = _receive(line, inf)
    if question is None:
        return
    threading.Thread(target=_end_with_asker, args=(line, question["scratch"]), daemon=True).start()
    limits = question["limits"]
    _limit(limits)
    if question["scratch"] is not None:
        os.mkdir(question["scratch"], 0o700)
        tempfile.tempdir = question["scratch"]
    wait_in(shared)
    module, name = question["function"]
    findings, path = _Told(question["force"], line), question["path"]
    try:
        facts, values = getattr(importlib.import_module(module), name)(path, findings, **question["arguments"])
    except InputError as refused:
        _send(line, {"refused": (str(refused), refused.outcome)})
    except MemoryError:
        most = f"{limits['AS'] / 2**30:.0f} GiB"
        sentence = f"{Path(path).name} takes more than the {most} of memory that are given to an image of its size"
        _send(line, {"refused": (sentence, "memory")})
    else:
        facts.update(warnings=findings.warnings, forced=findings.forced)
        values = np.ascontiguousarray(values, dtype=np.int16 if values.dtype == np.int16 else np.float32)
        put_into(shared, values)
        _send(line, {"facts": facts, "array": {"shape": values.shape, "kind": values.dtype.name}})
    os._exit(0)  # past the finalisers of native libraries, which may still abort


def _end_with_asker(line: socket, scratch: str | None) -> None:
    """It says nothing more: what comes is its end."""
    with suppress(OSError):
        line.recv(1)
    if scratch is not None:
        shutil.rmtree(scratch, ignore_errors=True)
    os._exit(1)


def _limit(limits: dict[str, int]) -> None:
    """Set limits by their names in `resource`, and be what the system ends first where memory runs out."""
    with suppress(ImportError):  # Windows
        import resource

        for name, limit in limits.items():
            kind = getattr(resource, f"RLIMIT_{name}")
            _, hard = resource.getrlimit(kind)
            if hard == resource.RLIM_INFINITY or limit < hard:
                resource.setrlimit(kind, (limit, hard))
    with suppress(OSError):  # elsewhere than on Linux
        Path("/proc/self/oom_score_adj").write_text("1000")
