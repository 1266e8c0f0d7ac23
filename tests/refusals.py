"""How a refusal reads where it ends a process, asked for in this one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from custom.runtime.errors import explain


def refusal_of(step: Callable[[], Any]) -> str:
    """The sentence with which a step is refused: foreseen, so no stack trace is shown, and one line."""
    with pytest.raises(Exception) as refused:  # noqa: B017, MONAI wraps it in what it will
        step()
    outcome, sentence = explain(refused.value)
    assert outcome != "error", sentence
    assert "\n" not in sentence
    return sentence
