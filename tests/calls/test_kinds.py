"""The table of keys: each kind takes what is right and says what would be."""

import json
from pathlib import Path

import pytest
import torch

from custom.calls import check_values
from custom.calls.kinds import KINDS
from custom.inputs import InputError

CONFIGS = Path(__file__).parents[2] / "bundle" / "configs"

RIGHT = {
    "input": ["a.nii", ["a", "b"], Path("a"), ""],
    "output_dir": ["", "x"],
    "series_uid": [None, "1.2.840"],
    "phase": [None, 75, "75%"],
    "hu_offset": [0, -1024, 0.5],
    "centre": [None, [1, 2.5, -3]],
    "structures": ["LA", "la, LV", ["LV"], "rv", "all"],
    "formats": ["stl,ply", ["obj", "glb"]],
    "force": [True, False],
    "test_time_augmentation": [[], [{"shift": [1, 0, -2], "contrast": 0.9}]],
    "fairing": [0, 10],
    "even_triangles": [0, 60],
    "subdivision": [0, 3],
    "boundary_snapping": [0, 0.7, 1],
    "volume_size": [16, 64, 128],
    "window": [[-300, 700]],
    "device": ["cpu", torch.device("cpu")],
    "label_values": [{"420": 1, "500": 2, "0": 0}, {420: 1}],
    "supervision": ["exact", "representation", object()],
    "representation_interval": [1, 4],
    "max_steps": [None, 1],
    "max_seconds": [None, 1, 0.5],
    "gradient_norm": [1.0, float("inf")],
    "shape": [None, (40, 40, 40)],
    "exported": ["x/model.onnx"],
}
WRONG = {
    "input": [5, ["a", 7], {"a": 1}, True],
    "output_dir": [20240220, ("Doe", "John"), True, None],
    "series_uid": [1.2, "Doe^John", "1" * 65],
    "phase": [[75], True],
    "hu_offset": ["much", float("nan"), True, None],
    "centre": ["middle", [1, 2], [1, 2, float("nan")], 5],
    "structures": ["SVC", "", [], 5, None, ["all"]],
    "formats": ["step", []],
    "force": ["no", 1, None],
    "test_time_augmentation": [
        "none",
        [{"shift": [1, 0], "contrast": 1}],
        [{"shift": [0, 0, 0], "contrast": 0}],
        [5],
        None,
    ],
    "fairing": [-1, 0.5, True, None],
    "even_triangles": [-1, 0.5, True, None],
    "subdivision": [4, -1],
    "boundary_snapping": [1.5, -0.1, "all"],
    "volume_size": [0, 100, 64.0, "64"],
    "window": [[700, -300], [1], "wide"],
    "device": ["gpu", "cuda:x", 7.5, "meta"],
    "label_values": [5, {}, {"a": 1}, {"420": 8}, {"420": "1"}, "420"],
    "supervision": ["exac", None, 1],
    "representation_interval": [0, 0.5, None],
    "max_steps": [0, 1.5, "10"],
    "max_seconds": [0, -1.0, "10"],
    "gradient_norm": [0, None],
    "shape": [40, (40, 40), (1, 40, 40)],
    "exported": ["model.pt2", 5],
}


def cases(table):
    return [
        pytest.param(key, value, id=f"{key}-{place}")
        for key, values in table.items()
        for place, value in enumerate(values)
    ]


@pytest.mark.parametrize(("key", "value"), cases(RIGHT))
def test_right_values_pass(key, value):
    check_values({key: value})


@pytest.mark.parametrize(("key", "value"), cases(WRONG))
def test_wrong_values_are_refused_in_one_sentence(key, value):
    with pytest.raises(InputError) as refusal:
        check_values({key: value})
    assert str(refusal.value).startswith(f"{key}: ") and "\n" not in str(refusal.value)


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is here")
@pytest.mark.parametrize("value", ["cuda", "cuda:7"])
def test_a_device_that_is_not_there_is_refused(value):
    with pytest.raises(InputError, match="no CUDA device is here; choose cpu"):
        check_values({"device": value})


def test_every_key_that_a_config_has_checked_is_in_the_table():
    for path in CONFIGS.glob("*.json"):
        assert set(json.loads(path.read_text()).get("call", {})) <= set(KINDS), path.name
