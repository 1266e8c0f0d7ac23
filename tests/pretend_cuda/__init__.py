"""CUDA devices that are not there: a CPU build of torch runs, and refuses, what it would on a GPU.

    python -m pretend_cuda [--devices 2] [--memory MIB] -m PACKAGE ARGUMENTS

or, in a process of its own (it cannot be undone) and before any other use of CUDA, `install()`. It needs a C++
compiler; what it builds, half a minute the first time, is kept in torch's folder of extensions.

Tensors of a pretended device are torch's own, on the host's memory, so subclasses, modules, checkpoints, autograd,
autocast, TorchScript and DistributedDataParallel work as they are. It raises where CUDA does: for tensors of several
devices in one operator (CPU scalars and CPU indices as torch allows them), `.numpy()`, a generator of the wrong device,
an operator without a CUDA kernel (by torch's own list), integer matrix products, a device that does not exist, more
memory than there is, and any use in a forked process.

Not pretended: values and speed of GPU kernels (they are the CPU's, with its faults), TF32, cuDNN and its workspaces,
fragmentation of memory, asynchrony, streams, NCCL (gloo carries its name), and limits of single kernels such as dtypes
and sizes.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import torch
from filelock import FileLock

SOURCE = Path(__file__).with_name("device.cpp")
COMPILER = os.environ.get("CXX", "c++")
MEMORY = 80 * 2**10
"""MiB of a device, unless said otherwise."""


def obstacle() -> str | None:
    """Why there can be no pretended device here, or None."""
    if torch.backends.cuda.is_built():
        return "this torch is built for CUDA, which cannot be pretended"
    if not _library().is_file() and shutil.which(COMPILER) is None:
        return f"no C++ compiler, {COMPILER}, to build the pretended device with"
    return None


def install(devices: int = 1, memory: int = MEMORY) -> None:
    """From now on this process has CUDA devices.

    Args:
        devices: how many.
        memory: MiB of each.
    """
    if reason := obstacle():
        raise RuntimeError(reason)
    native = ctypes.CDLL(str(build()))
    for function in (native.pretend_held, native.pretend_peak):
        function.restype = ctypes.c_longlong
    native.pretend_begin(devices, ctypes.c_longlong(memory * 2**20))
    for name, entry in _operators():
        if "device_check: NoCheck" in entry:
            native.pretend_no_check(name.encode())
        kernels = " ".join(re.findall(r"^    ([\w, ]+):", entry.partition("  dispatch:\n")[2], flags=re.MULTILINE))
        if "CPU" in kernels and "CUDA" not in kernels and "Composite" not in kernels:
            native.pretend_no_kernel(name.encode())
    _tell_torch(native, devices, memory * 2**20)
    _let_storages_move()
    _let_gloo_stand_for_nccl(native)
    torch._C._jit_set_texpr_fuser_enabled(False)  # TorchScript would compile kernels for the device


def build() -> Path:
    """The device's library, built where it is not there yet; processes that come meanwhile wait."""
    from torch.utils.cpp_extension import include_paths, library_paths

    library = _library()
    library.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(library.with_suffix(".lock")):
        if not library.is_file():
            unfinished = library.with_suffix(".unfinished")
            command = [COMPILER, "-shared", "-fPIC", "-std=c++20", "-O1", "-w", str(SOURCE), "-o", str(unfinished)]
            command += [f"-I{path}" for path in include_paths()]
            command += [part for path in library_paths() for part in (f"-L{path}", f"-Wl,-rpath,{path}")]
            subprocess.run([*command, "-ltorch_cpu", "-lc10"], check=True)
            unfinished.replace(library)
    return library


def _library() -> Path:
    folder = os.environ.get("TORCH_EXTENSIONS_DIR") or Path("~/.cache/torch_extensions").expanduser()
    key = hashlib.sha256(SOURCE.read_bytes() + torch.__version__.encode()).hexdigest()[:16]
    return Path(folder) / f"pretend_cuda_{key}.so"


def _operators() -> Iterator[tuple[str, str]]:
    """Name and entry of each of torch's operators in the list from which its dispatcher is generated."""
    import torchgen

    listed = (Path(torchgen.__file__).parent / "packaged/ATen/native/native_functions.yaml").read_text()
    for entry in re.split(r"^- func: ", listed, flags=re.MULTILINE)[1:]:
        yield "aten::" + entry[: entry.index("(")], entry


def _tell_torch(native: ctypes.CDLL, devices: int, total: int) -> None:
    """Puts in place what a CPU build's `torch.cuda` lacks."""
    owner = os.getpid()
    properties = SimpleNamespace(
        name="Pretended", major=8, minor=0, total_memory=total, multi_processor_count=108, gcnArchName=""
    )

    def exchange_device(index: int) -> int:
        if (before := native.pretend_exchange_device(index)) < 0:
            raise RuntimeError("CUDA error: invalid device ordinal")
        return before

    def statistics(index: int) -> dict:
        current, peak = native.pretend_held(index), native.pretend_peak(index)
        sizes = {"all": {"current": current, "peak": peak, "allocated": peak, "freed": peak - current}}
        return {"allocated_bytes": sizes, "reserved_bytes": sizes}

    for name, function in {  # of Python: torch hashes them, and ctypes has no hash
        "_cuda_getDeviceCount": lambda: devices,
        "_cuda_init": lambda: None,
        "_cuda_synchronize": lambda: None,
        "_cuda_getDevice": lambda: native.pretend_device(),
        "_cuda_setDevice": exchange_device,
        "_cuda_memoryStats": statistics,
        "_cuda_resetPeakMemoryStats": lambda index: native.pretend_reset_peak(index),
        "_cuda_emptyCache": lambda: None,
        "_cuda_getCurrentRawStream": lambda index: 0,
    }.items():
        setattr(torch._C, name, function)
    cuda = torch.cuda
    cuda._cudart, cuda._is_compiled, cuda._is_in_bad_fork = object(), lambda: True, lambda: os.getpid() != owner
    cuda._exchange_device = exchange_device
    cuda._maybe_exchange_device = lambda index: exchange_device(index)  # torch tells the two apart by identity
    cuda._get_device_properties = lambda index: properties
    cuda._queued_calls.clear()
    cuda.default_generators = tuple(torch.Generator(f"cuda:{index}") for index in range(devices))
    cuda.init()


def _let_storages_move() -> None:
    """A CPU build makes no storage of another device; `torch.load` and `deepcopy` get theirs from tensors."""
    to, clone = torch.UntypedStorage.to, torch.UntypedStorage.clone

    def storage_to(self: torch.UntypedStorage, *, device: torch.device, non_blocking: bool = False):
        if torch.device(device).type != "cuda" or self.device.type != "cpu":
            return to(self, device=device, non_blocking=non_blocking)
        return torch.empty(0, dtype=torch.uint8).set_(self).to(device).untyped_storage()

    def storage_clone(self: torch.UntypedStorage):
        if self.device.type != "cuda":
            return clone(self)
        return torch.empty(0, dtype=torch.uint8, device=self.device).set_(self).clone().untyped_storage()

    torch.UntypedStorage.to, torch.UntypedStorage.clone = storage_to, storage_clone


def _let_gloo_stand_for_nccl(native: ctypes.CDLL) -> None:
    begin = torch.distributed.init_process_group

    def init_process_group(backend: str | None = None, **options) -> None:
        native.pretend_gloo()
        begin("gloo" if backend == "nccl" else backend, **options)

    torch.distributed.init_process_group = init_process_group
