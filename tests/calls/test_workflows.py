"""A wrong call of any workflow is refused in one true sentence, before anything is made or loaded."""

import subprocess
from pathlib import Path

import nibabel
import numpy as np
import pytest
import warm_python
from monai.bundle import ConfigWorkflow
from refusals import refusal_of

from custom import load_model
from custom.inputs import InputError

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "bundle" / "configs"
INFERENCE, EVALUATION = ["inference.json"], ["inference.json", "evaluate.json"]
TRAINING, PRETRAINING, LOCATOR = ["train.json"], ["pretrain.json"], ["train_locator.json"]


@pytest.fixture
def data(tmp_path):
    """A folder with a CT, and a label map of an unknown value in MM-WHS's layout beside it."""
    folder = tmp_path / "data"
    folder.mkdir()
    grid = np.linalg.norm(np.indices((24, 24, 24)) - 11.5, axis=0)
    nibabel.save(nibabel.Nifti1Image(np.where(grid < 9, 40, -1000).astype(np.int16), np.eye(4)), folder / "ct.nii.gz")
    return folder


@pytest.mark.parametrize(
    ("configs", "run_id", "overrides", "sentence"),
    [
        (INFERENCE, "inference", {}, "no input given"),
        (INFERENCE, "inference", {"input": "nowhere.nii.gz"}, "no such file"),
        (INFERENCE, "inference", {"input": 20240115}, "input: 20240115; give a path"),
        (INFERENCE, "inference", {"input": "{data}", "output_dir": 20240220}, "output_dir: 20240220; give a path"),
        (INFERENCE, "inference", {"input": "{data}", "structures": "SVC"}, "choose from LA, LV"),
        (INFERENCE, "inference", {"input": "{data}", "formats": "step"}, "choose from stl, vtk, ply, obj, glb"),
        (INFERENCE, "inference", {"input": "{data}", "checkpoint": "nowhere.pt"}, "there is no file nowhere.pt"),
        (INFERENCE, "inference", {"input": "{data}", "locator_checkpoint": "{root}/models/model.pt"}, "do not fit"),
        (INFERENCE, "inference", {"input": "{data}", "volume_size": 48}, "the network takes multiples of 32"),
        (INFERENCE, "inference", {"input": "{data}", "device": "gpu"}, "device: gpu; choose cpu"),
        (EVALUATION, "evaluation", {}, "no labelled images given"),
        (EVALUATION, "evaluation", {"dataset_dir": "{data}"}, "no labelled images in 'data'"),
        (EVALUATION, "evaluation", {"dataset_dir": 5}, "dataset_dir: 5; give a path"),
        (EVALUATION, "evaluation", {"data_list": "nowhere.json"}, "nowhere.json is no data list"),
        (EVALUATION, "evaluation", {"dataset_dir": "{data}", "label_values": 5}, "label_values: 5; give"),
        (TRAINING, "training", {"dataset_dir": "{folder}/nowhere"}, "no labelled images in 'nowhere'"),
        (TRAINING, "training", {"data_list": "nowhere.json"}, "nowhere.json is no data list"),
        (TRAINING, "training", {"supervision": "exac"}, "choose one of exact, representation"),
        (TRAINING, "training", {"supervision": "representation"}, "needs weights of g at volume_size 128"),
        (
            TRAINING,
            "training",
            {"supervision": "representation", "representation_weights": "{root}/models/representation.pt"},
            "representation.pt is of volume_size 64, not 128",
        ),
        (TRAINING, "training", {"label_values": "420"}, "label_values: 420; give"),
        (TRAINING, "training", {"initial_weights": "{root}/models/locator.pt"}, "locator.pt do not fit the network"),
        (TRAINING, "training", {"resume": "nowhere.pt"}, "there is no file nowhere.pt"),
        (TRAINING, "training", {"frozen": "decoders"}, "no parameter has such a name"),
        (TRAINING, "training", {"frozen": "("}, "give a regular expression"),
        (TRAINING, "training", {"max_steps": 0}, "max_steps: 0; give a whole number of at least 1"),
        (TRAINING, "training", {"validation_count": 300}, "0 training and 300 validation cases"),
        (PRETRAINING, "training", {"volume_size": 100}, "that 8 divides"),
        (LOCATOR, "training", {"seed": "x"}, "seed: x; give a whole number"),
        (["synthesize.json"], "synthesis", {"count": 0}, "count: 0; give a whole number"),
        (["synthesize.json"], "synthesis", {"kind": "brain"}, "choose one of cardiac"),
        (["synthesize.json"], "synthesis", {"spacing": 3}, "three numbers of mm"),
        (["volume_mesh.json"], "volume_meshing", {"openings": "half"}, "openings: half; choose one of closed, open"),
        (["volume_mesh.json"], "volume_meshing", {"edge_mm": 0}, "edge_mm: 0; give a number above 0"),
        (["inference.json", "export.json"], "export", {"exported": "model.pt2"}, "a name that ends in .onnx"),
        (["inference.json", "export.json"], "export", {"checkpoint": "nowhere.pt"}, "there is no file nowhere.pt"),
    ],
)
def test_a_wrong_call_is_refused_in_a_sentence(tmp_path, data, configs, run_id, overrides, sentence):
    places = {"folder": tmp_path, "data": data, "root": CONFIGS.parent}
    keys = {key: value.format(**places) if isinstance(value, str) else value for key, value in overrides.items()}
    if configs not in (INFERENCE, EVALUATION) and run_id != "export":
        keys.setdefault("output_dir", str(tmp_path / "out"))
    if configs not in (["synthesize.json"], ["volume_mesh.json"]):
        keys["bundle_root"] = str(CONFIGS.parent)
    files = [str(CONFIGS / name) for name in configs]
    workflow = ConfigWorkflow(config_file=files, run_id=run_id, logging_file=False, **keys)

    def run():
        workflow.initialize()
        workflow.run()

    assert sentence in refusal_of(run)
    assert not (tmp_path / "out").exists() and [path.name for path in data.iterdir()] == ["ct.nii.gz"]


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"structurs": "LA"}, "there is no key `structurs`; is `structures` meant?"),
        ({"structures": "SVC"}, "choose from LA, LV"),
        ({"device": "gpu"}, "choose cpu"),
        ({"checkpoint": "a#7.pt"}, "cannot hold #"),
        ({"checkpoint": str(CONFIGS.parent / "models" / "locator.pt")}, "locator.pt do not fit the network"),
    ],
)
def test_a_wrong_load_model_raises(overrides, sentence):
    with pytest.raises(InputError) as refusal:
        load_model(**overrides)
    assert sentence in str(refusal.value) and "\n" not in str(refusal.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["-m", "custom", "synthesize", "2024_02_20", "--first_sed", "1"],
            "no key `first_sed`; is `first_seed` meant?",
        ),
        (
            ["-m", "monai.bundle", "run", "inference", "--config_file", str(CONFIGS / "inference.json")]
            + ["--bundle_root", str(CONFIGS.parent), "--input", "$x.nii"],
            "$x.nii would be evaluated",
        ),
    ],
)
def test_the_command_says_one_sentence(tmp_path, arguments, sentence):
    done = subprocess.run([warm_python.executable(), *arguments], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert sentence in done.stderr and "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())
