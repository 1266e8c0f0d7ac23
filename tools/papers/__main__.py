"""`python -m tools.papers OUT --junit RESULTS.xml ...` writes the papers and their checksums.

Exit code 1 if a hazard has a named test that did not pass in these runs; the papers are written all the same.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

from .documents import papers, unproven
from .results import Results


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.papers", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where to write them")
    parser.add_argument("--junit", type=Path, nargs="*", default=[], help="what pytest --junitxml wrote")
    call = parser.parse_args()
    results = Results(call.junit)
    call.folder.mkdir(parents=True, exist_ok=True)
    sums = []
    for name, text in sorted(papers(results).items()):
        (call.folder / name).write_text(text)
        sums.append(f"{hashlib.sha256(text.encode()).hexdigest()}  {name}\n")
    (call.folder / "SHA256SUMS").write_text("".join(sums))
    open_hazards = unproven(results)
    for line in open_hazards:
        print(f"not shown: {line}", file=sys.stderr)
    return 1 if open_hazards else 0


if __name__ == "__main__":
    sys.exit(main())
