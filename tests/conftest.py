"""What tests of several folders share; this folder is on the path of them all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from custom import interruption


@pytest.fixture(autouse=True)
def _own_signals() -> Iterator[None]:
    """A workflow that a test does not finish leaves its handlers of signals to no other test."""
    yield
    interruption.forget()
