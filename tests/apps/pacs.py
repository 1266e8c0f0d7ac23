"""A hospital on the loopback: Orthanc as PACS, dcmtk's programs as other vendors, and the node."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pydicom
import requests
import torch
from dicom_files import write_series
from dicomweb_client.web import DICOMwebClient
from loopback import free_port
from pydicom.uid import generate_uid
from stand_in import DIRECTIONS, LOCATOR, NETWORK, ROOT, Ellipsoids, NotAir, Upright

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
ROUTE = """
function OnStableStudy(studyId, tags, metadata)
    RestApiPost('/modalities/CHAMBERS/store', DumpJson({ Resources = { studyId }, Synchronous = false }))
end
"""
QUICK = {"test_time_augmentation": [], "fairing": 0, "subdivision": 0, "boundary_snapping": 0}
QUICK |= {"volume_size": 48, "device": "cpu"}
"""Keys of inference that leave out what the node does not care about."""


def until(condition: Callable[[], Any], seconds: float = 600, what: str = "") -> Any:
    """What `condition` returns when it is no longer false."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, what or condition
        time.sleep(0.1)
    return found


class Orthanc:
    """Debian's Orthanc with its DICOMweb plugin; with `route_to` it sends each study that is stable to that port."""

    def __init__(self, folder: Path, route_to: int | None = None) -> None:
        folder.mkdir()
        self.port, self.web_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.web_port}"
        (folder / "route.lua").write_text(ROUTE)
        config = {
            **{"Name": "PACS", "StorageDirectory": str(folder / "db"), "IndexDirectory": str(folder / "db")},
            **{"HttpPort": self.web_port, "DicomPort": self.port, "DicomAet": "ORTHANC", "StableAge": 2},
            **{"RemoteAccessAllowed": False, "AuthenticationEnabled": False, "DicomAlwaysAllowStore": True},
            **{"OverwriteInstances": False, "Plugins": [str(PLUGIN)], "DicomCheckCalledAet": True},
            "LuaScripts": [str(folder / "route.lua")] if route_to else [],
            "DicomModalities": {"CHAMBERS": ["CHAMBERS", "127.0.0.1", route_to or 1]},
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
        }
        self._config = folder / "orthanc.json"
        self._config.write_text(json.dumps(config))
        self._log = folder / "orthanc.log"
        self.start()

    def start(self) -> None:
        with open(self._log, "a") as log:
            self._process = subprocess.Popen(["Orthanc", str(self._config)], stdout=log, stderr=log)
        until(self._answers, 120, "Orthanc does not start")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/system", timeout=2).ok
        except requests.RequestException:
            return False

    @property
    def web(self) -> DICOMwebClient:
        return DICOMwebClient(f"{self.url}/dicom-web")

    def upload(self, study: Path) -> None:
        for path in sorted(study.iterdir()):
            requests.post(f"{self.url}/instances", data=path.read_bytes(), timeout=60).raise_for_status()

    def results(self, study: str) -> list[pydicom.Dataset]:
        """Read back by DICOMweb: all objects of the study that are no CT."""
        try:
            series = [pydicom.Dataset.from_json(answer) for answer in self.web.search_for_series(study)]
        except requests.HTTPError:
            return []
        others = [part.SeriesInstanceUID for part in series if part.Modality != "CT"]
        return [instance for uid in others for instance in self.web.retrieve_series(study, uid)]


class Node:
    """`python -m deploy.node` in a process of its own, with networks that know the answer, or the shipped ones."""

    def __init__(self, folder: Path, send: list[dict[str, Any]], shipped: bool = False, **changes: Any) -> None:
        folder.mkdir()
        self.folder, self.port = folder, free_port()
        callers = [{"ae_title": title, "addresses": ["127.0.0.1"]} for title in ("ORTHANC", "STORESCU")]
        receive = {"ae_title": "CHAMBERS", "port": self.port, "address": "127.0.0.1", "callers": callers}
        config = {
            **{"queue": str(folder / "queue"), "send": send, "receive": receive},
            **{"complete_after_s": 1, "status_every_s": 0.5, "retry_s": 0.5, "longest_retry_s": 2},
            **{"least_free_mb": 10, "attempts": 30, "least_trust": "do not use"},
            "inference": {"device": "cpu"} if shipped else {**stand_ins(folder), **QUICK},
        }
        for key, value in changes.items():
            config[key] = {**config[key], **value} if isinstance(value, dict) and key in config else value
        self.config = folder / "node.json"
        self.config.write_text(json.dumps(config))
        self._log = folder / "node.log"
        self.start()

    def start(self, wait: bool = True) -> None:
        known = self._log.read_text().count("ready") if self._log.exists() else 0
        with open(self._log, "a") as log:
            self._process = subprocess.Popen(self._command(), env=environment(), stdout=log, stderr=log, cwd=ROOT)
        if wait:
            until(lambda: self.log.count("ready") > known or self._process.poll() is not None, 300)
            assert self._process.poll() is None, self.log

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait()

    @property
    def log(self) -> str:
        return self._log.read_text()

    def status(self) -> dict[str, Any]:
        return json.loads((self.folder / "queue" / "status.json").read_text())

    def processor_s(self) -> float:
        """Processor time of the node and of the processes that it has ended, so far."""
        return sum(psutil.Process(self._process.pid).cpu_times()[:4])

    def done(self, number: int) -> Callable[[], bool]:
        """Whether so many studies are done, and none waits."""

        def look() -> bool:
            states = self.status()["studies"]
            return states["done"] >= number and not states["receiving"] and not states["sending"]

        return look

    def ask(self, *flags: str) -> str:
        asked = subprocess.run(self._command(*flags), env=environment(), capture_output=True, text=True, cwd=ROOT)
        assert asked.returncode == 0, asked.stderr
        return asked.stdout

    def _command(self, *flags: str) -> list[str]:
        return [sys.executable, "-P", "-m", "deploy.node", str(self.config), *flags]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "OMP_NUM_THREADS": "1"}


def stand_ins(folder: Path) -> dict[str, Any]:
    """Keys of inference that put networks which know the answer in place of the shipped ones."""
    networks = {"model": Ellipsoids().half(), "locator": NotAir().half(), "directions": Upright()}
    for name, network in networks.items():
        torch.save(network.state_dict(), folder / f"{name}.pt")
    keys = {"network_def": NETWORK, "checkpoint": str(folder / "model.pt")}
    keys |= {"locator": LOCATOR, "locator_checkpoint": str(folder / "locator.pt")}
    return keys | {"directions": DIRECTIONS, "directions_checkpoint": str(folder / "directions.pt")}


def make_study(folder: Path, size: int = 24, name: str = "Doe^Jane") -> str:
    """Write a small CT study of one series, a ball in air, and return its StudyInstanceUID."""
    study, patient = generate_uid(), generate_uid()
    axis = np.linspace(-1, 1, size)
    ball = sum(part**2 for part in np.meshgrid(axis, axis, axis, indexing="ij")) < 0.8
    noise = np.random.default_rng(int(patient[-6:])).normal(0, 10, ball.shape)
    volume = np.where(ball, 150 + noise, -1000).astype(np.int16)

    def of_study(header: pydicom.Dataset, index: int) -> None:
        header.StudyInstanceUID, header.PatientID, header.PatientName = study, patient, name
        header.StudyTime = header.AccessionNumber = header.StudyID = ""
        header.StudyDate = f"{date.today():%Y%m%d}"

    write_series(folder, volume, spacing=(120 / size,) * 3, edit=of_study)
    return study


def renew(folder: Path) -> None:
    """Make the files of a study those of another, by new UIDs."""
    study, series, frame = (generate_uid() for _ in range(3))
    for path in folder.iterdir():
        header = pydicom.dcmread(path)
        header.StudyInstanceUID, header.SeriesInstanceUID, header.FrameOfReferenceUID = study, series, frame
        header.SOPInstanceUID = header.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        header.save_as(path)


def storescu(port: int, *arguments: str, title: str = "STORESCU") -> subprocess.CompletedProcess[str]:
    """dcmtk's `storescu` to its end; of the arguments, files and folders come last."""
    options = [word for word in arguments if not word.startswith("/") or word.endswith(".pem")]
    places = [word for word in arguments if word not in options]
    command = ["storescu", "-aet", title, "-aec", "CHAMBERS", *options, "127.0.0.1", str(port), *places]
    return subprocess.run(command, capture_output=True, text=True)


class StoreScp:
    """dcmtk's `storescp`, which keeps what it gets in `folder`."""

    def __init__(self, folder: Path, *flags: str) -> None:
        folder.mkdir()
        self.folder, self.port = folder, free_port()
        command = [shutil.which("storescp"), "-aet", "ARCHIVE", "-od", str(folder), *flags, str(self.port)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(self._listens, 60)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


def certificates(folder: Path) -> dict[str, str]:
    """An authority's certificate, and one of its for 127.0.0.1 with its key: paths of PEM files."""
    folder.mkdir()
    names = {name: str(folder / f"{name}.pem") for name in ("authority", "authority_key", "certificate", "key")}
    request, extensions = folder / "request", folder / "extensions"
    extensions.write_text("subjectAltName = IP:127.0.0.1\n")
    fresh = ["openssl", "req", "-newkey", "rsa:2048", "-nodes"]
    own = ["-x509", "-days", "2", "-subj", "/CN=authority"]
    signing = ["-CA", names["authority"], "-CAkey", names["authority_key"], "-CAcreateserial", "-days", "2"]
    for command in (
        [*fresh, *own, "-keyout", names["authority_key"], "-out", names["authority"]],
        [*fresh, "-subj", "/CN=127.0.0.1", "-keyout", names["key"], "-out", str(request)],
        ["openssl", "x509", "-req", "-in", str(request), *signing, "-extfile", str(extensions)]
        + ["-out", names["certificate"]],
    ):
        subprocess.run(command, check=True, capture_output=True)
    return names
