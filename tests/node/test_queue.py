"""The queue on disk: nothing is lost, nothing is done twice, whenever the process ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.node.queue import CUT_OFF, Queue, abandon, clean, files, purge, recover

ROOT = Path(__file__).parents[2]


def deliver(queue: Queue, study: str = "1.2", instances: tuple[str, ...] = ("1.2.1", "1.2.2")) -> None:
    for uid in instances:
        queue.store(study, uid, uid.encode())
    queue.delivered([study], whole=True)


def results_of(queue: Queue, study, tmp_path: Path, *uids: str) -> None:
    made = {}
    for uid in uids:
        made[uid] = tmp_path / uid
        made[uid].write_bytes(uid.encode())
    queue.put_results(study, made, 1.0)


def do(queue: Queue, tmp_path: Path, *uids: str) -> None:
    """Process and send the next study."""
    results_of(queue, queue.claim("receiving"), tmp_path, *uids)
    study = queue.claim("sending")
    for uid in queue.to_send(study, "pacs"):
        queue.confirm(uid, "pacs")
    queue.finish(study)


def states(queue: Queue) -> dict[str, int]:
    return {state: number for state, number in queue.figures()["studies"].items() if number}


def test_a_study_is_complete_when_its_delivery_has_ended_and_it_is_quiet(queue):
    queue.store("1.2", "1.2.1", b"one")
    assert queue.claim("receiving") is None  # the association is open
    queue.delivered(["1.2"], whole=True)
    assert queue.claim("receiving", quiet_s=60) is None
    study = queue.claim("receiving")
    assert study.uid == "1.2" and [path.read_bytes() for path in queue.study_folder("1.2").iterdir()] == [b"one"]
    assert queue.claim("receiving") is None  # it is owned


def test_a_delivery_that_was_cut_off_waits_to_be_taken_up_again(queue):
    queue.store("1.2", "1.2.1", b"one")
    queue.delivered(["1.2"], whole=False)
    assert queue.claim("receiving") is None
    assert not queue.store("1.2", "1.2.1", b"one")  # sent again, whole
    queue.store("1.2", "1.2.2", b"two")
    queue.delivered(["1.2"], whole=True)
    assert queue.claim("receiving") is not None


def test_a_delivery_that_is_never_taken_up_is_put_aside_and_may_come_later(queue):
    queue.store("1.2", "1.2.1", b"one")
    queue.delivered(["1.2"], whole=False)
    assert abandon(queue, after_s=-1) == 1
    assert [study["reason"] for study in queue.aside()] == [CUT_OFF]
    deliver(queue, instances=("1.2.1",))  # all had come but for the end of the association
    assert queue.claim("receiving") is not None


def test_a_study_that_comes_again_is_not_done_again(queue, tmp_path):
    deliver(queue)
    do(queue, tmp_path, "9.1")
    deliver(queue)
    assert states(queue) == {"done": 1} and queue.claim("receiving") is None
    purge(queue, "done", after_s=-1)
    assert not queue.study_folder("1.2").exists()
    deliver(queue)  # its files were gone
    assert queue.is_repeated(queue.claim("receiving"))


def test_more_instances_of_a_done_study_make_it_one_to_do(queue, tmp_path):
    deliver(queue)
    do(queue, tmp_path, "9.1")
    deliver(queue, instances=("1.2.3",))
    study = queue.claim("receiving")
    assert not queue.is_repeated(study)
    results_of(queue, study, tmp_path, "9.2")
    assert list(queue.to_send(queue.claim("sending"), "pacs")) == ["9.2"]


def test_instances_that_come_while_results_are_sent_are_not_forgotten(queue, tmp_path):
    deliver(queue)
    results_of(queue, queue.claim("receiving"), tmp_path, "9.1")
    deliver(queue, instances=("1.2.3",))
    queue.finish(queue.claim("sending"))
    assert states(queue) == {"receiving": 1} and queue.claim("receiving") is not None


def test_what_a_destination_has_is_not_sent_to_it_again(queue, tmp_path):
    deliver(queue)
    results_of(queue, queue.claim("receiving"), tmp_path, "9.1", "9.2")
    study = queue.claim("sending")
    queue.confirm("9.1", "pacs")
    queue.postpone(study, 0, "away")
    study = queue.claim("sending")
    assert list(queue.to_send(study, "pacs")) == ["9.2"]
    assert {uid: path.read_bytes() for uid, path in queue.to_send(study, "archive").items()} == {
        "9.1": b"9.1",
        "9.2": b"9.2",
    }
    assert queue.is_own("9.1") and not queue.is_own("1.2.1")


def test_a_bad_study_blocks_no_other_and_can_be_tried_again(queue):
    deliver(queue)
    deliver(queue, "1.3", ("1.3.1",))
    bad = queue.claim("receiving")
    queue.put_aside(bad, "missing_slices: 3 slices are missing")
    assert queue.claim("receiving").uid == "1.3"
    (listed,) = queue.aside()
    assert listed == {"id": bad.id, "study_instance_uid": "1.2", "reason": "missing_slices: 3 slices are missing"}
    assert queue.retry(bad.id) and not queue.retry(bad.id)
    assert queue.claim("receiving").attempts == 1


def test_a_postponed_study_waits(queue):
    deliver(queue)
    queue.postpone(queue.claim("receiving"), 3600, "memory")
    assert queue.claim("receiving") is None
    assert queue.figures()["counters"]["retries"] == 1


def test_names_of_files_come_from_no_attribute(queue):
    deliver(queue, "../../etc", ("../../passwd",))
    assert [path.parent for path in queue.folder.rglob("*.dcm")] == [queue.study_folder("../../etc")]
    assert queue.study_folder("../../etc").parent == queue.folder / "studies"


def test_figures_hold_no_uid_and_no_name(queue, tmp_path):
    deliver(queue, "1.2.826.0.1")
    do(queue, tmp_path, "9.1")
    assert "1.2.826" not in str(queue.figures())


def test_an_instance_is_there_whole_or_not_at_all(queue, monkeypatch):
    def power_cut(*_):
        raise OSError("power")

    monkeypatch.setattr(files.os, "replace", power_cut)
    with pytest.raises(OSError):
        queue.store("1.2", "1.2.1", b"one")
    monkeypatch.undo()
    assert queue.size_of("1.2") == (0, 0)
    clean(queue)
    assert not [path for path in queue.folder.rglob("*") if path.is_file() and path.parent.name == "parts"]
    assert queue.store("1.2", "1.2.1", b"one")


def test_a_file_that_no_transaction_tells_of_is_removed(queue):
    deliver(queue)
    stray = queue.study_folder("1.2") / "0123.dcm"
    stray.write_bytes(b"written, then the power went")
    clean(queue)
    assert not stray.exists() and len(list(queue.study_folder("1.2").iterdir())) == 2


KILLED = """
import sys
from pathlib import Path
from deploy.node.queue import Queue
queue = Queue(Path(sys.argv[1]))
print(queue.claim("receiving").uid, flush=True)
sys.stdin.read()
"""


def test_what_a_killed_process_owned_is_free_and_what_a_living_one_owns_is_not(tmp_path):
    queue = Queue(tmp_path / "queue")
    deliver(queue)
    command = [sys.executable, "-P", "-c", KILLED, str(queue.folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    with other:
        assert other.stdout.readline() == "1.2\n"
        assert recover(queue) == 0 and queue.claim("receiving") is None
        other.send_signal(signal.SIGKILL)
        other.wait()
        assert recover(queue) == 1
    study = queue.claim("receiving")
    assert study.uid == "1.2" and study.attempts == 2
    queue.close()


def test_what_is_in_the_queue_is_there_after_a_restart(tmp_path):
    queue = Queue(tmp_path / "queue")
    deliver(queue)
    results_of(queue, queue.claim("receiving"), tmp_path, "9.1", "9.2")
    queue.confirm("9.1", "pacs")
    queue.close()
    again = Queue(tmp_path / "queue")
    assert list(again.to_send(again.claim("sending"), "pacs")) == ["9.2"]
    again.close()


def test_claims_stay_fast_among_thousands_of_studies(queue, tmp_path):
    """By the plan of the query, not the clock: the index of states is used."""
    deliver(queue)
    plan = queue.database.all(
        "EXPLAIN QUERY PLAN SELECT * FROM studies WHERE state = 'receiving' AND owner IS NULL ORDER BY arrived LIMIT 1"
    )
    assert any("by_state" in row["detail"] for row in plan)
