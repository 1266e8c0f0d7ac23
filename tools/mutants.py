"""Mutants of the modules where an error would look like a result, each tested by the module's own tests.

    python tools/mutants.py run [module ...]    # what is not killed yet; a module that has changed begins anew
    python tools/mutants.py table               # as Markdown: killed, survived, and which survived

Cosmic Ray makes the mutants and keeps the results in `mutants.sqlite`. A mutant is tested in a fork of one process that
has imported the libraries and nothing of ours, so each takes as long as the tests alone; no file is ever changed.
"""

from __future__ import annotations

import ast
import gc
import hashlib
import importlib
import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path

from cosmic_ray.commands.init import _all_work_items as work_items
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import MutationSpec, TestOutcome, WorkerOutcome, WorkItem, WorkResult

ROOT = Path(__file__).resolve().parents[1]
SESSION = ROOT / "mutants.sqlite"
GEOMETRY = (
    "distance_field fairing intersections isosurface normals strays subdivision surface_distance surface_sampling"
)
TESTS = {
    "custom/sampling.py": ["tests/test_sampling.py"],
    "custom/frames.py": ["tests/test_frames.py"],
    "custom/data/labels.py": ["tests/data/test_labels.py"],
    "custom/inference/doubt.py": ["tests/inference/test_doubt.py"],
    "custom/inference/mesh_files.py": ["tests/inference/test_mesh_files.py"],
    "custom/dicom/placing.py": ["tests/dicom/test_tolerances.py", "tests/dicom/test_placing.py"],
    "custom/dicom/series.py": [f"tests/dicom/test_{name}.py" for name in ("choosing", "tolerances", "series")],
    **{f"custom/geometry/{name}.py": [f"tests/geometry/test_{name}.py"] for name in GEOMETRY.split()},
    "custom/geometry/triangles.py": ["tests/geometry/test_triangles.py", "tests/geometry/test_surface_distance.py"],
    "custom/geometry/umbrella.py": ["tests/geometry/test_fairing.py"],
    "custom/geometry/untangling.py": ["tests/geometry/test_untangling.py"],
    "custom/geometry/vertex_graph.py": ["tests/geometry/test_strays.py", "tests/geometry/test_untangling.py"],
    "custom/geometry/winding.py": ["tests/geometry/test_winding.py"],
}
"""Modules and the tests that must kill their mutants."""
OPERATORS = re.compile(
    "core/(Replace(BinaryOperator_(Add_Sub|Sub_Add|Mul_Div|Div_Mul|FloorDiv_Mul|Mod_FloorDiv|Pow_Mul|LShift_RShift|"
    "RShift_LShift|BitOr_BitAnd|BitAnd_BitOr)|ComparisonOperator_(Eq_NotEq|NotEq_Eq|Lt_LtE|Lt_GtE|LtE_Lt|LtE_Gt|Gt_GtE|"
    "Gt_LtE|GtE_Gt|GtE_Lt|Is_IsNot|IsNot_Is)|UnaryOperator_(USub_UAdd|Delete_Invert|Delete_Not)|TrueWithFalse|"
    "FalseWithTrue|AndWithOr|OrWithAnd|BreakWithContinue|ContinueWithBreak)|ExceptionReplacer|NumberReplacer|"
    "RemoveDecorator|ZeroIterationForLoop)"
)
"""Of an operator its opposite, and of a comparison its boundary: all replacements by all others say little more."""
SLOWER = 5
"""A mutant may take so many times as long as the module does, and 10 s: one that hangs counts as killed."""
LIBRARIES = ("torch", "monai.transforms", "pydicom.pixels", "highdicom", "igl", "trimesh", "nibabel", "SimpleITK")


def run(modules: list[str]) -> None:
    """Test the mutants of the modules that no test has killed yet."""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    for name in ("pytest", *LIBRARIES):
        importlib.import_module(name)
    gc.freeze()  # or every fork would copy what the libraries hold
    with use_db(SESSION) as session:
        for module in modules or TESTS:
            source = (ROOT / module).read_text()
            _renew(session, module, source)
            began = time.monotonic()
            if _tested(module, source, 600.0) != 0:
                raise SystemExit(f"{module}: its own tests fail without any mutation")
            limit = 10 + SLOWER * (time.monotonic() - began)
            killed = {job for job, result in session.results if result.is_killed}
            for item in session.work_items:
                if item.mutations[0].module_path == Path(module) and item.job_id not in killed:
                    mutant = _mutant(source, item.mutations[0])
                    failed = _tested(module, mutant, limit) != 0
                    outcome = TestOutcome.KILLED if failed else TestOutcome.SURVIVED
                    session.set_result(item.job_id, WorkResult(WorkerOutcome.NORMAL, _digest(source), outcome))
            print(_line(session, module), flush=True)


def table() -> None:
    """Print what the session holds, and the line of each mutant that survived."""
    with use_db(SESSION) as session:
        print("| module | mutants | killed | survived | not run |\n|---|---|---|---|---|")
        for module in TESTS:
            print(_line(session, module))
        for module in TESTS:
            lines = (ROOT / module).read_text().splitlines()
            for item, result in sorted(session.completed_work_items, key=lambda pair: pair[0].mutations[0].start_pos):
                mutation = item.mutations[0]
                if mutation.module_path == Path(module) and not result.is_killed:
                    number = mutation.start_pos[0]
                    mutated = _mutant("\n".join(lines) + "\n", mutation).splitlines()[number - 1]
                    print(f"- {module}:{number} `{lines[number - 1].strip()}` → `{mutated.strip()}`")


def _renew(session: WorkDB, module: str, source: str) -> None:
    """Enter a module's mutants, unless those of this very source are there."""
    known = [item for item in session.work_items if item.mutations[0].module_path == Path(module)]
    results = dict(session.results)
    if known and all(results[item.job_id].output == _digest(source) for item in known if item.job_id in results):
        return
    kept = [(item, results.get(item.job_id)) for item in session.work_items if item not in known]
    session.clear()
    session.add_work_items([item for item, _ in kept] + list(_mutations(module, source)))
    for item, result in kept:
        if result is not None:
            session.set_result(item.job_id, result)


def _mutations(module: str, source: str) -> Iterator[WorkItem]:
    """One work item for every mutant that is another program."""
    seen = {None, _program(source)}
    for item in work_items([Path(module)], {}):
        if OPERATORS.fullmatch(item.mutations[0].operator_name):
            program = _program(_mutant(source, item.mutations[0]))
            if program not in seen:
                seen.add(program)
                yield item


def _program(source: str) -> str | None:
    """The source without its annotations, which nothing evaluates; None where it is no program."""
    try:
        tree = ast.parse(source)
    except SyntaxError:  # the stars of arguments count as operators
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        if isinstance(node, ast.arg):
            node.annotation = None
        if isinstance(node, ast.AnnAssign):
            node.annotation = ast.Name("Any")
    return ast.dump(tree)


def _mutant(source: str, mutation: MutationSpec) -> str:
    operator = get_operator(mutation.operator_name)(**mutation.operator_args)
    return mutate_code(source, operator, mutation.occurrence)


def _tested(module: str, source: str, limit: float) -> int:
    """Exit status of a module's tests with `source` in its place; that of a killed process where they took too long."""
    with tempfile.TemporaryDirectory() as folder:
        child = os.fork()
        if child == 0:
            os.setsid()
            os._exit(_in_fork(module, source, folder))
        ends = time.monotonic() + limit
        while True:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                return status
            if time.monotonic() > ends:
                os.killpg(child, signal.SIGKILL)
                return os.waitpid(child, 0)[1]
            time.sleep(0.01)


def _in_fork(module: str, source: str, folder: str) -> int:
    import pytest

    path, own = str(ROOT / module), SourceFileLoader.get_code
    code = compile(source, path, "exec")
    SourceFileLoader.get_code = lambda self, name: code if self.path == path else own(self, name)
    sys.path.insert(0, str(ROOT))
    os.chdir(ROOT)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    plugins = [
        part for name in ("cacheprovider", "unraisableexception", "faulthandler") for part in ("-p", f"no:{name}")
    ]
    return int(pytest.main(["-x", "-q", "-m", "not slow", *plugins, "--basetemp", f"{folder}/t", *TESTS[module]]))


def _digest(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()


def _line(session: WorkDB, module: str) -> str:
    results = dict(session.results)
    items = [item for item in session.work_items if item.mutations[0].module_path == Path(module)]
    done = [results[item.job_id].is_killed for item in items if item.job_id in results]
    return f"| `{module}` | {len(items)} | {sum(done)} | {len(done) - sum(done)} | {len(items) - len(done)} |"


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    {"run": lambda: run(arguments), "table": table}[command]()
