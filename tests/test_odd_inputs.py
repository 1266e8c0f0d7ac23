"""The table of odd inputs holds, and the bundle's docs show it as it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from defects import Defect, defects
from fuzz import run
from odd_beats import beats
from odd_inputs import TOLERANCE, beat_row, defect_row, placement_rows, table

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "bundle" / "docs" / "odd_inputs.md"


@pytest.mark.parametrize("defect", defects(), ids=lambda defect: defect.what)
@pytest.mark.filterwarnings("ignore")  # pydicom's, on the odd values that are written here
def test_each_defect_has_the_outcome_that_the_docs_tell(defect: Defect):
    assert table([defect_row(defect)]) in KEPT.read_text()


@pytest.mark.parametrize("defect", beats(), ids=lambda defect: defect.what)
def test_each_beat_has_the_outcome_that_the_docs_tell(defect: Defect):
    assert table([beat_row(defect)]) in KEPT.read_text()


def test_some_of_every_placement_are_in_place():
    for what, _, worst in placement_rows(every=24):
        assert float(worst.removesuffix(" mm")) <= TOLERANCE, what


@pytest.mark.long
@pytest.mark.slow
def test_the_command_prints_what_the_docs_keep():
    command = [sys.executable, ROOT / "tests" / "odd_inputs.py"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == KEPT.read_text()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # pydicom's, on the damaged values that are written here
def test_damaged_files_are_read_or_refused_by_name():
    outcomes, findings = run(range(300), seed=1)
    assert outcomes.total() == 300 and findings == 0
