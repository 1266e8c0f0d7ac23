"""C-STORE in, by real associations on the loopback."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from as_bytes import encoded
from loopback import free_port
from pydicom.uid import CTImageStorage, EncapsulatedSTLStorage

pynetdicom = pytest.importorskip("pynetdicom", reason="needs the extra `node`")

from pynetdicom import AE  # noqa: E402

from deploy.node.config import Caller, Config, Receive  # noqa: E402
from deploy.node.receiving import Receiver  # noqa: E402

PORT = free_port()


@pytest.fixture
def start(queue):
    started = []

    def make(addresses: tuple[str, ...] = ("127.0.0.1",), limits: dict | None = None, **changes) -> Receiver:
        receive = Receive("CHAMBERS", PORT, [Caller("CT1", list(addresses))], address="127.0.0.1", **(limits or {}))
        receiver = Receiver(Config("", [], receive, **{"least_free_mb": 1, **changes}), queue)
        receiver.start()
        started.append(receiver)
        return receiver

    yield make
    for receiver in started:
        receiver.stop()


def call(title: str = "CT1", called: str = "CHAMBERS", sop_class: str = CTImageStorage):
    entity = AE(title)
    entity.add_requested_context(sop_class)
    return entity.associate("127.0.0.1", PORT, ae_title=called)


def counters(queue) -> dict[str, int]:
    return queue.figures()["counters"]


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_what_is_answered_is_in_the_queue(start, queue, image):
    start()
    assoc = call()
    one, two = image(), image()
    assert assoc.send_c_store(one).Status == assoc.send_c_store(two).Status == 0
    assert assoc.send_c_store(one).Status == 0
    assert queue.size_of("1.2.3")[0] == 2 and counters(queue)["duplicates"] == 1
    assert queue.claim("receiving") is None
    assoc.release()
    until(lambda: queue.claim("receiving") is not None)


def test_an_aborted_association_leaves_its_study_open(start, queue, image):
    start()
    assoc = call()
    assoc.send_c_store(image())
    assoc.abort()
    until(lambda: counters(queue).get("deliveries_cut_off") == 1)
    assert queue.claim("receiving") is None


def test_a_study_is_complete_with_the_last_of_its_associations(start, queue, image):
    start()
    first, second = call(), call()
    first.send_c_store(image())
    second.send_c_store(image())
    first.release()
    time.sleep(0.2)
    assert queue.claim("receiving") is None
    second.release()
    until(lambda: queue.claim("receiving") is not None)


def test_a_delivery_of_which_an_instance_was_refused_is_not_whole(start, queue, image):
    start(study_instances=2)
    assoc = call()
    assert [assoc.send_c_store(image()).Status for _ in range(3)] == [0, 0, 0xA700]
    assoc.release()
    until(lambda: counters(queue).get("deliveries_cut_off") == 1)
    assert queue.claim("receiving") is None


@pytest.mark.parametrize("stranger", [{"title": "CT2"}, {"called": "OTHER"}])
def test_strangers_are_refused(start, queue, stranger):
    start()
    assert call(**stranger).is_rejected


def test_a_known_title_from_a_strange_address_is_refused(start, queue):
    start(addresses=("192.0.2.0/24",))
    assert call().is_rejected
    assert counters(queue)["rejected_callers"] == 1


def test_results_that_come_back_and_other_objects_are_not_kept(start, queue, image, tmp_path):
    start()
    assoc = call(sop_class=EncapsulatedSTLStorage)
    result = image(sop_class=EncapsulatedSTLStorage)
    assert assoc.send_c_store(result).Status == 0
    assoc.release()
    assert queue.size_of("1.2.3") == (0, 0) and counters(queue) == {"not_kept": 1}
    queue.store("1.2.3", "1.2.3.1", b"one")
    queue.delivered(["1.2.3"], whole=True)
    (tmp_path / "result").write_bytes(encoded(result))
    queue.put_results(queue.claim("receiving"), {result.SOPInstanceUID: tmp_path / "result"}, 1.0)
    assoc = call(sop_class=EncapsulatedSTLStorage)
    assert assoc.send_c_store(result).Status == 0
    assoc.release()
    assert counters(queue)["own_results_back"] == 1


def test_an_object_that_is_not_what_it_is_called_is_refused(start, queue, image):
    start()
    assoc = call()
    header = image()
    header.StudyInstanceUID = ""
    assert assoc.send_c_store(header).Status == 0xA900
    assoc.release()


def test_sizes_and_rates_are_limited(start, queue, image):
    start(limits={"instance_mb": 1, "associations_per_minute": 2}, study_instances=1)
    assoc = call()
    assert assoc.send_c_store(image()).Status == 0
    assert assoc.send_c_store(image()).Status == 0xA700
    large = image("1.2.4")
    large.PixelData = bytes(3 * 2**20)
    assert assoc.send_c_store(large).get("Status") is None
    until(lambda: counters(queue).get("instances_too_large") == 1)
    assert queue.size_of("1.2.4") == (0, 0)
    call().release()
    assert call().is_rejected


def test_a_full_disk_takes_nothing_in(start, queue, image):
    start(least_free_mb=1e12)
    assert call().is_rejected
    assert counters(queue) == {"rejected_for_load": 1}
