"""A function run in a process of its own, under limits of time and memory.

What parses a file may abort, hang, or take all memory where the file is damaged, or made to do so; a batch must outlive
that. The process imports this package anew, without torch. It gets a question as JSON, and answers by messages of JSON,
each after its length, and one array in a file that lies in memory: nothing that it sends can run anything.
"""

from __future__ import annotations

import importlib
import json
import mmap
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from math import prod
from os import PathLike
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from threading import Event, Thread, Timer
from typing import Any, BinaryIO
from uuid import uuid4

import numpy as np

from ..inputs import LARGEST_VOLUME, Findings, InputError
from .standard_streams import open_standard_streams

LONGEST = 60.0
"""Seconds that a small case may take, the start of the process included; a few are usual."""
SLOWEST = 1e7
"""Bytes a second that a large case is read with at least."""
MEMORY = 4 * 2**30
"""Bytes of address space that the process may use for a small case."""
MEMORY_A_BYTE = 12
"""Bytes more for each byte of a large case."""
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_LENGTH = 8  # bytes that tell the length of a message
_LONGEST_MESSAGE = 2**28
_KINDS = {"int16": np.int16, "float32": np.float32}
_KILLED = -9  # what a process ends with where the system ran out of memory


def run_isolated(
    function: Callable[..., tuple[dict[str, Any], np.ndarray]],
    path: PathLike,
    size: int,
    force: bool = False,
    scratch: bool = False,
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
        arguments: as JSON can hold them.

    Raises InputError as the function does, or where it takes too long (`reader_time`), too much memory (`memory`), or
    its process ends: then with the outcome that it had begun with `Findings.begin`.
    """
    open_standard_streams()  # or the file for the array would get the number of one
    seconds = LONGEST + size / SLOWEST
    # Made by the process that uses it: a signal that came while this one makes it would leave it behind.
    folder = os.path.join(tempfile.gettempdir(), f"scratch_{uuid4().hex}") if scratch else None
    question = {
        "function": [function.__module__, function.__qualname__],
        "limits": {"AS": MEMORY + MEMORY_A_BYTE * size, "CPU": int(seconds) + 1, "CORE": 0},
        "path": os.fspath(path),
        "force": force,
        "scratch": folder,
        "arguments": arguments,
    }
    places = [str(Path(__file__).parents[2]), *map(str, sys.path)]
    program = f"import sys; sys.path[:] = {places!r}; from {__name__} import serve; serve()"
    environment = {**os.environ, **dict.fromkeys(_THREADS, "1")}  # more gain nothing, and claim address space
    pipes = {"stdin": PIPE, "stdout": PIPE, "stderr": DEVNULL}
    late = Event()
    with (
        _unnamed_file() as shared,
        Popen([sys.executable, "-P", "-c", program], env=environment, pass_fds=[shared.fileno()], **pipes) as child,
    ):
        timer = Timer(seconds, lambda: (late.set(), child.kill()))
        timer.daemon = True  # the end of this process need not wait for it
        timer.start()
        begun = f"{Path(path).name} cannot be read", "unreadable"
        try:
            with suppress(BrokenPipeError):
                child.stdin.write(json.dumps({**question, "shared": shared.fileno()}).encode() + b"\n")
                child.stdin.flush()  # and left open: its end tells the child that this process has ended
            while (message := _receive(child.stdout)) is not None:
                if "begun" in message:
                    begun = message["begun"]
                elif "refused" in message:
                    raise InputError(*message["refused"])
                elif (values := _array_in(shared, **message["array"])) is not None:
                    return message["facts"], values
            if late.is_set():
                raise InputError(f"{begun[0]}: it takes longer than {seconds:.0f} s", "reader_time")
            if child.wait() == _KILLED:
                raise InputError(f"{begun[0]}: the memory does not suffice", "memory")
            raise InputError(f"{begun[0]}: its bytes are damaged", begun[1])
        finally:
            timer.cancel()
            child.kill()
            with suppress(BrokenPipeError):
                child.stdin.close()
            if folder is not None:
                child.wait()
                shutil.rmtree(folder, ignore_errors=True)


def _receive(stream: BinaryIO) -> dict[str, Any] | None:
    """The next message; None after the last whole one."""
    length = int.from_bytes(stream.read(_LENGTH))
    message = stream.read(length) if 0 < length <= _LONGEST_MESSAGE else b""
    return json.loads(message) if message and len(message) == length else None


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

    def __init__(self, force: bool, answer: BinaryIO) -> None:
        super().__init__(force)
        self._answer = answer

    def begin(self, what: str, outcome: str) -> None:
        _send(self._answer, {"begun": (what, outcome)})


def _send(answer: BinaryIO, message: dict[str, Any]) -> None:
    content = json.dumps(message).encode()
    answer.write(len(content).to_bytes(_LENGTH) + content)
    answer.flush()


def serve() -> None:
    """In that process: take the question, and answer it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # from the keyboard: the process that asked decides
    question = json.loads(sys.stdin.buffer.readline())
    Thread(target=_end_with_asker, args=(question["scratch"],), daemon=True).start()
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what native code prints is no answer
    limits = question["limits"]
    _limit(limits)
    if question["scratch"] is not None:
        os.mkdir(question["scratch"], 0o700)
        tempfile.tempdir = question["scratch"]
    module, name = question["function"]
    findings, path = _Told(question["force"], answer), question["path"]
    try:
        facts, values = getattr(importlib.import_module(module), name)(path, findings, **question["arguments"])
    except InputError as refused:
        _send(answer, {"refused": (str(refused), refused.outcome)})
    except MemoryError:
        most = f"{limits['AS'] / 2**30:.0f} GiB"
        sentence = f"{Path(path).name} takes more than the {most} of memory that are given to an image of its size"
        _send(answer, {"refused": (sentence, "memory")})
    else:
        facts.update(warnings=findings.warnings, forced=findings.forced)
        values = np.ascontiguousarray(values, dtype=np.int16 if values.dtype == np.int16 else np.float32)
        with open(question["shared"], "wb") as file:
            file.write(memoryview(values).cast("B"))
        _send(answer, {"facts": facts, "array": {"shape": values.shape, "kind": values.dtype.name}})
    os._exit(0)  # past the finalisers of native libraries, which may still abort


def _end_with_asker(scratch: str | None) -> None:
    sys.stdin.buffer.read()
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
