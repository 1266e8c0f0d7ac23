"""One inference of the package that is on the path, timed: `one_case.py TREE '{"input": ..., "output_dir": ...}'`.

The case goes through the tree's own configuration twice; the second time counts, for the first loads libraries. Prints
JSON: `whole`, the wall-clock seconds of the second time, files included; `parts`, as the report has them; `start`, the
seconds from the process's start to the first case, and `monai`, those of importing MONAI; `memory`, the most that this
process held and the most that one which it started did, MiB together.
"""

import json
import logging
import resource
import sys
import time
from pathlib import Path

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
timed = time.perf_counter()
evaluator.run()
whole = time.perf_counter() - timed
(report,) = Path(keys["output_dir"]).glob("*_report.json")
peaks = [resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
answer = {"whole": whole, "parts": json.loads(report.read_text())["seconds"], "start": begun, "monai": monai}
print(json.dumps({**answer, "memory": sum(peaks)}))
