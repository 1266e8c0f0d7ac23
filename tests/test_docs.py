"""The docs keep their word: their commands exist and (slow) run, their links lead somewhere, messages are quoted."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import nibabel
import numpy as np
import pytest
import warm_python

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "RELEASING")),
    *sorted((ROOT / "bundle" / "docs").glob("*.md")),
]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)\)")

# What makes a command small enough for a test; later ones join earlier ones.
SMALL = [
    (r"run training", "--max_steps 1 --num_workers 0 --validation_count 1"),
    (r"configs/(train|pretrain)\.json", "--volume_size 32"),
    (r"configs/train\.json(?!.*(dataset_dir|data_list))", "--generated_count 3"),
    (
        r"configs/train\.json(?!.*(dataset_dir|data_list))",
        "--generated_volume#0#shape '[36,36,36]' --generated_volume#0#spacing '[6.0,6.0,6.0]'",
    ),
    (r"train_locator", "--generated_count 3 --volume_size 32 --spacing 10.0 --painted_shape '[40,32,40]'"),
    (r"train_locator", "--smallest_field 12 --largest_tight_field 20"),
    (r"run training.*pretrain\.json", "--output_dir runs/pretrain"),
    (r"run training.*train_locator\.json", "--output_dir runs/locator"),
    (r"run training(?!.*(output_dir|pretrain|locator))", "--output_dir runs/train"),
    (
        r"run training.*torchrun|torchrun.*run training",
        "--generated_count 4 --validation_count 2 --device \"$torch.device('cpu')\" --amp False",
    ),
    (r"synthesize", "--count 1 --shape '(64,64,56)' --spacing '(2.6,2.6,2.6)'"),
    (r"--phases", "--phases 2"),
    (r"run (inference|evaluation)", "--test_time_augmentation '[]' --device cpu"),
]


def blocks(language: str) -> list[tuple[str, str]]:
    """Page and content of each fenced block."""
    return [
        (page.name, content) for page in PAGES for kind, content in FENCE.findall(page.read_text()) if kind == language
    ]


def commands() -> list[tuple[str, str]]:
    """Page and text of each command line, continued lines joined."""
    lines = [(page, line) for page, block in blocks("sh") for line in block.replace("\\\n", " ").splitlines()]
    return [(page, re.sub(r"\s+", " ", line.split(" # ")[0]).strip()) for page, line in lines if line.strip()]


COMMANDS = commands()


@pytest.mark.parametrize(("page", "command"), COMMANDS, ids=[command[:60] for _, command in COMMANDS])
def test_every_command_names_what_exists(page, command):
    words = shlex.split(command)
    if words[0] == "make":
        assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
        return
    assert words[0] in ("python", "torchrun")
    if "monai.bundle" in words and "--config_file" in words:
        given = words[words.index("--config_file") + 1]
        files = re.findall(r"/(configs/[\w/]+\.json)", given)
        keys = {key for file in files for key in json.loads((ROOT / "bundle" / file).read_text())}
        own = {"config_file", "meta_file", "net_id", "filepath", "ckpt_file"}
        for word in words:
            if word.startswith("--") and word != "--nproc_per_node":
                assert re.split("[#:]", word[2:])[0] in keys | own, word
    elif "-m" in words and words[words.index("-m") + 1].startswith(("custom", "benchmarks")):
        module = ROOT / words[words.index("-m") + 1].replace(".", "/")
        assert module.with_suffix(".py").is_file() or (module / "__main__.py").is_file()
    elif words[1].endswith(".py"):
        assert (ROOT / words[1]).is_file()


def test_links_lead_somewhere():
    for page in PAGES:
        for target in LINK.findall(page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_troubleshooting_quotes_the_program():
    """Every message and every short name in the tables on refusals is one of the sources."""
    page = (ROOT / "bundle" / "docs" / "troubleshooting.md").read_text()
    sources = "\n".join(path.read_text() for path in (ROOT / "custom").rglob("*.py"))
    literal = re.sub(r'"\s*\n\s*f?"', "", sources)  # strings that go on in the next line
    rows = [line.split("|")[1] for line in page.split("## The surfaces")[0].splitlines() if line.startswith("| `")]
    quoted = [phrase for row in rows for phrase in re.findall(r"`([^`]+)`", row)]
    assert len(quoted) > 20
    assert [phrase for phrase in quoted if phrase not in literal] == []


def test_the_table_of_faults_names_tests_that_exist():
    rows = [line for line in (ROOT / "bundle/docs/faults.md").read_text().splitlines() if re.match(r"\| \d", line)]
    assert len(rows) > 40
    for row in rows:
        cell = row.split(" | ")[3]
        sources = [(ROOT / "tests" / path).read_text() for path in re.findall(r"`([\w/]+\.py)`", cell)]
        names = [name for name in re.findall(r"`…([^`]+?)…?`", cell)]
        assert (sources or "`reading/`" in cell) and all(name in "".join(sources) for name in names), row


@pytest.fixture(scope="module")
def workspace(tmp_path_factory) -> Path:
    """A copy of what the commands use, a small generated CT and labelled data."""
    folder = tmp_path_factory.mktemp("workspace")
    shutil.copytree(ROOT / "bundle", folder / "bundle")
    for name in ("custom", "benchmarks", "tools", "pyproject.toml"):
        (folder / name).symlink_to(ROOT / name)
    small = ["--count", "3", "--shape", "(64,64,56)", "--spacing", "(2.6,2.6,2.6)"]
    run(["-m", "custom", "synthesize", "DATA", *small], folder)
    shutil.copy(folder / "DATA" / "images" / "patient_000001.nii.gz", folder / "ct.nii.gz")
    for file in (folder / "DATA" / "labels").iterdir():  # the values of MM-WHS, which the README maps
        label = nibabel.load(file)
        values = np.array([0, 420, 500], np.int16)[np.asarray(label.dataobj).astype(int)]
        nibabel.save(nibabel.Nifti1Image(values, label.affine), file)
    archive = run([ROOT / "tools" / "bundle_zip.py", folder], folder)
    shutil.unpack_archive(archive.strip(), folder)
    return folder


def run(words: list[str | Path], folder: Path) -> str:
    """What `python *words` prints, in a folder."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
    command = [warm_python.executable(), *words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


# after one step of training these systems see no chamber; test_baselines.py trains them for longer
UNFIT = re.compile(r"^(make|sha256sum)|run inference.*baselines/(unet|occupancy)|custom volume_mesh")
RUNNABLE = [command for _, command in COMMANDS if not UNFIT.search(command)]


LONG = re.compile(
    "custom (export|methods)|ckpt_export|torchscript|exported|baselines/|torchrun|run evaluation|pretrain|train_locator"
    "|--phase"
)


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        pytest.param(command, id=command[:80], marks=[pytest.mark.long] if LONG.search(command) else [])
        for command in RUNNABLE
    ],
)
def test_every_command_runs(command, workspace):
    """In the order of the pages: some use what earlier ones wrote.

    The README's training is no long test: a long one that needs its result takes the shipped weights where it is not.
    """
    trained = workspace / "runs" / "train" / "model.pt"
    if "--checkpoint runs/train/model.pt" in command and not trained.exists():
        trained.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(workspace / "bundle" / "models" / "model.pt", trained)
    small = " ".join(more for pattern, more in SMALL if re.search(pattern, command))
    words = shlex.split(f"{command} {small}")
    launcher = [] if words[0] == "python" else ["-m", "torch.distributed.run"]
    if "--dataset_dir" in words and "--label_values" not in words:
        words += ["--label_values", "{'420': 1, '500': 2}"]
    run([*launcher, *words[1:]], workspace)


@pytest.mark.slow
def test_the_lines_of_python_run(workspace):
    snippets = [content for _, content in blocks("python")]
    assert snippets
    for snippet in snippets:
        run(["-c", snippet], workspace)


@pytest.mark.slow
def test_the_example_in_python_runs_and_draws(workspace):
    run(["bundle/docs/python_example.py", "ct.nii.gz", "chambers.png"], workspace)
    assert (workspace / "chambers.png").read_bytes().startswith(b"\x89PNG")
