"""The node's parts together: what fails costs its study, and only that."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("pynetdicom", reason="needs the extra `node`")

from deploy.node import service as module  # noqa: E402
from deploy.node.config import Config, Destination  # noqa: E402
from deploy.node.processing import Failure, Made  # noqa: E402
from deploy.node.sending import Refused, Unreachable  # noqa: E402
from deploy.node.service import Service  # noqa: E402

DESTINATIONS = [Destination(name, url=f"http://{name}") for name in ("pacs", "archive")]


@pytest.fixture
def service(tmp_path):
    made = Service(Config(str(tmp_path / "queue"), DESTINATIONS, complete_after_s=0, retry_s=0, attempts=2))
    yield made
    made._queue.close()


def deliver(service: Service, study: str = "1.2") -> None:
    service._queue.store(study, f"{study}.1", b"one")
    service._queue.delivered([study], whole=True)


def workflow(*answers):
    """What stands for the networks: each answer is returned, or raised, in turn."""
    left = list(answers)

    def run(study: Path, work: Path):
        work.mkdir(parents=True)
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        if answer is None:
            return None
        (work / "result.dcm").write_bytes(b"result")
        return Made({answer: work / "result.dcm"}, 1.0, {"LV": "ok"})

    return SimpleNamespace(run=run)


def states(service: Service) -> dict[str, int]:
    return {state: number for state, number in service._queue.figures()["studies"].items() if number}


def test_a_study_is_done_and_sent(service, monkeypatch):
    sent = []
    monkeypatch.setattr(module, "send", lambda to, results, confirm: [sent.append(to.name), *map(confirm, results)])
    deliver(service)
    assert service._process_next(workflow("9.1")) and not service._process_next(workflow())
    service._send_next()
    assert states(service) == {"done": 1} and sent == ["pacs", "archive"]
    assert not list((service._queue.folder / "work").iterdir()) and not list(
        (service._queue.folder / "results").iterdir()
    )


def test_one_destination_that_is_away_keeps_nothing_from_the_other(service, monkeypatch):
    sent = []

    def send(destination, results, confirm):
        if destination.name == "pacs" and len(sent) < 1:
            sent.append("away")
            raise Unreachable("pacs: no association")
        for uid in results:
            sent.append((destination.name, uid))
            confirm(uid)

    monkeypatch.setattr(module, "send", send)
    deliver(service)
    service._process_next(workflow("9.1"))
    service._send_next()
    assert states(service) == {"sending": 1} and sent == ["away", ("archive", "9.1")]
    service._send_next()
    assert states(service) == {"done": 1} and sent[2:] == [("pacs", "9.1")]


@pytest.mark.parametrize("error", [Failure("memory: too little", passing=True), OSError("disk"), RuntimeError("?")])
def test_what_may_pass_is_tried_as_often_as_is_said(service, error):
    deliver(service)
    bad = workflow(error, error)
    service._process_next(bad)
    assert states(service) == {"receiving": 1}
    service._process_next(bad)
    assert states(service) == {"aside": 1}


def test_what_does_not_pass_is_put_aside_at_once_and_blocks_no_other(service):
    deliver(service)
    deliver(service, "1.3")
    both = workflow(Failure("no_ct: MR", passing=False), "9.1")
    service._process_next(both)
    service._process_next(both)
    assert states(service) == {"aside": 1, "sending": 1}
    assert service._queue.aside()[0]["reason"] == "no_ct: MR"


def test_what_is_refused_or_breaks_while_it_is_sent_is_put_aside_in_the_end(service, monkeypatch):
    answers = [Refused("pacs: status 0xA900"), ValueError("?")]

    def send(*_):
        raise answers.pop(0)

    monkeypatch.setattr(module, "send", send)
    deliver(service)
    service._process_next(workflow("9.1"))
    service._send_next()
    assert states(service) == {"sending": 1}
    service._send_next()
    assert states(service) == {"aside": 1}


def test_a_study_that_ends_the_process_each_time_is_put_aside(service):
    deliver(service)
    for _ in range(2):  # claimed, and the process was killed
        service._queue.claim("receiving")
        with service._queue.database.transaction() as database:
            database.execute("UPDATE studies SET owner = NULL")
    service._process_next(workflow())
    assert states(service) == {"aside": 1}


def test_a_signal_before_the_work_gives_the_study_back(service):
    deliver(service)
    service._process_next(workflow(None))
    assert states(service) == {"receiving": 1} and service._queue.claim("receiving").attempts == 1


def test_waiting_grows_to_its_limit(service):
    service._config = Config("", DESTINATIONS, retry_s=10, longest_retry_s=600)
    assert [service._backoff(attempts) for attempts in (1, 2, 3, 8, 1000)] == [10, 20, 40, 600, 600]


def test_the_status_file_holds_no_uid(service):
    deliver(service, "1.2.826.0.1.3680043")
    service._report()
    text = module.Path(service._config.queue, "status.json").read_text()
    assert '"receiving": 1' in text and "1.2.826" not in text
