"""Results out: what passes is told from what does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from as_bytes import encoded
from loopback import free_port

pytest.importorskip("pynetdicom", reason="needs the extra `node`")
pytest.importorskip("dicomweb_client", reason="needs the extra `node`")

from pydicom.uid import CTImageStorage  # noqa: E402
from pynetdicom import AE, evt  # noqa: E402

from deploy.node.config import Destination  # noqa: E402
from deploy.node.sending import Refused, Unreachable, send  # noqa: E402

PORT = free_port()
PACS = Destination("pacs", ae_title="PACS", host="127.0.0.1", port=PORT)


@pytest.fixture
def results(image, tmp_path) -> dict[str, Path]:
    made = {}
    for number in range(3):
        header = image()
        made[header.SOPInstanceUID] = tmp_path / f"{number}.dcm"
        made[header.SOPInstanceUID].write_bytes(encoded(header))
    return made


@pytest.fixture
def pacs():
    """Starts a PACS that answers with these statuses, one after the other."""
    servers = []

    def start(*statuses: int, sop_class: str = CTImageStorage) -> None:
        answers = iter(statuses)
        entity = AE("PACS")
        entity.add_supported_context(sop_class)
        handlers = [(evt.EVT_C_STORE, lambda event: next(answers))]
        servers.append(entity.start_server(("127.0.0.1", PORT), block=False, evt_handlers=handlers))

    yield start
    for server in servers:
        server.shutdown()


def test_what_the_pacs_has_is_confirmed(pacs, results):
    pacs(0x0000, 0xB000, 0x0000)  # one with a warning
    confirmed = []
    send(PACS, results, confirmed.append)
    assert confirmed == list(results)


@pytest.mark.parametrize(("status", "error"), [(0xA700, Unreachable), (0xA900, Refused), (0x0122, Refused)])
def test_a_failure_keeps_what_was_confirmed(pacs, results, status, error):
    pacs(0x0000, status)
    confirmed = []
    with pytest.raises(error, match=f"0x{status:04X}"):
        send(PACS, results, confirmed.append)
    assert confirmed == list(results)[:1]


def test_a_pacs_that_is_away_is_unreachable(results):
    with pytest.raises(Unreachable, match="pacs: no association"):
        send(PACS, results, lambda uid: pytest.fail("nothing was sent"))
    web = Destination("web", url=f"http://127.0.0.1:{PORT}/dicom-web")
    with pytest.raises(Unreachable, match="web: ConnectionError"):
        send(web, results, lambda uid: pytest.fail("nothing was sent"))


def test_a_pacs_without_the_class_refuses(pacs, results):
    pacs(sop_class="1.2.840.10008.5.1.4.1.1.4")
    with pytest.raises((Refused, Unreachable)):
        send(PACS, results, lambda uid: pytest.fail("nothing was sent"))
