"""How runs end: by a signal, without the folder for the outputs, without standard streams, and as one of several
processes. `outcomes.md` tells the user the same."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from ignite.engine import Events
from monai.engines.utils import IterationEvents
from stand_in import CONFIG, ROOT

from custom.inference.writing import files, saving
from custom.runtime import interruption

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


@pytest.fixture
def data(tmp_path, volume, write_nifti) -> Path:
    for name in ("a", "b", "c"):
        write_nifti(tmp_path / "data" / f"{name}.nii.gz", volume)
    return tmp_path / "data"


@pytest.fixture
def run(workflow, data, tmp_path):
    """The workflow over `data` into `out`, after `prepare(evaluator)`; its exit code and summary."""

    def go(prepare, **keys) -> tuple[int, dict]:
        keys = {"input": str(data), "output_dir": str(tmp_path / "out"), "formats": "stl", "volume_size": 64, **keys}
        made = workflow(**keys)
        prepare(made.parser.get_parsed_content("evaluator"))
        made.run()
        code = 0
        try:
            made.finalize()
        except SystemExit as ended:
            code = ended.code
        summary = tmp_path / "out" / "summary.json"
        return code, json.loads(summary.read_text()) if summary.exists() else {}

    return go


def _statuses(summary: dict) -> dict[str, str]:
    return {case["case"]: case["status"] for case in summary["cases"]}


def _kill_while_reading(evaluator, number):
    dataset, transform = evaluator.data_loader.dataset, evaluator.data_loader.dataset.transform

    def read(record):
        if record["image"].endswith("b.nii.gz"):
            os.kill(os.getpid(), number)
        return transform(record)

    dataset.transform = read


def _kill_between(evaluator, number):
    evaluator.add_event_handler(Events.ITERATION_STARTED(once=2), lambda: os.kill(os.getpid(), number))


def _kill_after_the_network(evaluator, number):
    @evaluator.on(IterationEvents.FORWARD_COMPLETED)
    def kill():
        if evaluator.state.iteration == 2:
            os.kill(os.getpid(), number)


@pytest.mark.parametrize(
    ("number", "kill"),
    [
        (signal.SIGINT, _kill_while_reading),
        (signal.SIGTERM, _kill_between),
        (signal.SIGHUP, _kill_after_the_network),
    ],
    ids=["reading", "between", "computing"],
)
def test_a_signal_ends_the_run_with_a_sentence_and_a_summary(run, tmp_path, caplog, number, kill):
    code, summary = run(lambda evaluator: kill(evaluator, number))
    assert code == CODES[number]
    assert _statuses(summary) == {"a": "done", "b": "not done", "c": "not done"}
    assert (summary["done"], summary["not done"]) == (1, 2)
    assert summary["cases"][1]["outcome"] == "interrupted" and number.name in summary["cases"][1]["reason"]
    assert f"{number.name}: ending" in caplog.text and "2 of 3 cases not done" in caplog.text
    assert "Traceback" not in caplog.text and "exception" not in caplog.text
    assert {path.name[0] for path in (tmp_path / "out").iterdir()} == {"a", "s"}
    assert signal.getsignal(number) is not interruption._receive


def test_a_signal_while_files_are_written_waits_until_they_are_whole(run, tmp_path, monkeypatch):
    replace = os.replace

    def kill(source, target):
        if Path(target).name == "b_LA.stl":
            os.kill(os.getpid(), signal.SIGTERM)
        replace(source, target)

    monkeypatch.setattr(files.os, "replace", kill)
    code, summary = run(lambda evaluator: None)
    assert code == 143 and _statuses(summary) == {"a": "done", "b": "done", "c": "not done"}
    assert len(list((tmp_path / "out").glob("b_*"))) == len(list((tmp_path / "out").glob("a_*"))) == 5


def test_after_a_signal_the_next_run_does_the_rest(run):
    run(lambda evaluator: _kill_between(evaluator, signal.SIGTERM))
    code, summary = run(lambda evaluator: None, skip_existing=True)
    assert code == 0 and _statuses(summary) == {"a": "skipped", "b": "done", "c": "done"}


def test_a_signal_that_comes_twice_at_once_is_one(run):
    def kill(evaluator):
        @evaluator.on(Events.ITERATION_STARTED(once=2))
        def twice():
            with interruption.held():  # else the first would be answered before the second is there
                os.kill(os.getpid(), signal.SIGTERM)
                os.kill(os.getpid(), signal.SIGTERM)

    code, summary = run(kill)
    assert code == 143 and _statuses(summary)["a"] == "done" and _statuses(summary)["c"] == "not done"


def test_a_signal_while_a_zip_is_read_leaves_nothing_of_it(run, data, tmp_path, monkeypatch):
    shutil.make_archive(str(tmp_path / "zip" / "z"), "zip", data, "b.nii.gz")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setenv("TMPDIR", str(temporary))

    def kill():
        while not list(temporary.iterdir()):
            time.sleep(0.001)
        os.kill(os.getpid(), signal.SIGTERM)

    killer = threading.Thread(target=kill, daemon=True)
    code, summary = run(lambda evaluator: killer.start(), input=str(tmp_path / "zip" / "z.zip"))
    killer.join()
    assert code == 143 and _statuses(summary) == {"z": "not done"}
    assert not list(temporary.iterdir()) and len(list((tmp_path / "out").iterdir())) == 2


def test_a_case_that_takes_all_memory_costs_itself(run, monkeypatch):
    def prepare(evaluator):
        @evaluator.on(IterationEvents.FORWARD_COMPLETED)
        def take():
            if evaluator.state.iteration == 1:
                raise MemoryError

    code, summary = run(prepare)
    assert code == 1 and _statuses(summary) == {"a": "failed", "b": "done", "c": "done"}
    assert summary["cases"][0]["outcome"] == "memory"
    assert "the memory does not suffice" in summary["cases"][0]["reason"]


def test_a_preview_that_cannot_be_drawn_costs_no_case(run, tmp_path, monkeypatch):
    def fail(*arguments):
        raise RuntimeError("no font")

    monkeypatch.setattr(saving, "render_preview", fail)
    code, summary = run(lambda evaluator: None)
    assert code == 0 and summary["done"] == 3
    report = json.loads((tmp_path / "out" / "a_report.json").read_text())
    assert "no_preview" in report["outcomes"] and "a_preview.png" not in report["files"]


SECOND = """
import os, signal, time
from custom.runtime import interruption
interruption.heed_signals()
with interruption.held():
    os.kill(os.getpid(), signal.SIGTERM)
    interruption._state.since -= 2 * interruption.ECHO
    os.kill(os.getpid(), signal.SIGTERM)
    print("still there", flush=True)
"""


def test_a_second_signal_ends_at_once():
    done = subprocess.run([sys.executable, "-c", SECOND], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == -signal.SIGTERM and done.stdout == "" and "Traceback" not in done.stderr


FORKED = """
import os, signal, time
from custom.runtime import interruption
interruption.heed_signals()
there, here = os.pipe()
child = os.fork()
if child == 0:
    os.kill(os.getpid(), signal.SIGINT)
    os.write(here, b".")  # what comes before a fork has got going is lost in Python
    time.sleep(60)
    os._exit(0)
os.read(there, 1)
os.kill(child, signal.SIGTERM)
print(os.waitpid(child, 0)[1])
"""


def test_a_forked_process_leaves_the_keyboard_to_its_parent_and_can_be_ended():
    done = subprocess.run([sys.executable, "-c", FORKED], cwd=ROOT, capture_output=True, text=True, timeout=50)
    assert done.stdout == f"{signal.SIGTERM.value}\n" and done.stderr == ""


def test_what_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        interruption.heed_signals()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        interruption.forget()
        signal.signal(signal.SIGHUP, before)


def _remove_after(case: str, folder: Path):
    def prepare(evaluator):
        @evaluator.on(Events.ITERATION_COMPLETED)
        def remove():
            if (folder / f"{case}_report.json").exists():
                shutil.rmtree(folder)

    return prepare


@pytest.mark.parametrize("case", ["a", "c"])
def test_a_case_whose_files_are_gone_is_never_done(run, tmp_path, caplog, case):
    code, summary = run(_remove_after(case, tmp_path / "out"))
    assert code == 1 and not summary and not (tmp_path / "out").exists()
    assert "3 of 3 cases failed" in caplog.text and "were removed while the run went on" in caplog.text


def test_a_file_that_is_gone_fails_its_case(run, tmp_path):
    def prepare(evaluator):
        evaluator.add_event_handler(Events.ITERATION_COMPLETED(once=3), (tmp_path / "out" / "a_LV.stl").unlink)

    code, summary = run(prepare)
    assert code == 1 and _statuses(summary) == {"a": "failed", "b": "done", "c": "done"}
    assert summary["cases"][0]["outcome"] == "outputs_gone"


def _predict_in_a_fork(model, image, answer) -> None:
    try:
        answer.put(model.predict(image).report["status"])
    except RuntimeError as error:
        answer.put(str(error))


def test_predicting_in_a_forked_process_is_refused_before_it_hangs(workflow, data):
    from custom.prediction import Model

    model = Model(workflow(test_time_augmentation=[]).parser)
    model.predict(data / "a.nii.gz")
    fork = multiprocessing.get_context("fork")
    answer = fork.SimpleQueue()
    child = fork.Process(target=_predict_in_a_fork, args=(model, data / "a.nii.gz", answer), daemon=True)
    child.start()
    child.join(60)
    assert child.exitcode == 0 and "spawn" in answer.get()


def test_workers_of_the_loader_may_read_after_a_prediction(run):
    code, summary = run(lambda evaluator: None, **{"dataloader#num_workers": 1})
    assert code == 0 and summary["done"] == 3


@pytest.mark.slow
@pytest.mark.parametrize(("closed", "bad"), [("2>&-", 0), (">&- 2>&-", 1), ("<&- >&- 2>&-", 1)])
def test_closed_standard_streams_change_nothing_but_what_is_said(data, tmp_path, start_bundle, closed, bad):
    """The command line by a shell that closes streams: done, and a bad case still costs exit code 1."""
    for name in ("b", "c"):
        (data / f"{name}.nii.gz").unlink()
    if bad:
        (data / "bad.nii").write_bytes(b"no image")
    keys = ("--input", str(data), "--output_dir", str(tmp_path / "out"), "--test_time_augmentation", "[]")
    shell = f'exec "$@" {closed}'
    with start_bundle(*keys, config=CONFIG, cwd=ROOT, shell=shell, python=sys.executable) as started:
        started.communicate(timeout=300)
    assert started.returncode == bad
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert (summary["done"], summary["failed"]) == (1, bad)


@pytest.mark.slow
@pytest.mark.parametrize("number", CODES)
def test_the_command_line_ends_on_a_signal(data, tmp_path, start_bundle, number):
    keys = ("--input", str(data), "--output_dir", str(tmp_path / "out"), "--test_time_augmentation", "[]")
    stuck = json.dumps({"_target_": "stuck.Stuck", "images": 1})
    with start_bundle(*keys, config=CONFIG, cwd=ROOT, network=stuck) as started:
        while started.poll() is None and not (tmp_path / "out" / "a_report.json").exists():
            time.sleep(0.05)
        started.send_signal(number)
        _, errors = started.communicate(timeout=120)
    assert started.returncode == CODES[number], errors
    assert "Traceback" not in errors and errors.count(number.name) == 3  # the sentence, and the reason of two cases
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert _statuses(summary) == {"a": "done", "b": "not done", "c": "not done"}


@pytest.mark.slow
@pytest.mark.parametrize("lost", [0, 1])
def test_a_process_of_torchrun_that_is_killed_leaves_a_summary(data, tmp_path, start_bundle, lost):
    """Each process does one case and is stuck in its next; one is killed, and `torchrun` ends the other."""
    shutil.copy(data / "c.nii.gz", data / "d.nii.gz")
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")
    stuck = json.dumps({"_target_": "stuck.Stuck", "images": 1, "note": str(tmp_path)})
    keys = (
        "--input",
        str(data),
        "--output_dir",
        str(tmp_path / "out"),
        "--test_time_augmentation",
        "[]",
        "--device",
        "cpu",
    )
    with start_bundle(*keys, config=CONFIG, cwd=ROOT, launcher=launcher, network=stuck) as started:
        notes = [tmp_path / f"stuck.{number}" for number in (0, 1)]
        while started.poll() is None and not all(note.exists() for note in notes):
            time.sleep(0.05)
        os.kill(int(notes[lost].read_text()), signal.SIGKILL)
        _, errors = started.communicate(timeout=120)
    assert started.returncode == 1, errors
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert _statuses(summary) == {"a": "done", "b": "done", "c": "not done", "d": "not done"}
