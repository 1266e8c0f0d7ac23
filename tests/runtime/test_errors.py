"""What a person is told of an error, however deep its cause lies and whoever repeats it."""

import subprocess
import sys

import pytest
import torch
from stand_in import ROOT
from torch.utils.data import DataLoader

from custom.inputs import InputError
from custom.runtime.errors import explain


class Refusing(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.shape[0] == 1:
            raise ValueError("one row")
        return x.view(7, 5)


def refuse(items):
    raise InputError("this one is damaged\nsecond line")


def raised(function) -> Exception:
    with pytest.raises(Exception) as error:  # noqa: B017
        function()
    return error.value


def wrapped(cause: Exception) -> RuntimeError:
    """As MONAI does it, for a part of a config within another."""
    outer = RuntimeError("Failed to instantiate component 'a.b' with keywords: c")
    outer.__cause__ = RuntimeError("Failed to evaluate ConfigExpression")
    outer.__cause__.__cause__ = cause
    return outer


def test_torchscript_keeps_its_cause(tmp_path):
    script = torch.jit.script(Refusing())
    torch.jit.save(script, tmp_path / "model.ts")
    for module in (script, torch.jit.load(tmp_path / "model.ts")):
        shape = raised(lambda module=module: module(torch.ones(2, 2)))
        assert explain(shape) == ("error", "RuntimeError: shape '[7, 5]' is invalid for input of size 4")
        own = raised(lambda module=module: module(torch.ones(1, 2)))
        assert explain(wrapped(own)) == ("error", "ValueError: one row")


def test_a_worker_keeps_its_cause():
    number = raised(lambda: list(DataLoader(["x"], num_workers=1, collate_fn=lambda items: int(items[0]))))
    assert explain(number) == ("error", "ValueError: invalid literal for int() with base 10: 'x'")
    refused = raised(lambda: list(DataLoader(["x"], num_workers=1, collate_fn=refuse)))
    assert explain(refused)[1] == r"this one is damaged\nsecond line"  # in one line


def test_memory_is_an_outcome_of_its_own():
    full = "CUDA out of memory. Tried to allocate 2.00 MiB.\nGPU 0 has a total capacity of 1 MiB"
    inside = f"It failed in TorchScript.\nTraceback of TorchScript (most recent call last):\nRuntimeError: {full}"
    for error in (torch.OutOfMemoryError(full), RuntimeError(inside), RuntimeError("CUDA error: out of memory")):
        outcome, sentence = explain(wrapped(error))
        assert outcome == "gpu_memory" and "`device` to cpu" in sentence and "`batch_size`" in sentence
    for error in (MemoryError(), raised(lambda: torch.empty(2**50))):
        assert explain(wrapped(error))[0] == "memory"


@pytest.mark.parametrize("error", [InputError(""), ValueError(""), KeyError(), RuntimeError("\n\n")])
def test_no_reason_is_empty(error):
    assert explain(error)[1].strip()


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        ("InputError('wrong key')", 2, "wrong key"),
        ("MemoryError()", 1, "the memory does not suffice"),
        ("KeyError('a mistake of ours')", 1, "Traceback"),
    ],
)
def test_a_process_ends_in_one_sentence_where_the_error_was_foreseen(error, code, said):
    program = f"""
from custom.runtime.errors import tell_refusals
from custom.inputs import InputError
tell_refusals()
try:
    raise {error}
except Exception as cause:
    raise RuntimeError("Failed to instantiate") from cause
"""
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == code and said in ran.stderr
    assert ("Traceback" in ran.stderr) == (said == "Traceback")
