"""A case's files appear together or not at all, also where a run is killed, stopped by the disk, or not alone."""

from __future__ import annotations

import gzip
import json
import multiprocessing
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import nibabel
import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from stand_in import ROOT

from custom.frames import ras_to_lps, rectangular_grid, voxel_to_ras
from custom.inference import InputError
from custom.inference.writing import files
from custom.inference.writing.files import check_writable, encode_nifti, make_folder

MESHES = {f"ct_{name}" for name in ("LA.stl", "LV.stl", "LA.obj", "labels.nii.gz", "preview.png")}
FORK = multiprocessing.get_context("fork")


def _listed(path: Path) -> set[str]:
    """The files that a report tells of, as far as they can be the case's."""
    try:
        return {path.name} | (set(json.loads(path.read_bytes()).get("files", ())) & MESHES)
    except (OSError, ValueError):
        return {path.name}


def write_together(folder: Path, case: str, content: dict[str, bytes]) -> None:
    files.write_together(folder, case, content, _listed)


def _there(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _version(number: int) -> dict[str, bytes]:
    """The files of a case, each of which says which version it belongs to, and its report."""
    files = {f"ct_{name}": bytes([number]) * 50_000 for name in ("LA.stl", "LV.stl", "labels.nii.gz", "preview.png")}
    report = {"status": "done", "files": list(files), "version": number}
    return {**files, "ct_report.json": json.dumps(report).encode()}


def _assert_whole(folder: Path) -> None:
    """What has a final name is whole, and what stands beside a report belongs to it."""
    files = {name: content for name, content in _there_but_hidden(folder).items() if name != "ct_report.json"}
    assert all(len(content) == 50_000 and len(set(content)) == 1 for content in files.values())
    if (folder / "ct_report.json").exists():
        number = json.loads((folder / "ct_report.json").read_text())["version"]
        assert files == {name: content for name, content in _version(number).items() if name != "ct_report.json"}


def _there_but_hidden(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}


def _write_for_ever(folder: Path, first: int) -> None:
    number = first
    while True:
        number = (number + 1) % 256
        write_together(folder, "ct", _version(number))


def _write_often(folder: Path, first: int) -> None:
    for number in range(first, first + 20):
        write_together(folder, "ct", _version(number))


def test_all_are_written_into_a_new_folder(tmp_path):
    make_folder(tmp_path / "new" / "deep")
    write_together(tmp_path / "new" / "deep", "a", {"a.stl": b"1", "b.json": b"2"})
    assert _there(tmp_path / "new" / "deep") == {"a.stl": b"1", "b.json": b"2"}


def test_a_folder_that_is_gone_is_not_made_anew(tmp_path):
    with pytest.raises(InputError, match="has been removed") as refused:
        write_together(tmp_path / "gone", "a", {"a.stl": b"1"})
    assert refused.value.outcome == "folder_gone" and not (tmp_path / "gone").exists()


def test_a_failure_leaves_what_was_there(tmp_path):
    write_together(tmp_path, "a", {"a.stl": b"old"})
    with pytest.raises(TypeError):
        write_together(tmp_path, "a", {"b.stl": "not bytes", "a.stl": b"new"})
    assert _there(tmp_path) == {"a.stl": b"old"}


def test_what_the_earlier_report_lists_goes_and_nothing_else(tmp_path):
    for name in ("ct_LA.obj", "notes.txt", "ct_2_LA.obj"):
        (tmp_path / name).write_bytes(b"1")
    listed = ["ct_LA.obj", "../ct_LA.obj", "notes.txt", "ct_2_LA.obj"]
    (tmp_path / "ct_report.json").write_text(json.dumps({"files": listed}))
    write_together(tmp_path, "ct", {"ct_LA.stl": b"4", "ct_report.json": b"{}"})
    assert sorted(_there(tmp_path)) == ["ct_2_LA.obj", "ct_LA.stl", "ct_report.json", "notes.txt"]


def test_a_renaming_that_fails_is_undone_by_the_next_run(tmp_path, monkeypatch):
    """As after a kill at that moment: the files that have come are no longer there, or are those of the next run."""
    write_together(tmp_path, "ct", {"ct_LA.obj": b"0" * 50_000, **_version(1)})
    replace = os.replace

    def fail(source, target):
        if Path(target).name == "ct_preview.png":
            raise OSError(5, "Input/output error")
        replace(source, target)

    with monkeypatch.context() as failing:
        failing.setattr(files.os, "replace", fail)
        with pytest.raises(InputError):
            write_together(tmp_path, "ct", _version(2))
    assert not (tmp_path / "ct_report.json").exists()
    (tmp_path / "ct_LA.obj").write_bytes(b"theirs, made since")
    files.check_place(tmp_path, "ct", list(_version(3)), _listed)
    assert sorted(_there(tmp_path)) == ["ct_LA.obj"]
    write_together(tmp_path, "ct", _version(3))
    assert _there_but_hidden(tmp_path) == {"ct_LA.obj": b"theirs, made since", **_version(3)}


def test_killed_at_any_moment_nothing_is_partial_and_the_next_run_completes(tmp_path):
    moments = random.Random(5)
    interrupted = 0
    for attempt in range(20):
        writer = FORK.Process(target=_write_for_ever, args=(tmp_path, attempt * 12))
        writer.start()
        time.sleep(moments.uniform(0.01, 0.1))
        writer.kill()
        writer.join()
        interrupted += any(path.name.startswith(".") for path in tmp_path.iterdir())
        _assert_whole(tmp_path)
    assert interrupted >= 10
    write_together(tmp_path, "ct", _version(255))
    assert _there(tmp_path) == _version(255)


def test_several_runs_of_one_case_at_once_all_end_well(tmp_path):
    writers = [FORK.Process(target=_write_often, args=(tmp_path, first)) for first in (0, 100, 200)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert json.loads((tmp_path / "ct_report.json").read_text())["version"] in (19, 119, 219)
    _assert_whole(tmp_path)
    assert all(not name.startswith(".") for name in _there(tmp_path))


def _write_as_nobody(write, answer) -> None:
    if os.geteuid() == 0:
        os.setuid(65534)
    with pytest.raises(InputError) as refused:
        write()
    answer.put((refused.value.outcome, str(refused.value)))


@pytest.mark.parametrize("deeper", ["", "not there/yet"])
@pytest.mark.parametrize("write", [lambda folder: make_folder(folder / "new"), check_writable], ids=["make", "check"])
def test_a_folder_without_permission_is_named(tmp_path, write, deeper):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    answer = FORK.SimpleQueue()
    writer = FORK.Process(target=_write_as_nobody, args=(lambda: write(locked / deeper), answer))
    writer.start()
    writer.join()
    outcome, sentence = answer.get()
    assert outcome == "no_permission" and "set `output_dir`" in sentence and str(tmp_path) not in sentence


def test_looking_whether_a_folder_can_be_written_leaves_nothing(tmp_path):
    check_writable(tmp_path)
    check_writable(tmp_path / "new" / "deep")
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "deep"):
        with pytest.raises(InputError, match="is no folder") as refused:
            check_writable(folder)
        assert refused.value.outcome == "no_folder"


DISKS = """
mount -t tmpfs -o size=100k tmpfs "$1" || exit 77
"$2" - "$1" <<'PROGRAM'
import subprocess, sys
from pathlib import Path
from custom.inference import InputError
from custom.inference.writing.files import check_writable, write_together

def ours(path):
    return {"a.stl", "a_report.json"}

def check():
    try:
        check_writable(sys.argv[1])
    except InputError as refused:
        print(refused.outcome)

def write(size):
    try:
        write_together(sys.argv[1], "a", {"a.stl": bytes(size), "a_report.json": b"{}"}, ours)
    except InputError as refused:
        print(refused.outcome, len(Path(sys.argv[1], "a.stl").read_bytes()), len(list(Path(sys.argv[1]).iterdir())))

write(10_000)
write(200_000)
subprocess.run(["mount", "-o", "remount,ro", sys.argv[1]], check=True)
check()
write(20_000)
PROGRAM
"""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare, for disks of its own")
def test_a_full_and_a_read_only_disk_are_named_and_keep_what_was_there(tmp_path):
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", DISKS, "sh", str(tmp_path), sys.executable]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip("this machine lets nobody mount a disk")
    assert done.stdout.split("\n") == ["disk_full 10000 2", "read_only", "read_only 10000 2", ""], done.stderr


def test_label_map_keeps_its_grid_and_names_nobody(tmp_path):
    labels = np.random.default_rng(0).integers(0, 3, (5, 6, 7)).astype(np.uint8)
    affine = np.array([[0, 0, 2.0, -7], [0, -1.5, 0, 20], [0.5, 0, 0, 3], [0, 0, 0, 1]])
    content = encode_nifti(labels, affine)
    assert content == encode_nifti(labels, affine)
    (tmp_path / "labels.nii.gz").write_bytes(content)
    image = nibabel.load(tmp_path / "labels.nii.gz")
    np.testing.assert_array_equal(np.asanyarray(image.dataobj), labels)
    np.testing.assert_array_equal(image.affine, affine)
    assert image.get_data_dtype() == np.uint8
    assert image.header["descrip"].item() == image.header["db_name"].item() == b""
    (tmp_path / "labels.nii.gz").write_bytes(encode_nifti(labels, affine, "a remark"))
    assert nibabel.load(tmp_path / "labels.nii.gz").header["descrip"].item() == b"a remark"
    assert gzip.decompress(content)[:4] == (348).to_bytes(4, "little")


@pytest.mark.parametrize("reader", ["itk", "SimpleITK"])
def test_itk_opens_a_label_map_of_any_direction_where_it_lies(tmp_path, reader):
    """Affines as other files hold them, in single precision, of all axis orders and both hands."""
    module = pytest.importorskip(reader)
    read = module.imread if reader == "itk" else module.ReadImage
    path = tmp_path / "labels.nii.gz"
    turns = Rotation.random(12, random_state=0).as_matrix()
    for number, turn in enumerate([np.eye(3), *turns]):
        affine = np.eye(4)
        affine[:3, :3] = turn @ np.diag([0.4, -0.4 if number % 2 else 0.4, 0.7])
        affine[:3, 3] = -180.25, 95.5, 1410.0
        affine = affine.astype(np.float32).astype(np.float64)
        path.write_bytes(encode_nifti(np.ones((5, 6, 7), dtype=np.uint8), rectangular_grid((5, 6, 7), affine)[1]))
        image = read(str(path))
        corner = image.TransformIndexToPhysicalPoint((4, 5, 6))
        np.testing.assert_allclose(ras_to_lps(np.array(corner)), voxel_to_ras(np.array([4, 5, 6]), affine), atol=2e-3)
        header = nibabel.load(path).header
        np.testing.assert_allclose(header.get_qform(), header.get_sform(), rtol=0, atol=1e-3)
        assert header["qform_code"] == header["sform_code"] == 1
