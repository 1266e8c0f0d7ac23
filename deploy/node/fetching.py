"""Studies from a PACS that is asked by DICOMweb (QIDO-RS, WADO-RS), instead of one that sends."""

from __future__ import annotations

import logging
from io import BytesIO

from pydicom import Dataset, dcmwrite

from .config import Config
from .queue import Queue
from .receiving import SUCCESS, Admission
from .sending import Refused, Unreachable, web_client, web_errors

logger = logging.getLogger(__name__)


class Fetcher:
    """Asks for the studies that match, and fetches the CT series of those that have come to rest."""

    def __init__(self, config: Config, queue: Queue) -> None:
        assert config.fetch is not None
        self._fetch = config.fetch
        self._queue = queue
        self._admission = Admission(config, queue)
        self._seen: dict[str, str] = {}

    def look(self) -> None:
        """Ask once. A study is fetched when its CT series hold what they held at the last look."""
        fetch = self._fetch
        try:
            client = web_client(fetch.url, fetch.authority, fetch.authorization_file)
            with web_errors("fetch"):
                found = client.search_for_studies(limit=fetch.studies, search_filters=fetch.query)
            seen = {}
            for study in (Dataset.from_json(answer).StudyInstanceUID for answer in found):
                with web_errors("fetch"):
                    answers = client.search_for_series(study, fields=["NumberOfSeriesRelatedInstances"])
                series = [Dataset.from_json(answer) for answer in answers]
                sizes = {s.SeriesInstanceUID: s.get("NumberOfSeriesRelatedInstances") for s in series if _is_ct(s)}
                seen[study] = " ".join(f"{uid}:{sizes[uid]}" for uid in sorted(sizes))
                rests = sizes and seen[study] == self._seen.get(study)
                if rests and self._queue.fetched(study) != seen[study] and self._take(client, study, sorted(sizes)):
                    self._queue.set_fetched(study, seen[study])
            self._seen = seen
        except (Unreachable, Refused, OSError) as error:
            self._queue.count("fetches_failed")
            logger.warning("fetching: %s", error)

    def _take(self, client: object, study: str, series: list[str]) -> bool:
        """Fetch series of a study whole; False if some instance could not be kept."""
        whole = True
        for uid in series:
            with web_errors("fetch"):
                for instance in client.iter_series(study, uid):
                    stream = BytesIO()
                    dcmwrite(stream, instance, enforce_file_format=True)
                    status, _ = self._admission.admit(stream.getvalue(), str(instance.SOPClassUID))
                    whole = whole and status == SUCCESS
        self._queue.delivered([study], whole)
        return whole


def _is_ct(series: Dataset) -> bool:
    return series.get("Modality") == "CT"
