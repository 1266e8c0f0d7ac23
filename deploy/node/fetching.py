"""Studies from a PACS that is asked by DICOMweb (QIDO-RS, WADO-RS), instead of one that sends."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import date, timedelta
from io import BytesIO

from dicomweb_client.web import DICOMwebClient
from pydicom import Dataset, dcmwrite

from .config import Config
from .queue import Queue
from .receiving import SUCCESS, Admission
from .sending import Refused, Unreachable, web_client, web_errors

logger = logging.getLogger(__name__)

PAGE = 100
"""Studies that are asked for at a time."""


class Fetcher:
    """Asks for the studies that match, and fetches the CT series of those that have come to rest."""

    def __init__(self, config: Config, queue: Queue) -> None:
        assert config.fetch is not None
        self._fetch = config.fetch
        self._queue = queue
        self._admission = Admission(config, queue)
        self._seen: dict[str, str] = {}

    def look(self) -> None:
        """Ask once. A study is fetched when its CT series hold what they held at the last look; one that fails costs
        only itself."""
        fetch, seen = self._fetch, {}
        client = web_client(fetch.url, fetch.authority, fetch.authorization_file)
        try:
            for study in self._studies(client):
                try:
                    sizes = self._sizes(client, study)
                    seen[study] = " ".join(f"{uid}:{sizes[uid]}" for uid in sorted(sizes))
                    rests = sizes and seen[study] == self._seen.get(study)
                    if rests and self._queue.fetched(study) != seen[study] and self._take(client, study, sorted(sizes)):
                        self._queue.set_fetched(study, seen[study])
                except Refused as refusal:
                    self._told(refusal)
        except (Unreachable, Refused) as error:
            self._told(error)
        self._seen = seen

    def _studies(self, client: DICOMwebClient) -> Iterator[str]:
        """StudyInstanceUIDs, page by page."""
        since = date.today() - timedelta(days=self._fetch.days)
        query = {"StudyDate": f"{since:%Y%m%d}-", **self._fetch.query}
        page, offset = [None] * PAGE, 0
        while len(page) == PAGE:
            with web_errors("fetch"):
                page = client.search_for_studies(limit=PAGE, offset=offset, search_filters=query)
            yield from (str(Dataset.from_json(answer).StudyInstanceUID) for answer in page)
            offset += PAGE

    @staticmethod
    def _sizes(client: DICOMwebClient, study: str) -> dict[str, int | None]:
        """Of each CT series of a study, the number of its instances."""
        with web_errors("fetch"):
            answers = client.search_for_series(study, fields=["NumberOfSeriesRelatedInstances"])
        series = [Dataset.from_json(answer) for answer in answers]
        return {
            str(part.SeriesInstanceUID): part.get("NumberOfSeriesRelatedInstances")
            for part in series
            if part.get("Modality") == "CT"
        }

    def _take(self, client: DICOMwebClient, study: str, series: list[str]) -> bool:
        """Fetch series of a study; False if some instance could not be kept."""
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

    def _told(self, error: Exception) -> None:
        self._queue.count("fetches_failed")
        logger.warning("fetching: %s", error)
