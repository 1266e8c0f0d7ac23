"""Function of generated beating hearts against the truth: `python -m benchmarks.function TRUTH FOUND`.

`TRUTH` is the folder `truth` of `python -m custom synthesize --phases 10`, `FOUND` holds the `NAME_function.json` of
the same patients. Prints a row a patient and the mean and SD of the errors: found minus true.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import fire
import numpy as np

from custom.function.volumes import measure_function

SHARES = ("LV_ejection_fraction", "LA_emptying_fraction")
VOLUMES = ("LV_end_diastolic_volume", "LV_end_systolic_volume", "LA_largest_volume", "LA_smallest_volume")


def compare(truth: Path, found: Path) -> dict[str, Any]:
    """Errors of one patient by measure: points of per cent for shares, per cent of the truth for volumes, and how many
    phases apart the end-systoles lie; None where no number is given."""
    beat = json.loads(truth.read_text())["beat"]
    trusted = {name: ["ok"] * len(beat["percent"]) for name in beat["volume_ml"]}
    true = measure_function(beat["percent"], beat["volume_ml"], trusted)
    own = json.loads(found.read_text())["measures"]
    errors: dict[str, Any] = {}
    for name in SHARES + VOLUMES:
        value, right = own[name]["value"], true[name]["value"]
        if value is None or right is None:
            errors[name] = None
        else:
            errors[name] = 100 * (value - right) / (1 if name in SHARES else right)
    systole, truly = (each["LV_end_systolic_volume"]["percent"] for each in (own, true))
    if systole is not None and truly is not None:
        apart = abs(systole - truly)
        errors["end_systole_phases_apart"] = min(apart, 100 - apart) * len(beat["percent"]) / 100
    errors["true"], errors["found"] = ({name: each[name]["value"] for name in SHARES} for each in (true, own))
    return errors


def main(truth: str, found: str) -> None:
    """Print the table as Markdown."""
    rows = {}
    for path in sorted(Path(truth).glob("*.json")):
        function = Path(found) / f"{path.stem}_function.json"
        if function.is_file():
            rows[path.stem] = compare(path, function)
    columns = SHARES + VOLUMES
    print("| patient | " + " | ".join(columns) + " | end-systole, phases apart |")
    print("|---" * (len(columns) + 2) + "|")
    for name, row in rows.items():
        cells = ["refused" if row[column] is None else f"{row[column]:+.1f}" for column in columns]
        apart = row.get("end_systole_phases_apart")
        print(f"| {name} | " + " | ".join([*cells, "" if apart is None else f"{apart:.0f}"]) + " |")
    means = []
    for column in columns:
        values = [row[column] for row in rows.values() if row[column] is not None]
        means.append(f"{np.mean(values):+.1f} ± {np.std(values, ddof=1):.1f}" if len(values) > 1 else "")
    print("| mean ± SD | " + " | ".join([*means, ""]) + " |")
    for name, row in rows.items():
        print(f"{name}: true {row['true']}, found {row['found']}")


if __name__ == "__main__":
    fire.Fire(main)
