"""A function in another process, which may abort, hang, or want too much."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import strange_readers

from custom.inputs import InputError
from custom.runtime import isolation

CASE = Path("case.nii")


def _wait(condition) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")")[-1].split()[0] != "Z"
    except OSError:
        return False


def test_the_answer_comes_as_it_was_made_by_a_process_without_torch():
    facts, values = isolation.run_isolated(strange_readers.count, CASE, 0, start=5)
    np.testing.assert_array_equal(values, np.arange(5, 29).reshape(2, 3, 4))
    assert values.dtype == np.float32 and values.flags.writeable
    assert facts["warnings"] == {"noted": "something"} and facts["forced"] == []
    assert not {"torch", "monai"} & set(facts["modules"])


def test_what_reads_cases_needs_no_torch():
    program = "import sys, custom.reading.ct, pydicom.pixels; sys.exit(bool({'torch', 'monai'} & set(sys.modules)))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", program], env=environment).returncode == 0


@pytest.mark.parametrize(
    ("function", "match", "outcome"),
    [
        (strange_readers.refuse, "^for a reason$", "unusable"),
        (strange_readers.abort, "^0007 cannot be decoded: its bytes are damaged$", "undecodable"),
        (strange_readers.killed, "^case.nii cannot be read: the memory does not suffice$", "memory"),
        (strange_readers.claim, "^case.nii takes more than the 4 GiB of memory", "memory"),
    ],
)
def test_a_process_that_dies_costs_only_its_case(function, match, outcome):
    with pytest.raises(InputError, match=match) as refused:
        isolation.run_isolated(function, CASE, 0)
    assert refused.value.outcome == outcome


def test_a_process_that_hangs_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(isolation, "LONGEST", 10.0)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    with pytest.raises(InputError, match="^0007 cannot be decoded: it takes longer than 10 s$") as refused:
        isolation.run_isolated(strange_readers.hang, tmp_path / "pid", 0, scratch=True)
    assert refused.value.outcome == "reader_time" and not list((tmp_path / "temporary").iterdir())
    assert not _is_running(int((tmp_path / "pid").read_text()))


def test_the_process_ends_with_the_one_that_asked_and_leaves_nothing(tmp_path):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    asking = strange_readers.ask(tmp_path / "pid")
    _wait(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    pid = int((tmp_path / "pid").read_text())
    assert len(list(temporary.glob("*/patient"))) == 1 and _is_running(pid)
    asking.kill()
    asking.wait()
    _wait(lambda: not _is_running(pid))
    assert not list(temporary.iterdir())


def test_limits_grow_with_the_bytes_that_are_read(monkeypatch):
    monkeypatch.setattr(isolation, "MEMORY", 2**29)
    with pytest.raises(InputError, match="takes more than"):
        isolation.run_isolated(strange_readers.claim_some, CASE, 0)
    assert isolation.run_isolated(strange_readers.claim_some, CASE, 2**26)[1].size == 1


@pytest.mark.parametrize("closed", ["sys.stderr = None", "os.close(2)", "[os.close(fd) for fd in (0, 1, 2)]"])
def test_standard_streams_that_are_closed(closed):
    program = f"""import os, sys, strange_readers; from pathlib import Path
from custom.runtime.isolation import run_isolated
{closed}
os._exit(int(run_isolated(strange_readers.count, Path("case"), 0)[1].sum() != 276))"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", program], env=environment).returncode == 0


def test_processes_are_forked_from_one_that_keeps_what_they_need():
    assert not {"wave"} & set(isolation.run_isolated(strange_readers.count, CASE, 0)[0]["modules"])
    assert "wave" in isolation.run_isolated(strange_readers.count, CASE, 0, needs=["wave"])[0]["modules"]
    assert "wave" in isolation.run_isolated(strange_readers.count, CASE, 0)[0]["modules"]


def test_questions_of_several_threads_at_once():
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(isolation.run_isolated, strange_readers.count, CASE, 0, start=n) for n in range(12)]
    assert [each.result()[1][0, 0, 0] for each in asked] == list(range(12))


def test_where_the_server_was_killed_there_is_another():
    isolation.prepare()
    os.kill(isolation._servers[os.getpid()]._process.pid, signal.SIGKILL)
    assert isolation.run_isolated(strange_readers.count, CASE, 0)[1].size == 24


def test_a_process_that_was_forked_asks_a_server_of_its_own():
    isolation.prepare()
    pid = os.fork()
    if pid == 0:
        os._exit(int(isolation.run_isolated(strange_readers.count, CASE, 0)[1].size))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 24


def test_nothing_is_left_open_by_questions():
    isolation.run_isolated(strange_readers.count, CASE, 0)
    before = os.listdir("/proc/self/fd")
    for function in (strange_readers.refuse, strange_readers.abort):
        with pytest.raises(InputError):
            isolation.run_isolated(function, CASE, 0)
    assert len(os.listdir("/proc/self/fd")) == len(before)
