"""The working tree and a revision of it side by side, for benchmarks that compare the two."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


@contextmanager
def trees(against: str | None) -> Iterator[dict[str, Path]]:
    """Name to folder: the working tree and, if one is given, a revision of git, checked out while this lasts."""
    if against is None:
        yield {"working tree": ROOT}
        return
    with TemporaryDirectory() as folder:
        place = Path(folder) / "tree"
        _git("worktree", "add", "--detach", "--quiet", str(place), against)
        try:
            yield {against: place, "working tree": ROOT}
        finally:
            _git("worktree", "remove", "--force", str(place))


def measured(script: str, tree: Path, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What a script of this folder prints as its last line, as JSON, in a process that imports a tree's package.

    Raises CalledProcessError where it fails.
    """
    path = os.pathsep.join(filter(None, [str(tree), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path}
    command = [sys.executable, "-P", str(ROOT / "benchmarks" / script), str(tree), json.dumps(arguments)]
    done = subprocess.run(command, cwd=tree, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def processor() -> str:
    """The CPU's name and the instructions that matter here, and how many cores of it there are."""
    name, flags = sys.platform, ""
    if Path("/proc/cpuinfo").exists():
        facts = dict(line.split(":", 1) for line in Path("/proc/cpuinfo").read_text().splitlines() if ":" in line)
        facts = {key.strip(): value.strip() for key, value in facts.items()}
        name, flags = facts.get("model name", name), facts.get("flags", "")
    known = [flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if flag in flags.split()]
    return f"{os.cpu_count()} cores of {name} ({', '.join(known) or 'no vector instructions known'})"


def _git(*words: str) -> None:
    subprocess.run(["git", "-C", str(ROOT), *words], check=True, stdout=subprocess.DEVNULL)
