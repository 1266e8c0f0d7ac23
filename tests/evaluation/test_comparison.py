import csv
import io
import json

import numpy as np
import pytest

from custom.evaluation.comparison import compare_methods, methods_csv, methods_table
from custom.evaluation.measures import FAILED, MEASURED, UNLABELLED, Measures
from custom.evaluation.records import encode_csv, encode_json, fates, read_metrics, summary_table


def rows_of(dice, assd, structure="LA"):
    return [
        Measures(
            f"case_{k}", structure, MEASURED, dice=float(d), jaccard=float(d / (2 - d)), assd_mm=float(a), hd95_mm=2.0,
            hd_mm=4.0, watertight=True, faces=10, self_intersecting_faces=0, seconds=1.0,
        )
        for k, (d, a) in enumerate(zip(dice, assd, strict=True))
    ]  # fmt: skip


@pytest.fixture
def write(tmp_path):
    def write(name, rows):
        (tmp_path / name).write_bytes(encode_json(rows))
        return tmp_path / name

    return write


def test_what_is_written_is_read(write):
    rows = [*rows_of([0.9, 0.8], [1.0, 2.0]), Measures("bad", "LA", FAILED, "damaged")]
    path = write("metrics.json", rows)
    assert read_metrics(path) == rows
    whole = json.loads(path.read_text())
    assert (whole["cases"], whole["measured"]) == (3, 2) and whole["failed"] == [{"case": "bad", "reason": "damaged"}]
    assert whole["summary"]["LA"]["dice"]["mean"] == pytest.approx(1.7 / 3)
    assert whole["summary"]["LA"]["assd_mm"]["n"] == 2
    table = list(csv.DictReader(io.StringIO(encode_csv(rows).decode())))
    assert [line["dice"] for line in table] == ["0.9", "0.8", ""] and table[2]["reason"] == "damaged"


def test_one_case_leaves_no_nan_in_json(write):
    text = write("metrics.json", rows_of([0.9], [1.0])).read_text()
    assert "NaN" not in text and json.loads(text)["summary"]["LA"]["dice"]["low"] is None


def test_each_case_has_one_fate():
    rows = [
        Measures("a", "LA", MEASURED), Measures("a", "LV", UNLABELLED, "the label map has no LV"),
        Measures("b", "LA", FAILED, "damaged"), Measures("b", "LV", UNLABELLED, "the label map has no LV"),
        Measures("c", "LA", MEASURED), Measures("c", "LV", MEASURED),
    ]  # fmt: skip
    told = fates(rows)
    assert told["cases"] == 3 and told["measured"] == 1
    assert [entry["case"] for entry in told["failed"]] == ["b"]
    assert [entry["case"] for entry in told["unlabelled"]] == ["a"]
    assert "1 of 3 cases measured, 1 failed, 1 without truth." in summary_table(rows)


def test_a_better_system_and_an_equal_one(write):
    rng = np.random.default_rng(0)
    dice, assd = rng.uniform(0.8, 0.9, 24), rng.uniform(1, 2, 24)
    paths = {
        "first": write("a.json", rows_of(dice, assd)),
        "worse": write("b.json", rows_of(dice - 0.02, assd + rng.normal(0, 0.1, 24))),
        "equal": write("c.json", rows_of(dice + rng.normal(0, 0.01, 24), assd)),
    }
    first, worse, equal = compare_methods(paths)
    assert first.p_values == {} and worse.p_values["dice"] < 0.001
    assert min(worse.p_values["assd_mm"], equal.p_values["dice"]) > 0.05 and equal.p_values["assd_mm"] == 1
    assert worse.estimates["dice"].mean == pytest.approx(first.estimates["dice"].mean - 0.02)
    table = methods_table([first, worse, equal])
    assert "p < 0.001" in table and table.count("\n") == 4
    lines = list(csv.DictReader(io.StringIO(methods_csv([first, worse, equal]).decode())))
    assert lines[0]["dice_p"] == "" and float(lines[1]["dice_p"]) < 0.001
    assert float(lines[2]["dice_low"]) < float(lines[2]["dice_mean"]) < float(lines[2]["dice_high"])


def test_a_system_does_not_gain_by_failing(write):
    good, bad = np.full(12, 0.9), np.where(np.arange(12) < 6, 0.3, 0.9)
    low = rows_of(bad, 10 - 9 * bad)
    failing = [row if row.dice > 0.5 else Measures(row.case, row.structure, FAILED, "no surface") for row in low]
    paths = {"good": write("a.json", rows_of(good, 10 - 9 * good)), "failing": write("b.json", failing)}
    row = compare_methods(paths)[1]
    assert (row.cases, row.failed) == (12, 6)
    assert row.estimates["dice"].mean == pytest.approx(0.45) and row.estimates["assd_mm"].n == 6
    assert row.p_values["assd_mm"] < 0.05


def test_other_cases_are_refused(write):
    paths = {"a": write("a.json", rows_of([0.9, 0.8], [1, 2])), "b": write("b.json", rows_of([0.9], [1]))}
    with pytest.raises(ValueError, match="b and a were not evaluated on the same cases"):
        compare_methods(paths)
    paths["b"].write_text("{}")
    with pytest.raises(ValueError, match="is no metrics.json"):
        compare_methods(paths)
