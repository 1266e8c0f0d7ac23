"""The table of all systems at its smallest: two rows, tiny patients, a step between validations."""

import json
import subprocess
from pathlib import Path

import pytest
import warm_python

from benchmarks.curves import Validation, curve_of, curves_figure, reached_table
from benchmarks.systems import SYSTEMS, Row, row_of

ROOT = Path(__file__).parents[2]
ROWS = ["unet:1", "default_exact"]


def table(folder, patients, rows):
    keys = {
        "start_steps": 5,
        "steps": 20,
        "patience": 2,
        "size": 32,
        "data": patients,
        "test": patients,
        "rows": json.dumps(rows),
    }
    keys |= {"validation_count": 1, "num_workers": 0, "device": "cpu", "force": True}
    command = [warm_python.executable(), "-m", "benchmarks.table1", str(folder)]
    command += [word for key, value in keys.items() for word in (f"--{key}", str(value))]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


@pytest.mark.long
@pytest.mark.slow
def test_rows_one_at_a_time_then_their_table(patients, tmp_path):
    own = table(tmp_path, patients, ROWS[:1])
    done = {path: path.stat().st_mtime_ns for path in (tmp_path / "unet_seed1").rglob("*") if path.is_file()}
    page = table(tmp_path, patients, ROWS)
    assert done and done == {path: path.stat().st_mtime_ns for path in done}  # nothing was done again
    assert (tmp_path / "table1.md").read_text().strip() in page
    assert all((tmp_path / name).stat().st_size > 1000 for name in ("table1.png", "curves.png"))
    for row in map(row_of, ROWS):
        assert (row.title in own) == (row.seed == 1)
        lines = [line for line in page.splitlines() if line.startswith(f"| {row.title} |")]
        assert [line.split("|")[2].strip() for line in lines[:2]] == ["LA", "LV"] and len(lines) == 4
        measured = json.loads((row.folder(tmp_path) / "test" / "metrics.json").read_text())
        assert f"{measured['summary']['LA']['dice']['mean']:.3f}" in lines[0]
        steps = [found.step for found in curve_of(row, tmp_path)]
        assert steps == list(range(5, 5 + len(steps))) and 4 <= len(steps) <= 21 and f"| {steps[-1]} |" in lines[2]


@pytest.mark.parametrize(
    ("text", "title", "folders"),
    [
        ("unet", "3D U-Net, marching cubes", ["unet", "start_unet"]),
        ("paper_exact:2", "paper's f, exact distance, seed 2", ["paper_exact_seed2", "start_paper_seed2"]),
    ],
)
def test_a_row_names_a_system_and_a_seed(text, title, folders, tmp_path):
    row = row_of(text)
    assert row.title == title and [row.folder(tmp_path).name, row.start(tmp_path).name] == folders


def test_a_curve_goes_on_from_the_first_stage(tmp_path):
    found = {
        "start_unet": [(500, 250.0, 0.2), (1000, 500.0, 0.5)],
        "unet/train": [(200, 90.0, 0.7), (400, 180.0, 0.694)],
    }
    for folder, validations in found.items():
        (tmp_path / folder).mkdir(parents=True)
        rows = [{"step": step, "seconds": seconds, "validation_dice": dice} for step, seconds, dice in validations]
        (tmp_path / folder / "curve.json").write_text(json.dumps(rows))
    row = Row("unet", 0)
    curve = curve_of(row, tmp_path)
    assert curve == [Validation(1000, 500.0, 0.5), Validation(1200, 590.0, 0.7), Validation(1400, 680.0, 0.694)]
    assert f"| {row.title} | 1400 | 680 | 0.700 | 1200 | 590 |" in reached_table({row: curve})
    steps, seconds = curves_figure({row: curve, Row("unet", 1): curve[:2]}).axes
    assert [list(line.get_xdata()) for line in steps.lines] == [[1000, 1200, 1400], [1000, 1200]]
    assert list(seconds.lines[0].get_xdata()) == [500 / 3600, 590 / 3600, 680 / 3600]
    assert steps.lines[0].get_color() == steps.lines[1].get_color()
    assert steps.lines[0].get_linestyle() != steps.lines[1].get_linestyle()


def test_every_system_has_its_configs():
    folder = ROOT / "bundle" / "configs"
    for system in SYSTEMS.values():
        assert system.overlay is None or (folder / "baselines" / f"{system.overlay}.json").is_file()


def test_an_unknown_row_is_refused(tmp_path):
    command = [warm_python.executable(), "-m", "benchmarks.table1", str(tmp_path), "--rows", "['best']"]
    refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert refused.returncode == 1 and "there is no system best" in refused.stderr and not list(tmp_path.iterdir())


def test_an_unknown_key_is_refused(tmp_path):
    command = [warm_python.executable(), "-m", "benchmarks.table1", str(tmp_path), "--validation_cuont", "1"]
    refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert refused.returncode == 1 and "is `validation_count` meant?" in refused.stderr and not list(tmp_path.iterdir())
