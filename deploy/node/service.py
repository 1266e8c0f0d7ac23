"""The node at work: receiving and sending in threads, inference in the main one."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

from filelock import FileLock, Timeout

from custom.inputs import InputError
from custom.runtime.interruption import heed_signals, held, interrupted

from .config import Config
from .fetching import Fetcher
from .processing import Failure, Workflow
from .queue import Queue, Study, abandon, clean, purge, recover
from .receiving import Receiver
from .sending import Refused, Unreachable, send
from .status import write_status
from .tls import calling, serving

logger = logging.getLogger(__name__)

PAUSE = 0.2
"""Seconds between looks at the queue."""
TIDY = 60.0
"""Seconds between looks for what has to be freed, abandoned or purged."""


class Service:
    """A node on the queue of its config. Several processes may share a queue; one of them receives."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._queue = Queue(Path(config.queue))
        self._door = FileLock(self._queue.folder / "receiver.lock")
        self._receiver: Receiver | None = None
        self._workflow: Workflow | None = None
        self._threads: list[Thread] = []
        self._ended = Event()
        self._began = time.time()

    def run(self) -> None:
        """Until a signal, after which the study under way is finished. Raises InputError where it cannot start."""
        heed_signals()
        with held():
            self._start()
            logger.info("ready")
            while not interrupted():
                if self._workflow is None or not self._process_next(self._workflow):
                    time.sleep(PAUSE)
            logger.info("ending")
            self._stop()

    def _start(self) -> None:
        config, queue = self._config, self._queue
        if config.receive or config.fetch:
            try:
                self._door.acquire(blocking=False)
            except Timeout as error:
                raise InputError("another process receives into this queue: leave out `receive` and `fetch`") from error
            clean(queue)
        recover(queue)
        if config.process:
            self._workflow = Workflow(config.inference, config.least_trust)
            self._every(PAUSE, self._send_next)
        self._every(TIDY, self._tidy)
        self._every(config.status_every_s, self._report)
        if config.fetch:
            self._every(config.fetch.every_s, Fetcher(config, queue).look)
        if config.receive:
            self._receiver = Receiver(config, queue)
            self._receiver.start()

    def _stop(self) -> None:
        if self._receiver is not None:
            self._receiver.stop()
        self._ended.set()
        for thread in self._threads:
            thread.join()
        self._report()
        self._queue.close()

    def _process_next(self, workflow: Workflow) -> bool:
        """Do the study that has waited longest; False if none waits."""
        queue, config = self._queue, self._config
        study = queue.claim("receiving", config.complete_after_s)
        if study is None:
            return False
        if queue.is_repeated(study):
            logger.info("study %s: came again as it was done before, nothing to do", study.id)
            queue.drop_repeated(study)
        elif study.attempts > config.attempts:  # each of which ended this process
            self._failed(study, f"not done in {config.attempts} attempts", passing=False)
        else:
            self._process(workflow, study)
        return True

    def _process(self, workflow: Workflow, study: Study) -> None:
        queue = self._queue
        work = queue.files.work / study.id
        try:
            made = workflow.run(queue.study_folder(study.uid), work)
        except Failure as failure:
            self._failed(study, str(failure), failure.passing)
        except Exception as error:  # whatever a disk or a library causes: the node goes on
            self._failed(study, type(error).__name__, passing=True, error=error)
        else:
            if made is None:
                queue.give_back(study)
            else:
                queue.put_results(study, made.files, made.seconds)
                trust = ", ".join(f"{name} {value}" for name, value in made.trust.items())
                logger.info("study %s: %s, %.1f s", study.id, trust, made.seconds)
        shutil.rmtree(work, ignore_errors=True)

    def _send_next(self) -> None:
        """Send the results that have waited longest."""
        queue = self._queue
        study = queue.claim("sending")
        if study is None:
            return
        try:
            trouble = self._send(study)
        except Refused as refusal:
            self._failed(study, str(refusal), passing=True)
        except Exception as error:  # as above
            self._failed(study, type(error).__name__, passing=True, error=error)
        else:
            if trouble:
                wait = self._backoff(study.attempts)
                queue.postpone(study, wait, trouble)
                logger.warning("study %s: %s; again in %.0f s", study.id, trouble, wait)
            else:
                queue.finish(study)
                logger.info("study %s: sent", study.id)

    def _send(self, study: Study) -> str:
        """Send to each destination what it lacks; returns which are away, and what they said. Raises `Refused`."""
        queue, trouble = self._queue, []
        for destination in self._config.send:  # one that is away keeps nothing from the others
            name = destination.name
            try:
                send(destination, queue.to_send(study, name), lambda uid, name=name: queue.confirm(uid, name))
            except Unreachable as away:
                trouble.append(str(away))
        return "; ".join(trouble)

    def _failed(self, study: Study, reason: str, passing: bool, error: Exception | None = None) -> None:
        if passing and study.attempts < self._config.attempts:
            self._queue.postpone(study, self._backoff(study.attempts), reason)
            logger.warning("study %s: %s; will be tried again", study.id, reason, exc_info=error)
        else:
            self._queue.put_aside(study, reason)
            logger.error("study %s: aside, %s", study.id, reason, exc_info=error)

    def _backoff(self, attempts: int) -> float:
        return min(self._config.retry_s * 2 ** min(attempts - 1, 20), self._config.longest_retry_s)

    def _tidy(self) -> None:
        queue, config = self._queue, self._config
        freed = recover(queue)
        abandoned = abandon(queue, config.abandoned_after_s)
        for text, count in (("taken over from a process that has ended", freed), ("aside, cut off", abandoned)):
            if count:
                logger.warning("%d studies %s", count, text)
        purge(queue, "done", config.keep_done_h * 3600)
        purge(queue, "aside", config.keep_aside_h * 3600)

    def _report(self) -> None:
        write_status(self._queue, self._config.least_free_mb, self._began)

    def _every(self, seconds: float, step: Callable[[], None]) -> None:
        """Start a thread that takes a step every so often; a step that fails is told and costs only itself."""

        def steps() -> None:
            while not self._ended.is_set():
                try:
                    step()
                except Exception as error:  # whatever a disk or a library causes: the next step may work
                    logger.error("%s: %s", step.__qualname__, type(error).__name__, exc_info=error)
                self._ended.wait(seconds)

        thread = Thread(target=steps, name=step.__qualname__, daemon=True)
        thread.start()
        self._threads.append(thread)


def check(config: Config) -> None:
    """Look at what a node would need, and start nothing. Raises InputError."""
    for tls in [config.receive.tls] if config.receive else []:
        if tls is not None:
            serving(tls)
    for destination in config.send:
        if destination.tls is not None:
            calling(destination.tls)
    if config.process:
        Workflow(config.inference, config.least_trust)
    logger.info("the config is right")
