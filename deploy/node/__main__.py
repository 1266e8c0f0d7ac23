"""`python -m deploy.node CONFIG`: run the node; `--check`, `--status`, `--aside` and `--retry ID` look after it."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from pathlib import Path

from custom.inputs import InputError
from custom.runtime.errors import explain

from .config import read_config

logger = logging.getLogger("deploy.node")


def main() -> int:
    """The exit code: 0 when the node was ended by a signal, 1 if it could not go on, 2 if the call was wrong."""
    parser = argparse.ArgumentParser(prog="python -m deploy.node", description=__doc__)
    parser.add_argument("config", type=Path, help="the config file")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="look at config, certificates and weights, and end")
    what.add_argument("--status", action="store_true", help="print the numbers of a node that runs")
    what.add_argument("--aside", action="store_true", help="list the studies that were put aside, with reasons")
    what.add_argument("--retry", metavar="ID", help="put such a study back into the queue")
    call = parser.parse_args()
    os.umask(0o077)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    for library in ("pynetdicom", "dicomweb_client", "urllib3"):  # they tell of callers, UIDs and addresses
        logging.getLogger(library).setLevel(logging.CRITICAL)
    try:
        return _run(call)
    except Exception as error:
        outcome, sentence = explain(error)
        if outcome == "error":
            raise
        logger.error("%s", sentence)
        return 1 if outcome in ("memory", "gpu_memory") else 2


def _run(call: argparse.Namespace) -> int:
    config = read_config(call.config)
    folder = Path(config.queue)
    if call.status:
        from .status import FILE, read_status

        if not (folder / FILE).is_file():
            raise InputError("there is no status yet: has the node been started?")
        print(read_status(folder), end="")
    elif call.aside or call.retry:
        from .queue import Queue

        if not folder.is_dir():
            raise InputError("there is no queue yet: has the node been started?")
        queue = Queue(folder)
        try:
            if call.aside:
                print(json.dumps(queue.aside(), indent=2))
            elif not queue.retry(call.retry):
                raise InputError("no study of this id is aside with its files")
        finally:
            queue.close()
    else:
        from .service import Service, check  # only here: importing the networks takes seconds

        check(config) if call.check else Service(config).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
