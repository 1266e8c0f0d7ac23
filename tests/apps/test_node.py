"""The node between real programs: Orthanc, and dcmtk's storescu and storescp. `make test-node` runs it."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pydicom
import pytest

pytest.importorskip("pynetdicom", reason="needs the extra `node`")
pytest.importorskip("dicomweb_client", reason="needs the extra `node`")
if not all(shutil.which(program) for program in ("Orthanc", "storescu", "storescp", "openssl")):
    pytest.skip("needs Debian's orthanc, orthanc-dicomweb and dcmtk", allow_module_level=True)

from loopback import free_port  # noqa: E402
from pacs import (  # noqa: E402
    ROOT,
    Node,
    Orthanc,
    StoreScp,
    certificates,
    environment,
    make_study,
    renew,
    storescu,
    until,
)

from custom.chambers import LEFT_HEART  # noqa: E402
from custom.inference.writing.outputs import Outputs  # noqa: E402

pytestmark = pytest.mark.long

RESULTS = sum(name.endswith(".dcm") for name in Outputs(LEFT_HEART, "stl", dicom=True).names("case"))
"""Objects that a study gives: a SEG, an SR, a secondary capture, an Encapsulated STL a chamber."""
KILLS = 20
MANY = 200


@pytest.fixture
def started():
    """What is stopped at the end of a test."""
    programs: list = []
    yield lambda program: programs.append(program) or program
    for program in reversed(programs):
        program.stop()


@pytest.fixture
def hospital(tmp_path, started):
    """An Orthanc, and a node that sends its results there."""

    def make(**changes) -> tuple[Orthanc, Node]:
        pacs = started(Orthanc(tmp_path / "pacs"))
        return pacs, started(Node(tmp_path / "node", [to(pacs)], **changes))

    return make


def to(pacs: Orthanc | StoreScp, **more) -> dict:
    title = "ORTHANC" if isinstance(pacs, Orthanc) else "ARCHIVE"
    return {"name": title.lower(), "ae_title": title, "host": "127.0.0.1", "port": pacs.port, **more}


def numbers(report: pydicom.Dataset) -> list[str]:
    """All measured values of a structured report."""
    return [str(element.value) for element in report.iterall() if element.keyword == "NumericValue"]


def identity(results: list[pydicom.Dataset]) -> list[str]:
    return sorted(result.SOPInstanceUID for result in results)


def test_a_routed_study_gets_what_the_command_line_gives(tmp_path, started):
    """With the shipped weights: the study goes to Orthanc, which routes it; what comes back is read by DICOMweb."""
    small = ["--format", "dicom", "--count", "1", "--shape", "(72,72,60)", "--spacing", "(2.2,2.2,2.4)"]
    made = [sys.executable, "-P", "-m", "custom", "synthesize", str(tmp_path), *small]
    subprocess.run(made, cwd=ROOT, env=environment(), check=True, capture_output=True)
    (study,) = (tmp_path / "dicom").iterdir()
    uid = pydicom.dcmread(next(study.iterdir())).StudyInstanceUID
    node_port = free_port()
    pacs = started(Orthanc(tmp_path / "pacs", route_to=node_port))
    receive = {"port": node_port}
    node = started(Node(tmp_path / "node", [to(pacs)], shipped=True, receive=receive, least_trust="check"))
    pacs.upload(study)
    until(node.done(1), what="the study is not done")
    results = pacs.results(uid)
    call = ["run", "inference", "--config_file", str(ROOT / "bundle/configs/inference.json"), "--input", str(study)]
    call += ["--bundle_root", str(ROOT / "bundle"), "--output_dir", str(tmp_path / "out"), "--dicom_output", "True"]
    call += ["--device", "cpu"]
    command = [sys.executable, "-P", "-m", "monai.bundle", *call]
    subprocess.run(command, cwd=tmp_path, env=environment(), check=True, capture_output=True)
    expected = [pydicom.dcmread(path) for path in sorted((tmp_path / "out").glob("*.dcm"))]
    assert len(results) == len(expected) == RESULTS
    for ours in expected:
        (theirs,) = [
            result
            for result in results
            if result.SOPClassUID == ours.SOPClassUID and result.get("DocumentTitle") == ours.get("DocumentTitle")
        ]
        assert theirs.PatientName == ours.PatientName
        assert theirs.get("FrameOfReferenceUID") == ours.get("FrameOfReferenceUID")
        if "EncapsulatedDocument" in ours:
            assert theirs.EncapsulatedDocument == ours.EncapsulatedDocument
        elif "PixelData" in ours:
            np.testing.assert_array_equal(theirs.pixel_array, ours.pixel_array)
        else:
            assert numbers(theirs) == numbers(ours) != []
    # Orthanc sends the study again once it is stable with the results in it: they are recognised, nothing is made anew
    until(lambda: node.status()["counters"].get("own_results_back", 0) >= RESULTS, what="Orthanc routes no results")
    time.sleep(4)
    assert identity(pacs.results(uid)) == identity(results)
    assert "Generated" not in node.log and str(tmp_path) not in node.log and uid not in node.log


def test_two_studies_interleaved(tmp_path, hospital):
    pacs, node = hospital()
    studies = {make_study(tmp_path / name): tmp_path / name for name in ("one", "two")}
    with ThreadPoolExecutor() as pool:
        sent = list(pool.map(lambda folder: storescu(node.port, "+sd", str(folder)), studies.values()))
    assert [call.returncode for call in sent] == [0, 0]
    until(node.done(2))
    assert {uid: len(pacs.results(uid)) for uid in studies} == dict.fromkeys(studies, RESULTS)


def test_a_study_that_is_sent_again_gives_nothing_new(tmp_path, hospital):
    pacs, node = hospital()
    uid = make_study(tmp_path / "ct")
    for _ in range(2):
        storescu(node.port, "+sd", str(tmp_path / "ct"))
    until(node.done(1))
    first = identity(pacs.results(uid))
    storescu(node.port, "+sd", str(tmp_path / "ct"))
    time.sleep(3)
    assert node.done(1)() and identity(pacs.results(uid)) == first and len(first) == RESULTS


def test_an_association_that_is_aborted_midway(tmp_path, hospital):
    pacs, node = hospital()
    uid = make_study(tmp_path / "ct")
    files = sorted(map(str, (tmp_path / "ct").iterdir()))
    storescu(node.port, "--abort", *files[:10])
    time.sleep(3)
    assert node.status()["studies"]["receiving"] == 1 and not pacs.results(uid)
    storescu(node.port, *files)
    until(node.done(1))
    assert len(pacs.results(uid)) == RESULTS


def test_a_bad_study_is_put_aside_and_blocks_no_other(tmp_path, hospital):
    pacs, node = hospital(attempts=2)
    bad, good = make_study(tmp_path / "bad"), make_study(tmp_path / "good")
    lost = sorted((tmp_path / "bad").iterdir(), key=lambda path: pydicom.dcmread(path).InstanceNumber)[12]
    lost.unlink()
    for name in ("bad", "good"):
        storescu(node.port, "+sd", str(tmp_path / name))
    until(lambda: node.status()["studies"] == {"receiving": 0, "sending": 0, "done": 1, "aside": 1})
    (aside,) = json.loads(node.ask("--aside"))
    assert aside["study_instance_uid"] == bad and "missing" in aside["reason"]
    assert not pacs.results(bad) and len(pacs.results(good)) == RESULTS


def test_killed_at_random(tmp_path, hospital):
    """`kill -9` at twenty moments while studies come, are computed and are sent: each arrives once."""
    pacs, node = hospital()
    studies = {make_study(tmp_path / f"ct{number}"): tmp_path / f"ct{number}" for number in range(10)}
    random.seed(1)
    kills = 0

    def sender() -> None:
        """As a modality does: a study that was not taken whole is sent again."""
        for folder in studies.values():
            while storescu(node.port, "+sd", str(folder)).returncode:
                time.sleep(0.2)

    with ThreadPoolExecutor() as pool:
        sending = pool.submit(sender)
        while kills < KILLS:
            time.sleep(random.uniform(0, 10))
            node.kill()
            kills += 1
            node.start(wait=kills % 2 == 0)  # every other time it is killed while it starts, or soon after
        node.kill()
        node.start()
        sending.result(timeout=900)
    until(node.done(len(studies)), what=node.log[-2000:])
    assert {uid: len(pacs.results(uid)) for uid in studies} == dict.fromkeys(studies, RESULTS)
    assert node.status()["studies"]["aside"] == 0
    print(f"killed {kills} times, {len(studies)} studies: {node.status()['counters']}")


def test_the_pacs_is_down_and_comes_back(tmp_path, hospital):
    pacs, node = hospital()
    pacs.stop()
    studies = [make_study(tmp_path / name) for name in ("one", "two")]
    for name in ("one", "two"):
        storescu(node.port, "+sd", str(tmp_path / name))
    until(lambda: node.status()["studies"]["sending"] == 2, what="both are computed while the PACS is away")
    until(lambda: node.status()["counters"].get("retries", 0) > 2)
    pacs.start()
    until(node.done(2))
    assert [len(pacs.results(uid)) for uid in studies] == [RESULTS] * 2


def test_a_stranger_is_refused(tmp_path, hospital):
    _, node = hospital()
    make_study(tmp_path / "ct")
    refused = storescu(node.port, "+sd", str(tmp_path / "ct"), title="STRANGER")
    assert refused.returncode and "Calling AE Title Not Recognized" in refused.stderr
    until(lambda: node.status()["counters"] == {"rejected_callers": 1})


def test_by_tls(tmp_path, started):
    """From dcmtk's `storescu` to its `storescp`, both sides showing certificates; without one nobody gets in."""
    files = certificates(tmp_path / "tls")
    tls = {name: files[name] for name in ("authority", "certificate", "key")}
    flags = ["+tls", files["key"], files["certificate"], "+cf", files["authority"]]
    archive = started(StoreScp(tmp_path / "archive", *flags))
    node = started(Node(tmp_path / "node", [to(archive, tls=tls)], receive={"tls": tls}))
    make_study(tmp_path / "ct")
    assert storescu(node.port, "+sd", str(tmp_path / "ct")).returncode  # no TLS
    anonymous = ["+tla", "-ic"]
    assert storescu(node.port, *anonymous, "+sd", str(tmp_path / "ct")).returncode
    sent = storescu(node.port, *flags, "+sd", str(tmp_path / "ct"))
    assert sent.returncode == 0, sent.stderr
    until(node.done(1))
    assert len(list(archive.folder.iterdir())) == RESULTS


def test_by_dicomweb_both_ways(tmp_path, started):
    pacs = started(Orthanc(tmp_path / "pacs"))
    url = f"{pacs.url}/dicom-web"
    fetch = {"url": url, "query": {"ModalitiesInStudy": "CT"}, "every_s": 1}
    node = started(Node(tmp_path / "node", [{"name": "web", "url": url}], receive=None, fetch=fetch))
    uid = make_study(tmp_path / "ct")
    pacs.upload(tmp_path / "ct")
    until(node.done(1), what=node.log)
    first = identity(pacs.results(uid))
    assert len(first) == RESULTS
    time.sleep(4)
    assert identity(pacs.results(uid)) == first and node.status()["counters"]["studies_done"] == 1


def test_two_processes_share_a_queue(tmp_path, hospital):
    pacs, node = hospital()
    config = json.loads(node.config.read_text())
    helper = node.config.with_name("helper.json")
    helper.write_text(json.dumps({**config, "receive": None}))
    command = [sys.executable, "-P", "-m", "deploy.node", str(helper)]
    other = subprocess.Popen(command, cwd=ROOT, env=environment(), stderr=subprocess.PIPE, text=True)
    with other:
        assert "ready" in other.stderr.readline()
        studies = [make_study(tmp_path / f"ct{number}") for number in range(6)]
        for number in range(6):
            storescu(node.port, "+sd", str(tmp_path / f"ct{number}"))
        until(node.done(6))
        other.terminate()
        helped = other.stderr.read()
    assert other.returncode == 0
    assert [len(pacs.results(uid)) for uid in studies] == [RESULTS] * 6
    assert helped.count(" s\n") + node.log.count(" s\n") >= 6 and "sent" in helped + node.log


def test_many_studies_cost_the_same_each(tmp_path, hospital):
    """Memory and processor time of the node, at the beginning and at the end of a long row of small studies."""
    _, node = hospital(complete_after_s=0.2, keep_done_h=0.01)
    make_study(tmp_path / "ct", size=20)
    memory, seconds, before = [], [], node.processor_s()
    for number in range(1, MANY + 1):
        renew(tmp_path / "ct")
        assert storescu(node.port, "+sd", str(tmp_path / "ct")).returncode == 0
        until(lambda number=number: node.status()["counters"].get("studies_done", 0) >= number)
        memory.append(node.status()["memory_mb"])
        seconds.append(node.processor_s() - before)
        before += seconds[-1]
    early, late = slice(MANY // 10, MANY // 4), slice(-MANY // 4, None)
    print(f"memory {np.median(memory[early]):.0f} then {np.median(memory[late]):.0f} MB, ", end="")
    print(f"a study {np.median(seconds[early]):.2f} then {np.median(seconds[late]):.2f} s")
    assert node.status()["studies"]["done"] == MANY
    assert np.median(memory[late]) < 1.1 * np.median(memory[early])
    assert np.median(seconds[late]) < 1.5 * np.median(seconds[early])
