"""The shipped weights, where there is no heart: refused, and not trusted when `force` goes on all the same."""

from __future__ import annotations

from itertools import islice

import pytest

from benchmarks.no_heart import images, told
from custom import load_model

WITHOUT_BODY = 5
"""Images that come before the patient's."""


@pytest.mark.long
@pytest.mark.slow
def test_what_shows_no_heart_is_refused_and_never_trusted():
    asked, forced = load_model(device="cpu"), load_model(device="cpu", force=True)
    for name, *image in islice(images(seed=0), WITHOUT_BODY):
        assert told(asked, *image).startswith("refused"), name
        assert told(forced, *image).count("do not use") == 2, name
