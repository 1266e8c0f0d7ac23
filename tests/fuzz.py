"""Damaged files through the whole reading path: `python tests/fuzz.py --count 5000 --seed 0` prints their outcomes.

Each case, a file or a folder of files, is a small CT of one of the kinds that are read, damaged by one to three
mutations. It is read in a forked process, by what runs in that of `custom.runtime.isolation`, and must be read, or
refused by name; a decoder that ends the process refuses the case by the decoder's name. Whatever else happens is a
finding: a hang, memory beyond a limit that is tighter than there, an exception of another kind, a file that was
touched. The command exits with 1 where there was one. Number i of a seed is the same case each time; `--first i --count
1 --keep FOLDER` writes it into a folder.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import resource
import signal
import sys
import tempfile
import warnings
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import numpy as np
from mutations import Files, damaged, undamaged
from tqdm import tqdm

from custom.inputs import Findings, InputError
from custom.reading.ct import read_ct

MEMORY = 2**30
"""Bytes that reading may add to the address space."""
TIME = 120.0
"""Seconds that reading one case may take."""
FORK = multiprocessing.get_context("fork")


class Case(NamedTuple):
    kind: str
    name: str
    """Of the file or folder that is read."""
    files: Files

    def write(self, folder: Path) -> Path:
        """What is read, in `folder`."""
        for file, content in self.files.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes(content)
        return folder / self.name

    def is_untouched(self, folder: Path) -> bool:
        """Whether `folder` holds what was written, and nothing else."""
        there = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        return there == self.files


class Ending(NamedTuple):
    """How the reading of a case ended."""

    outcome: str
    """`read`, `refused: NAME`, or what was found."""
    finding: bool
    said: str = ""


class Cases:
    """All cases of a seed, by number."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.sound = [Case(kind, name, files) for kind, (name, files) in undamaged().items()]

    def __getitem__(self, number: int) -> Case:
        chance = random.Random(f"{self.seed} {number}")
        case = chance.choice(self.sound)
        return case._replace(files=damaged(case.files, chance))


class Reader:
    """A forked process that reads cases, replaced where one ends it."""

    def __init__(self) -> None:
        self._start()

    def read(self, case: Case) -> Ending:
        """How it ends; where its process ends, the case is refused as `run_isolated` would, by what was begun."""
        self._pipe.send(case)
        begun = ""
        try:
            while self._pipe.poll(TIME):
                ended = self._pipe.recv()
                if isinstance(ended, Ending):
                    return ended
                begun = ended
            ended = Ending("hang", True)
        except EOFError:
            ended = Ending(f"refused: `{begun}`", not begun)
        self.stop()
        self._start()
        return ended

    def stop(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.join()

    def _start(self) -> None:
        self._pipe, other = FORK.Pipe()
        self._process = FORK.Process(target=_serve, args=(other, self._pipe), daemon=True)
        self._process.start()
        other.close()


class Told(Findings):
    """Findings whose beginnings are told, as `custom.runtime.isolation` has them."""

    def __init__(self, pipe: Connection) -> None:
        super().__init__()
        self._pipe = pipe

    def begin(self, what: str, outcome: str) -> None:
        self._pipe.send(outcome)


def _serve(pipe: Connection, other: Connection) -> None:
    os.setpgid(0, 0)
    other.close()  # so that the end of the process that asks is noticed
    for stream in (0, 1, 2):
        os.dup2(os.open(os.devnull, os.O_RDWR), stream)
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while True:
        case = pipe.recv()
        with tempfile.TemporaryDirectory() as folder:
            ended = _ending(case.write(Path(folder)), Told(pipe))
            pipe.send(ended if case.is_untouched(Path(folder)) else Ending("touched", True))


def _ending(path: Path, findings: Findings) -> Ending:
    try:
        facts, values = read_ct(str(path), findings)
    except InputError as refused:
        return Ending(f"refused: `{refused.outcome}`", str(path.parent) in str(refused), str(refused))
    except BaseException as error:
        return Ending(f"not named: {type(error).__name__}", True, str(error))
    whole = np.isfinite(values).all() and np.isfinite(facts["affine"]).all()
    return Ending("read", False) if whole else Ending("not finite", True)


def run(numbers: range, seed: int, keep: Path | None = None) -> tuple[Counter, int]:
    """Number of cases by kind and outcome, and number of findings; all cases are written into the folder `keep`."""
    cases = Cases(seed)
    for case in cases.sound:  # what a first reading loads is then not loaded in each process
        with tempfile.TemporaryDirectory() as folder:
            read_ct(str(case.write(Path(folder))), Findings())
    outcomes: Counter = Counter()
    findings = 0
    reader = Reader()
    for number in tqdm(numbers, unit="case"):
        case = cases[number]
        ended = reader.read(case)
        outcomes[case.kind, ended.outcome] += 1
        if ended.finding:
            findings += 1
            tqdm.write(f"case {number}, {case.kind}: {ended.outcome} {ended.said}", file=sys.stderr)
        if keep is not None:
            case.write(keep / str(number))
    reader.stop()
    return outcomes, findings


def table(outcomes: Counter) -> str:
    """Kinds down, what became of them across, and below the names of refusals."""
    kinds, names = sorted({kind for kind, _ in outcomes}), Counter()
    lines = ["| kind | cases | read | refused by name | findings |", "|---|---|---|---|---|"]
    for kind in [*kinds, "all"]:
        counts = Counter()
        for (of, outcome), count in outcomes.items():
            if kind in (of, "all"):
                counts["read" if outcome == "read" else outcome.split(":")[0]] += count
                names[outcome.removeprefix("refused: ")] += count if kind == "all" and "refused" in outcome else 0
        read, refused = counts.pop("read", 0), counts.pop("refused", 0)
        lines.append(f"| {kind} | {read + refused + counts.total()} | {read} | {refused} | {counts.total()} |")
    listed = ", ".join(f"{name} {count}" for name, count in names.most_common() if count)
    return "\n".join(lines) + f"\n\nThe names: {listed}."


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--count", type=int, default=5000, help="number of cases")
    arguments.add_argument("--first", type=int, default=0, help="number of the first case")
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--keep", type=Path, help="folder that all cases are written into")
    asked = arguments.parse_args()
    warnings.simplefilter("ignore")  # pydicom's, on the damaged values that are written here
    outcomes, findings = run(range(asked.first, asked.first + asked.count), asked.seed, asked.keep)
    print(table(outcomes))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
