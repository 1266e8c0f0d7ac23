"""C-STORE in: who may call, how much, and which instances are kept."""

from __future__ import annotations

import logging
import shutil
import time
from collections import defaultdict, deque
from io import BytesIO
from ipaddress import ip_address, ip_network
from threading import Lock
from weakref import WeakKeyDictionary, WeakSet

from pydicom import dcmread
from pydicom.uid import (
    UID,
    CTImageStorage,
    EnhancedCTImageStorage,
    LegacyConvertedEnhancedCTImageStorage,
)
from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, evt
from pynetdicom.events import Event
from pynetdicom.sop_class import Verification

from custom.inputs import InputError

from .config import Config
from .queue import Queue
from .tls import serving

logger = logging.getLogger(__name__)

KEPT = {CTImageStorage, EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage}
"""Storage classes that inference can read. Others, results that come back among them, are taken and not kept: many
senders end a whole study where one object of it is refused."""
SYNTAXES = [syntax for syntax in ALL_TRANSFER_SYNTAXES if not UID(syntax).is_deflated]
"""Deflated ones may grow without bound where they are read."""
SUCCESS, OUT_OF_RESOURCES, MISMATCH, CANNOT_UNDERSTAND = 0x0000, 0xA700, 0xA900, 0xC000
NOT_RECOGNISED, TOO_MANY = (1, 1, 3), (2, 3, 2)
"""Result, source and reason of an A-ASSOCIATE-RJ (PS3.8 table 9-21)."""
_TAGS = ["StudyInstanceUID", "SOPInstanceUID", "SOPClassUID"]
_MB = 2**20


class Admission:
    """What may enter the queue, however it comes."""

    def __init__(self, config: Config, queue: Queue) -> None:
        self._config = config
        self._queue = queue

    def has_space(self) -> bool:
        """Whether the disk has what it should keep free."""
        return shutil.disk_usage(self._queue.folder).free >= self._config.least_free_mb * _MB

    def admit(self, content: bytes, sop_class: str) -> tuple[int, str]:
        """Keep an instance, a DICOM file, if it should be; the C-STORE status, and the study where it was kept."""
        try:
            header = dcmread(BytesIO(content), stop_before_pixels=True, specific_tags=_TAGS)
            study, instance, told_class = (str(header.get(tag) or "").strip() for tag in _TAGS)
        except Exception:  # whatever a damaged header causes
            return self._count("unreadable", CANNOT_UNDERSTAND)
        if self._queue.is_own(instance):
            return self._count("own_results_back", SUCCESS)
        if sop_class not in KEPT:
            return self._count("not_kept", SUCCESS)
        if not study or not instance or told_class != sop_class:
            return self._count("mismatched", MISMATCH)
        instances, size = self._queue.size_of(study)
        if instances >= self._config.study_instances or size + len(content) > self._config.study_mb * _MB:
            return self._count("study_too_large", OUT_OF_RESOURCES)
        if not self.has_space():
            return self._count("disk_full", OUT_OF_RESOURCES)
        self._queue.store(study, instance, content)
        return SUCCESS, study

    def _count(self, name: str, status: int) -> tuple[int, str]:
        self._queue.count(name)
        return status, ""


class Receiver:
    """The storage server; each association has a thread of its own."""

    def __init__(self, config: Config, queue: Queue) -> None:
        assert config.receive is not None
        self._receive = config.receive
        self._queue = queue
        self._admission = Admission(config, queue)
        self._lock = Lock()
        self._studies: dict[object, set[str]] = {}  # of each open association
        self._bytes: WeakKeyDictionary[object, int] = WeakKeyDictionary()  # since its last message
        self._too_large: WeakSet[object] = WeakSet()
        self._partial: WeakSet[object] = WeakSet()  # associations of which an instance was refused
        self._calls: dict[str, deque[float]] = defaultdict(deque)  # of each address, the last minute's
        self._callers = [
            (caller.ae_title, [ip_network(address) for address in caller.addresses]) for caller in self._receive.callers
        ]
        self._server = None

    def start(self) -> None:
        """Listen from now on. Raises InputError where the port cannot be had."""
        settings = self._receive
        entity = AE(settings.ae_title)
        entity.require_called_aet = True
        entity.maximum_associations = settings.associations
        entity.network_timeout = entity.dimse_timeout = settings.idle_s
        entity.acse_timeout = min(30.0, settings.idle_s)
        entity.add_supported_context(Verification)
        for context in AllStoragePresentationContexts:
            entity.add_supported_context(context.abstract_syntax, SYNTAXES)
        handlers = [
            (evt.EVT_REQUESTED, self._requested),
            (evt.EVT_DATA_RECV, self._received),
            (evt.EVT_DIMSE_RECV, self._understood),
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_RELEASED, self._ended, [True]),
            (evt.EVT_ABORTED, self._ended, [False]),
            (evt.EVT_CONN_CLOSE, self._ended, [False]),
        ]
        context = None if settings.tls is None else serving(settings.tls)
        try:
            self._server = entity.start_server(
                (settings.address, settings.port), block=False, evt_handlers=handlers, ssl_context=context
            )
        except OSError as error:
            raise InputError(f"receive: port {settings.port} cannot be listened on: {error.strerror}") from error

    def stop(self) -> None:
        """Listen no longer; what is being delivered is cut off."""
        if self._server is not None:
            self._server.ae.shutdown()

    def _requested(self, event: Event) -> None:
        assoc = event.assoc
        address, title = assoc.requestor.address, assoc.requestor.primitive.calling_ae_title.strip()
        if not self._is_known(title, address):
            self._reject(event, "rejected_callers", NOT_RECOGNISED)
        elif self._is_too_often(address) or not self._admission.has_space():
            self._reject(event, "rejected_for_load", TOO_MANY)

    def _reject(self, event: Event, why: str, diagnostic: tuple[int, int, int]) -> None:
        logger.warning("an association was refused (%s)", why)
        self._queue.count(why)
        event.assoc.acse.send_reject(*diagnostic)
        event.assoc.kill()

    def _is_known(self, title: str, address: str) -> bool:
        place = ip_address(address.removeprefix("::ffff:"))
        return any(
            title == known and any(place in network for network in networks) for known, networks in self._callers
        )

    def _is_too_often(self, address: str) -> bool:
        now = time.monotonic()
        with self._lock:
            calls = self._calls[address]
            while calls and calls[0] < now - 60:
                calls.popleft()
            calls.append(now)
            return len(calls) > self._receive.associations_per_minute

    def _received(self, event: Event) -> None:
        """Bytes of a message that is not whole yet."""
        assoc = event.assoc
        self._bytes[assoc] = self._bytes.get(assoc, 0) + len(event.data)
        if self._bytes[assoc] > self._receive.instance_mb * _MB and assoc not in self._too_large:
            self._too_large.add(assoc)  # more of it may be on its way
            self._queue.count("instances_too_large")
            logger.warning("an instance of more than %g MB: its association is ended", self._receive.instance_mb)
            assoc.abort()

    def _understood(self, event: Event) -> None:
        self._bytes[event.assoc] = 0

    def _store(self, event: Event) -> int:
        try:
            sop_class = str(event.request.AffectedSOPClassUID)
            status, study = self._admission.admit(event.encoded_dataset(), sop_class)
        except OSError as error:  # the disk
            logger.error("an instance could not be kept: %s", error.strerror)
            status, study = OUT_OF_RESOURCES, ""
        with self._lock:
            if study:
                self._studies.setdefault(event.assoc, set()).add(study)
            if status != SUCCESS:
                self._partial.add(event.assoc)
        return status

    def _ended(self, event: Event, whole: bool) -> None:
        with self._lock:
            whole = whole and event.assoc not in self._partial
            studies = self._studies.pop(event.assoc, set())
            elsewhere = set().union(*self._studies.values())  # deliveries that go on: the last to end decides
        if studies and not whole:
            self._queue.count("deliveries_cut_off")
        self._queue.delivered(studies - elsewhere if whole else studies, whole)
