"""The table of all methods at its smallest: two rows, tiny patients, five steps a stage."""

import json
import subprocess
from pathlib import Path

import pytest
import warm_python

from benchmarks.table1 import METHODS

ROOT = Path(__file__).parents[2]
ROWS = ["unet", "default_exact"]


def table(folder, patients, rows):
    keys = {"start_steps": 5, "steps": 5, "size": 32, "data": patients, "test": patients, "rows": json.dumps(rows)}
    keys |= {"validation_count": 1, "num_workers": 0, "device": "cpu", "force": True}
    command = [warm_python.executable(), "-m", "benchmarks.table1", str(folder)]
    command += [word for key, value in keys.items() for word in (f"--{key}", str(value))]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


@pytest.mark.long
@pytest.mark.slow
def test_rows_one_at_a_time_then_their_table(patients, tmp_path):
    own = table(tmp_path, patients, ROWS[:1])
    done = {path: path.stat().st_mtime_ns for path in (tmp_path / ROWS[0]).rglob("*") if path.is_file()}
    page = table(tmp_path, patients, ROWS)
    assert done and done == {path: path.stat().st_mtime_ns for path in done}  # nothing was done again
    assert (tmp_path / "table1.md").read_text().strip() in page and (tmp_path / "table1.png").stat().st_size > 1000
    for name in ROWS:
        assert (METHODS[name].title in own) == (name == ROWS[0])
        lines = [line for line in page.splitlines() if line.startswith(f"| {METHODS[name].title} |")]
        assert [line.split("|")[2].strip() for line in lines[:2]] == ["LA", "LV"] and len(lines) == 3  # and its cost
        measured = json.loads((tmp_path / name / "test" / "metrics.json").read_text())
        assert f"{measured['summary']['LA']['dice']['mean']:.3f}" in lines[0]


def test_an_unknown_row_is_refused(tmp_path):
    command = [warm_python.executable(), "-m", "benchmarks.table1", str(tmp_path), "--rows", "['best']"]
    refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert refused.returncode == 1 and "there is no method best" in refused.stderr and not list(tmp_path.iterdir())


def test_an_unknown_key_is_refused(tmp_path):
    command = [warm_python.executable(), "-m", "benchmarks.table1", str(tmp_path), "--validation_cuont", "1"]
    refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert refused.returncode == 1 and "is `validation_count` meant?" in refused.stderr and not list(tmp_path.iterdir())
