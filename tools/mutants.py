"""Mutants of the modules where an error would look like a result, each tested by the module's own tests.

    python tools/mutants.py run [module ...]    # what is not killed yet; a module that has changed begins anew
    python tools/mutants.py table               # as Markdown: killed, survived, and which survived

Cosmic Ray makes the mutants and keeps the results, a file in `.mutants` for each module. A mutant is tested in a fork
of one process that has imported the libraries and nothing of ours, so each takes as long as the tests alone; no file
is ever changed.
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
from contextlib import AbstractContextManager
from importlib.machinery import SourceFileLoader
from pathlib import Path

from cosmic_ray.commands.init import _all_work_items as work_items
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import MutationSpec, TestOutcome, WorkerOutcome, WorkItem, WorkResult

ROOT = Path(__file__).resolve().parents[1]
SESSIONS = ROOT / ".mutants"
GEOMETRY = "distance_field intersections isosurface normals subdivision surface_distance surface_sampling"
TESTS = {
    "custom/sampling.py": ["tests/test_sampling.py"],
    "custom/frames.py": ["tests/test_frames.py"],
    "custom/data/labels.py": ["tests/data/test_labels.py"],
    "custom/inference/quality/doubt.py": ["tests/inference/quality/test_doubt.py"],
    "custom/inference/writing/mesh_files.py": ["tests/inference/writing/test_mesh_files.py"],
    "custom/dicom/stacking.py": ["tests/dicom/test_tolerances.py", "tests/dicom/test_stacking.py"],
    **{
        f"custom/dicom/{module}.py": [f"tests/dicom/test_{name}.py" for name in ("choosing", "tolerances", "series")]
        for module in ("series", "stack")
    },
    **{f"custom/geometry/{name}.py": [f"tests/geometry/test_{name}.py"] for name in GEOMETRY.split()},
    "custom/geometry/triangles.py": ["tests/geometry/test_triangles.py", "tests/geometry/test_surface_distance.py"],
    "custom/geometry/mending/fairing.py": ["tests/geometry/test_fairing.py"],
    "custom/geometry/mending/outliers.py": ["tests/geometry/test_outliers.py"],
    "custom/geometry/mending/umbrella.py": ["tests/geometry/test_fairing.py"],
    "custom/geometry/mending/untangling.py": ["tests/geometry/test_untangling.py"],
    "custom/geometry/mending/vertex_graph.py": ["tests/geometry/test_vertex_graph.py"],
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
    for module in modules or TESTS:
        source = (ROOT / module).read_text()
        with _session(module) as session:
            if any(result.output != _digest(source) for _, result in session.results) or not session.num_work_items:
                session.clear()
                session.add_work_items(_mutations(module, source))
            began = time.monotonic()
            if _tested(module, source, 600.0) != 0:
                raise SystemExit(f"{module}: its own tests fail without any mutation")
            limit = 10 + SLOWER * (time.monotonic() - began)
            killed = {job for job, result in session.results if result.is_killed}
            for item in session.work_items:
                if item.job_id not in killed:
                    failed = _tested(module, _mutant(source, item.mutations[0]), limit) != 0
                    outcome = TestOutcome.KILLED if failed else TestOutcome.SURVIVED
                    session.set_result(item.job_id, WorkResult(WorkerOutcome.NORMAL, _digest(source), outcome))
            print(_line(module, session), flush=True)


def table() -> None:
    """Print what has been found, and the line of each mutant that survived."""
    print("| module | mutants | killed | survived | not run |\n|---|---|---|---|---|")
    survived = []
    for module in TESTS:
        source = (ROOT / module).read_text()
        with _session(module) as session:
            print(_line(module, session))
            mutations = [item.mutations[0] for item, result in session.completed_work_items if not result.is_killed]
        for mutation in sorted(mutations, key=lambda mutation: mutation.start_pos):
            number = mutation.start_pos[0]
            before, after = (text.splitlines()[number - 1].strip() for text in (source, _mutant(source, mutation)))
            survived.append(f"- {module}:{number} `{before}` → `{after}`")
    print("", *survived, sep="\n")


def _session(module: str) -> AbstractContextManager[WorkDB]:
    SESSIONS.mkdir(exist_ok=True)
    return use_db(SESSIONS / f"{module.replace('/', '.')}.sqlite")


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


def _line(module: str, session: WorkDB) -> str:
    done = [result.is_killed for _, result in session.results]
    mutants, killed = session.num_work_items, sum(done)
    return f"| `{module}` | {mutants} | {killed} | {len(done) - killed} | {mutants - len(done)} |"


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    {"run": lambda: run(arguments), "table": table}[command]()
