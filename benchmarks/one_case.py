"""One inference of the package that is on the path, timed: `one_case.py TREE '{"input": ..., "output_dir": ...}'`.

The case goes through the tree's own configuration twice; the second time counts, for the first loads libraries. Prints
JSON: `whole`, the wall-clock seconds of the second time, files included; `parts`, as the report has them; `start`, the
seconds from the process's start to the first case, and `monai`, those of importing MONAI; `memory`, the most that this
process and those that it started held at once in the second time, MiB; and the report's `device`, `amp` and
`peak_memory_mib`, on CUDA that of the device.
"""

import json
import logging
import os
import sys
import time
from pathlib import Path
from threading import Event, Thread

start = time.perf_counter()
from monai.bundle import ConfigWorkflow  # noqa: E402
from monai.engines import SupervisedEvaluator  # noqa: E402, F401

monai = time.perf_counter() - start
tree, keys = Path(sys.argv[1]), json.loads(sys.argv[2])
logging.disable(logging.INFO)
workflow = ConfigWorkflow(
    config_file=str(tree / "bundle" / "configs" / "inference.json"),
    workflow_type="inference",
    logging_file=False,
    bundle_root=str(tree / "bundle"),
    **keys,
)
workflow.initialize()
evaluator = workflow.evaluator
begun = time.perf_counter() - start
workflow.run()


def resident(process: str) -> int:
    """KiB that a process and its children hold."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:  # it has ended
        return 0
    own = next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")), 0)
    return own + sum(map(resident, children))


def watch() -> None:
    while not ended.wait(0.02):
        peak[0] = max(peak[0], resident(str(os.getpid())))


peak, ended = [0], Event()
watching = Thread(target=watch)
watching.start()
timed = time.perf_counter()
evaluator.run()
whole = time.perf_counter() - timed
(report,) = Path(keys["output_dir"]).glob("*_report.json")
ended.set()
watching.join()
told = json.loads(report.read_text())
answer = {"whole": whole, "parts": told["seconds"], "start": begun, "monai": monai, "memory": peak[0] / 1024}
print(json.dumps({**answer, **{key: told[key] for key in ("device", "amp", "peak_memory_mib")}}))
