"""Results out, by C-STORE or DICOMweb. What is sent twice is the same object, which a PACS holds once."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from pathlib import Path

import requests
from dicomweb_client.web import DICOMwebClient
from pydicom import dcmread
from pynetdicom import AE, build_context

from .config import Destination
from .tls import calling

SECONDS = 60
_WARNINGS = {0xB000, 0xB006, 0xB007}
"""C-STORE statuses of an object that was stored, with a remark."""
FULL = range(0xA700, 0xA800)
"""Statuses of a PACS out of resources, which passes."""


class Unreachable(Exception):
    """The destination is away, or has no room: it will be asked again, for as long as it takes."""


class Refused(Exception):
    """The destination does not want an object."""


def send(destination: Destination, results: Mapping[str, Path], confirm: Callable[[str], None]) -> None:
    """Send results (SOP Instance UID to file); `confirm` is told of each that the destination has.

    Raises `Unreachable` or `Refused`; what was confirmed by then stays so.
    """
    if results:
        (_by_web if destination.url else _by_store)(destination, results, confirm)


def _by_store(destination: Destination, results: Mapping[str, Path], confirm: Callable[[str], None]) -> None:
    headers = {uid: dcmread(path, stop_before_pixels=True) for uid, path in results.items()}
    wanted = {(header.SOPClassUID, header.file_meta.TransferSyntaxUID) for header in headers.values()}
    entity = AE(destination.calling_ae_title)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = SECONDS
    entity.connection_timeout = 10
    secured = None if destination.tls is None else (calling(destination.tls), destination.host)
    assoc = entity.associate(
        destination.host,
        destination.port,
        contexts=[build_context(*pair) for pair in sorted(wanted)],
        ae_title=destination.ae_title,
        tls_args=secured,
    )
    if not assoc.is_established:
        what = "the association was rejected" if assoc.is_rejected else "no association"
        raise Unreachable(f"{destination.name}: {what}")
    try:
        accepted = {context.abstract_syntax for context in assoc.accepted_contexts}
        for uid, path in results.items():
            if headers[uid].SOPClassUID not in accepted:
                raise Refused(f"{destination.name} does not take {headers[uid].SOPClassUID.name}")
            status = assoc.send_c_store(path).get("Status")
            if status is None or status in FULL:
                raise Unreachable(f"{destination.name}: " + ("no answer" if status is None else f"0x{status:04X}"))
            if status != 0 and status not in _WARNINGS:
                raise Refused(f"{destination.name}: status 0x{status:04X}")
            confirm(uid)
    finally:
        if assoc.is_established:
            assoc.release()


def _by_web(destination: Destination, results: Mapping[str, Path], confirm: Callable[[str], None]) -> None:
    client = web_client(destination.url, destination.authority, destination.authorization_file)
    for uid, path in results.items():
        dataset = dcmread(path)
        with web_errors(destination.name):
            answer = client.store_instances([dataset], study_instance_uid=dataset.StudyInstanceUID)
        failed = answer.get("FailedSOPSequence")
        if failed:
            raise Refused(f"{destination.name}: failure reason 0x{int(failed[0].get('FailureReason', 0)):04X}")
        confirm(uid)


def web_client(url: str, authority: str, authorization_file: str) -> DICOMwebClient:
    """A DICOMweb client that tries once: who asks has a queue to try again from."""
    session = requests.Session()
    if authority:
        session.verify = authority
    if authorization_file:
        session.headers["Authorization"] = Path(authorization_file).read_text().strip()
    client = DICOMwebClient(url, session=session)
    client.set_http_retry_params(retry=False)
    return client


class web_errors:
    """A context in which failures of HTTP become `Unreachable` or `Refused`."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, requests.HTTPError):
            status = error.response.status_code
            passing = status >= 500 or status in (401, 403, 404, 408, 429)  # a password may expire, a proxy be wrong
            raise (Unreachable if passing else Refused)(f"{self._name}: HTTP {status}") from error
        if isinstance(error, (requests.RequestException, ssl.SSLError, OSError)):
            raise Unreachable(f"{self._name}: {type(error).__name__}") from error
