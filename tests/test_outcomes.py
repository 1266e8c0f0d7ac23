"""The table of outcomes is what the bundle's docs show, and each of its lines has a test."""

from __future__ import annotations

from pathlib import Path

import pytest
from outcomes import OUTCOMES, Outcome, main

ROOT = Path(__file__).parents[1]


def test_the_docs_show_the_table(capsys):
    main()
    assert capsys.readouterr().out == (ROOT / "bundle" / "docs" / "outcomes.md").read_text()


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: outcome.what)
def test_each_line_has_its_test(outcome: Outcome):
    file, _, function = outcome.test.partition("::")
    assert f"def {function}(" in (ROOT / "tests" / file).read_text()
