"""What stands in an output's place: inputs, other people's files, an earlier run's, and what only looks like it."""

from __future__ import annotations

import csv
import json
import os
import shutil
from pathlib import Path

import pytest
from dicom_files import write_series
from refusals import refusal_of

from custom.inference import InputError, Outputs, find_cases
from custom.inference.writing.collisions import check_collisions
from custom.inference.writing.files import make_folder, write_together
from custom.inference.writing.permissions import permissions_of

OUTPUTS = Outputs(["LA", "LV"], ["stl"])


def _refused(made) -> int:
    with pytest.raises(SystemExit) as ended:
        made.run()
        made.finalize()
    return ended.value.code


def _link(target: Path, link: Path) -> Path:
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(target)
    return link


def _relative(folder: Path) -> list:
    return [folder / "x.nii.gz", Path(os.path.relpath(folder / "x_labels.nii.gz"))]


INPUTS_AMONG_THEIR_OUTPUTS = {
    "a list": lambda folder: [folder / "x.nii.gz", folder / "x_labels.nii.gz"],
    "a relative path": _relative,
    "another spelling": lambda folder: [folder / ".." / "in" / "x.nii.gz", folder / "x_labels.nii.gz"],
    "through a linked folder": lambda folder: [
        folder / "x.nii.gz",
        _link(folder, folder.parent / "link") / "x_labels.nii.gz",
    ],
    "through a link": lambda folder: [
        folder / "x.nii.gz",
        _link(folder / "x_labels.nii.gz", folder.parent / "elsewhere" / "y.nii.gz"),
    ],
}


@pytest.mark.parametrize("inputs", INPUTS_AMONG_THEIR_OUTPUTS.values(), ids=INPUTS_AMONG_THEIR_OUTPUTS)
def test_an_output_that_is_an_input_ends_the_call_before_anything_is_done(
    tmp_path, workflow, caplog, volume, write_nifti, inputs
):
    """A CT that is called like the label map of another one."""
    for name in ("x.nii.gz", "x_labels.nii.gz"):
        write_nifti(tmp_path / "in" / name, volume)
    before = {path: path.read_bytes() for path in (tmp_path / "in").iterdir()}
    made = workflow(input=[str(path) for path in inputs(tmp_path / "in")])
    assert "x_labels.nii.gz, an output of x, is an input" in refusal_of(made.run)
    assert {path: path.read_bytes() for path in (tmp_path / "in").iterdir()} == before


def test_a_hard_link_to_an_input_is_that_input(tmp_path, volume, write_nifti):
    write_nifti(tmp_path / "x.nii.gz", volume)
    os.link(write_nifti(tmp_path / "other" / "y.nii.gz", volume), tmp_path / "x_labels.nii.gz")
    cases = find_cases([tmp_path / "x.nii.gz", tmp_path / "other" / "y.nii.gz"])
    with pytest.raises(InputError, match="is an input of this call"):
        check_collisions(cases, OUTPUTS)
    check_collisions(cases[:1], OUTPUTS)


def test_what_else_a_call_reads_is_an_input_too(tmp_path, volume, write_nifti):
    truth = write_nifti(tmp_path / "x_labels.nii.gz", volume)
    cases = find_cases(write_nifti(tmp_path / "x.nii.gz", volume))
    check_collisions(cases, OUTPUTS)
    with pytest.raises(InputError, match="is an input of this call"):
        check_collisions(cases, OUTPUTS, inputs=[truth])


@pytest.mark.parametrize("output_dir", ["series", "series/deeper/out", "link", "series/../series"])
@pytest.mark.parametrize("input", ["series", "series/0000", "link"])
def test_outputs_do_not_come_among_the_slices(tmp_path, volume, input, output_dir):
    write_series(tmp_path / "series", volume)
    (tmp_path / "link").symlink_to(tmp_path / "series")
    cases = find_cases(tmp_path / input, tmp_path / output_dir)
    with pytest.raises(InputError, match="among the images"):
        check_collisions(cases, OUTPUTS, tmp_path / output_dir)
    for fine in (tmp_path, tmp_path / "out"):
        check_collisions(find_cases(tmp_path / input, fine), OUTPUTS, fine)


THEIRS = {
    "a file": lambda path: path.write_bytes(b"theirs"),
    "a link": lambda path: path.symlink_to(path.parent / "theirs"),
    "a folder": lambda path: path.mkdir(),
}


@pytest.mark.parametrize("name", OUTPUTS.names("a"))
@pytest.mark.parametrize("kind", THEIRS)
def test_what_no_run_has_written_is_in_the_way(tmp_path, name, kind):
    (tmp_path / "theirs").write_bytes(b"theirs")
    THEIRS[kind](tmp_path / name)
    case = {"image": str(tmp_path / "a.nii.gz"), "name": "a", "folder": str(tmp_path)}
    written = {output: b"ours" for output in OUTPUTS.names("a")[:-1]}
    for act in (lambda: OUTPUTS.check_place(case), lambda: OUTPUTS.write(case, {"case": "a"}, written)):
        with pytest.raises(InputError, match=f"{name} stands there already") as refused:
            act()
        assert refused.value.outcome == "in_the_way"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "theirs"])
    assert (tmp_path / name).is_dir() if kind == "a folder" else (tmp_path / name).read_bytes() == b"theirs"
    assert (tmp_path / name).is_symlink() == (kind == "a link")


def test_a_case_with_something_in_its_way_is_refused_by_name_before_the_work(
    tmp_path, workflow, caplog, volume, write_nifti
):
    for case in "ab":
        write_nifti(tmp_path / f"{case}.nii.gz", volume)
    (tmp_path / "a_LV.stl").write_bytes(b"theirs")
    made = workflow(input=str(tmp_path), formats="stl", volume_size=64)
    read = []
    dataset = made.parser.get_parsed_content("dataset")
    transform = dataset.transform
    dataset.transform = lambda record: read.append(Path(record["image"]).name) or transform(record)
    assert _refused(made) == 1
    assert read == ["b.nii.gz"] and "a: a_LV.stl stands there already" in caplog.text
    assert (tmp_path / "a_LV.stl").read_bytes() == b"theirs" and not (tmp_path / "a_LA.stl").exists()
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert [(case["status"], case["outcome"]) for case in summary["cases"]] == [("failed", "in_the_way"), ("done", "")]
    assert json.loads((tmp_path / "a_report.json").read_text())["outcome"] == "in_the_way"


def test_with_overwrite_what_stands_there_is_replaced(tmp_path, workflow, volume, write_nifti):
    path = write_nifti(tmp_path / "a.nii.gz", volume)
    (tmp_path / "a_LA.stl").write_bytes(b"theirs")
    (tmp_path / "a_report.json").write_bytes(b"theirs")
    made = workflow(input=str(path), formats="stl", volume_size=64, **{"outputs#overwrite": True})
    made.run()
    made.finalize()
    assert (tmp_path / "a_LA.stl").stat().st_size > 1000
    assert json.loads((tmp_path / "a_report.json").read_text())["status"] == "done"


def test_a_refused_case_leaves_the_report_and_the_files_of_the_run_before(tmp_path, workflow, volume, write_nifti):
    path = write_nifti(tmp_path / "a.nii.gz", volume)
    made = workflow(input=str(path), formats="stl", volume_size=64)
    made.run()
    made.finalize()
    (tmp_path / "a_LA.obj").write_bytes(b"theirs")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    assert _refused(workflow(input=str(path), formats="obj", volume_size=64)) == 1
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


DEEP = "[" * 200_000
ODD_REPORTS = {
    "numbers for names": '{"files": [1]}',
    "deep": DEEP,
    "deep within": '{"case": "a", "status": "done", "files": ' + DEEP,
    "a list": "[]",
    "empty": "",
    "cut off": '{"case": "a", "status": "do',
    "of another case": '{"case": "b", "status": "done", "files": []}',
    "warnings of numbers": '{"case": "a", "status": "done", "files": [], "warnings": [1]}',
    "seconds of text": '{"case": "a", "status": "done", "files": [], "seconds": {"read": "long"}}',
    "no chambers": '{"case": "a", "status": "done", "files": [], "structures": {"LA": 3, "LV": null}}',
    "not a number": '{"case": "a", "status": "done", "files": [], "seconds": {"read": NaN}}',
    "a name elsewhere": '{"case": "a", "status": "done", "files": ["../a_LA.stl", "/etc/passwd", "b_LA.stl"]}',
}


def _plant(path: Path, kind: str) -> None:
    if kind == "a pipe":
        os.mkfifo(path)
    elif kind == "a link to itself":
        path.symlink_to(path)
    elif kind == "a link to a device":
        path.symlink_to("/dev/zero")
    elif kind == "huge":
        with open(path, "wb") as stream:
            stream.write(b'{"case": "a", "files": [')
            stream.truncate(2**33)
    else:
        path.write_text(ODD_REPORTS[kind])


@pytest.mark.parametrize("kind", [*ODD_REPORTS, "a pipe", "a link to itself", "a link to a device", "huge"])
def test_an_odd_report_counts_as_none(tmp_path, kind):
    _plant(tmp_path / "a_report.json", kind)
    case = {"image": str(tmp_path / "a.nii.gz"), "name": "a", "folder": str(tmp_path)}
    assert OUTPUTS.finished(case) is None
    OUTPUTS.check_place(case)
    OUTPUTS.write(case, {"case": "a", "status": "failed", "outcome": "x", "reason": "y"}, {})
    assert json.loads((tmp_path / "a_report.json").read_text())["reason"] == "y"


@pytest.mark.parametrize("skip_existing", [True, False])
def test_odd_reports_stop_no_batch(tmp_path, workflow, volume, write_nifti, skip_existing):
    for name in "abc":
        write_nifti(tmp_path / f"{name}.nii.gz", volume)
    _plant(tmp_path / "a_report.json", "deep")
    _plant(tmp_path / "b_report.json", "numbers for names")
    _plant(tmp_path / "summary.json", "deep")
    made = workflow(input=str(tmp_path), formats="stl", volume_size=64, skip_existing=skip_existing)
    made.run()
    made.finalize()
    assert json.loads((tmp_path / "summary.json").read_text())["done"] == 3


def test_a_case_called_like_the_summary_keeps_its_files(tmp_path, workflow, volume, write_nifti):
    """The report of the case `summary` is not that of the summary, and what it lists stays."""
    for name in ("summary", "b"):
        write_nifti(tmp_path / f"{name}.nii.gz", volume)
    for _ in range(2):
        made = workflow(input=str(tmp_path), formats="stl", volume_size=64)
        made.run()
        made.finalize()
        listed = json.loads((tmp_path / "summary_report.json").read_text())["files"]
        assert "summary_LA.stl" in listed and all((tmp_path / name).is_file() for name in listed)
        assert json.loads((tmp_path / "summary.json").read_text())["done"] == 2


@pytest.mark.parametrize("name", ["summary.csv", "summary.json"])
def test_the_summary_takes_no_other_file_s_place(tmp_path, workflow, caplog, volume, write_nifti, name):
    for case in "ab":
        write_nifti(tmp_path / f"{case}.nii.gz", volume)
    (tmp_path / name).write_text("theirs")
    assert f"{name} stands there already" in refusal_of(workflow(input=str(tmp_path)).run)
    assert (tmp_path / name).read_text() == "theirs"
    assert not list(tmp_path.glob("*_report.json"))


@pytest.mark.parametrize(
    ("modes", "umask", "expected"),
    [
        ({"in": 0o700}, 0o022, 0o600),
        ({"in": 0o755}, 0o022, 0o644),
        ({"in": 0o755}, 0o077, 0o600),
        ({"in": 0o750}, 0o002, 0o660),
        ({"in": 0o711}, 0o022, 0o600),
        ({"in/a.nii.gz": 0o600}, 0o022, 0o600),
        ({"in/a.nii.gz": 0o440}, 0o022, 0o640),
    ],
    ids=str,
)
def test_outputs_are_no_more_readable_than_what_they_are_made_of(tmp_path, modes, umask, expected):
    (tmp_path / "in").mkdir(0o755)
    (tmp_path / "in" / "a.nii.gz").touch(0o644)
    for place, mode in modes.items():
        (tmp_path / place).chmod(mode)
    (case,) = find_cases(tmp_path / "in" / "a.nii.gz", tmp_path / "new" / "out")
    before = os.umask(umask)
    try:
        make_folder(case["folder"], permissions_of([case["image"]]))
        OUTPUTS.write(case, {"case": "a", "status": "done", "files": ["a_LA.stl"]}, {"a_LA.stl": b"mesh"})
    finally:
        os.umask(before)
    written = list((tmp_path / "new" / "out").iterdir())
    assert len(written) == 2 and {path.stat().st_mode & 0o777 for path in written} == {expected}
    folders = {path.stat().st_mode & 0o777 for path in (tmp_path / "new", tmp_path / "new" / "out")}
    assert folders == {expected | (expected & 0o444) >> 2}


def test_a_run_on_a_private_folder_writes_nothing_that_others_can_read(tmp_path, workflow, volume, write_nifti):
    path = write_nifti(tmp_path / "in" / "a.nii.gz", volume)
    path.parent.chmod(0o700)
    made = workflow(input=str(path), output_dir=str(tmp_path / "out"), formats="stl", volume_size=64)
    made.run()
    made.finalize()
    written = [tmp_path / "out", *(tmp_path / "out").iterdir()]
    assert len(written) == 8 and all(path.stat().st_mode & 0o077 == 0 for path in written)


def test_of_dicom_its_folder_and_its_files_count(tmp_path, volume):
    folder = write_series(tmp_path / "in" / "series", volume)
    case = find_cases(folder, tmp_path)[0]
    for place, mode in ((folder / "0000", 0o644), (folder, 0o700), (tmp_path / "in", 0o700)):
        place.chmod(0o755 if place.is_dir() else mode)
    for place in (folder, tmp_path / "in"):
        place.chmod(0o700)
        OUTPUTS.write(case, {"case": "series", "status": "failed", "outcome": "x", "reason": "y"}, {})
        assert (tmp_path / "series_report.json").stat().st_mode & 0o077 == 0
        place.chmod(0o755)
    OUTPUTS.write(case, {"case": "series", "status": "failed", "outcome": "x", "reason": "y"}, {})
    assert (tmp_path / "series_report.json").stat().st_mode & 0o444 == 0o444 & ~_umask()


def _umask() -> int:
    found = os.umask(0)
    os.umask(found)
    return found


ODD_NAMES = {
    "no UTF-8": os.fsdecode(b"caf\xe9"),
    "formulas": "-$x$ and $y^$",
    "a line end": "two\nlines",
    "escapes": "red\x1b[31m\x1b]0;title\x07",
    "direction": "a\u202egnp.b",
    "emoji": "\U0001f600 heart",
    "long": "n" * 200,
    "a cell": "=HYPERLINK(1)",
}


def test_names_may_be_anything(tmp_path, workflow, caplog, volume, write_nifti):
    """Meshes bear them; what is shown of them steers no terminal and no spreadsheet, and no case suffers."""
    data, out = tmp_path / "data", tmp_path / "out"
    write_nifti(data / "plain.nii.gz", volume)
    for stem in ODD_NAMES.values():
        shutil.copy(data / "plain.nii.gz", data / f"{stem}.nii.gz")
        (data / f"{stem}2.nii").write_bytes(b"no image")
    caplog.set_level("INFO")
    keys = {"input": str(data), "output_dir": str(out), "formats": "stl", "volume_size": 64}
    assert _refused(workflow(**keys)) == 1
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["done"], summary["failed"]) == (len(ODD_NAMES) + 1, len(ODD_NAMES))
    assert all(case["reason"] for case in summary["cases"] if case["status"] == "failed")
    shown = [case["case"] for case in summary["cases"]]
    for stem in ODD_NAMES.values():
        for ending in ("_LA.stl", "_LV.stl", "_labels.nii.gz", "_preview.png"):
            assert (out / f"{stem}{ending}").stat().st_size > 100
        report = json.loads((out / f"{stem}_report.json").read_text())
        shown += [report["case"], report["input"]["file"], *report["files"]]
    assert all(text.isprintable() and text.encode() for text in (*shown, *caplog.messages))
    with open(out / "summary.csv", newline="") as stream:
        assert not any(cell.startswith(("=", "-", "+", "@")) for row in csv.reader(stream) for cell in row)
    assert _refused(workflow(**keys, skip_existing=True)) == 1
    assert json.loads((out / "summary.json").read_text())["skipped"] == len(ODD_NAMES) + 1


def test_a_name_too_long_for_its_outputs_is_refused_before_the_work(tmp_path, workflow, volume, write_nifti):
    write_nifti(tmp_path / "in" / "short.nii.gz", volume)
    longest, too_long = "é" * 118 + ".nii.gz", "é" * 124 + "n.nii"  # with `_landmarks.mrk.json`: 255 and 268 bytes
    for name in (longest, too_long):
        shutil.copy(tmp_path / "in" / "short.nii.gz", tmp_path / "in" / name)
    made = workflow(input=str(tmp_path / "in"), output_dir=str(tmp_path / "out"), formats="stl", volume_size=64)
    assert _refused(made) == 1
    cases = json.loads((tmp_path / "out" / "summary.json").read_text())["cases"]
    assert [case["outcome"] for case in cases] == ["", "", "name_too_long"]
    assert cases[2]["reason"] == (
        "the name is 13 bytes too long for those of the outputs to be made of it: rename the input"
    )
    assert len(list((tmp_path / "out").iterdir())) == 2 * 5 + 2


def test_a_group_is_not_the_case_of_its_name(tmp_path):
    (tmp_path / "x_report.json").write_text(json.dumps({"case": "x", "status": "done", "files": ["x_LA.stl"]}))
    (tmp_path / "x_LA.stl").write_bytes(b"mesh")
    write_together(tmp_path, "x", {"x.csv": b"", "x.json": b"{}"}, lambda path: set())
    assert (tmp_path / "x_LA.stl").read_bytes() == b"mesh"
