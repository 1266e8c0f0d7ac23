"""The bundle as MONAI and its model zoo check it."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import monai
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser, ckpt_export, verify_metadata, verify_net_in_out

import custom
from custom.chambers import LABELS, LEFT_HEART, STRUCTURES
from custom.inputs import AIR

ROOT = Path(__file__).parents[1]
BUNDLE = ROOT / "bundle"
CONFIGS = BUNDLE / "configs"
SCHEMA = Path(__file__).parent / "schema" / "meta_schema_20240725.json"


def load(name: str) -> dict:
    return json.loads((CONFIGS / name).read_text())


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_metadata_follow_the_schema(tmp_path):
    metadata = load("metadata.json")
    schema = tmp_path / "schema.json"
    schema.write_bytes(SCHEMA.read_bytes())  # found there, it is not downloaded
    verify_metadata(meta_file=str(CONFIGS / "metadata.json"), filepath=str(schema))
    assert metadata["schema"].endswith(SCHEMA.name)
    assert metadata["version"] in metadata["changelog"]


def test_versions_agree():
    metadata, pinned = load("metadata.json"), dict(line.split("==") for line in project()["dependencies"])
    assert metadata["version"] == project()["version"] == custom.__version__
    assert f"\nversion: {metadata['version']}\n" in (ROOT / "CITATION.cff").read_text()
    assert metadata["monai_version"] == pinned.pop("monai") == monai.__version__
    assert metadata["pytorch_version"] == pinned.pop("torch") == torch.__version__.split("+")[0]
    assert metadata["numpy_version"] == pinned.pop("numpy") == np.__version__
    assert metadata["required_packages_version"] == pinned


@pytest.mark.parametrize("page", ["README.md", "accuracy.md"])
def test_metrics_of_the_metadata_are_those_of_the_docs(page):
    rows = [line.split(" | ") for line in (BUNDLE / "docs" / page).read_text().splitlines()]
    # of several tables the first
    measured = {
        row[1]: float(row[3].split()[0]) for row in reversed(rows) if row[0] == "| all" and row[1] in LEFT_HEART
    }
    metrics = load("metadata.json")["eval_metrics"]
    assert metrics == {f"mean_dice_{name}_generated_hearts": measured[name] for name in LEFT_HEART}


ELSEWHERE = {"pydicom", "highdicom", "pylibjpeg", "pylibjpeg-openjpeg", "python-gdcm", "tensorboard"}
"""What only DICOM needs, in versions that cannot be had beside MONAI Label, and what only training does."""
BROUGHT = {"fire", "pytorch-ignite", "tqdm"}
"""By MONAI Label itself."""


def test_monai_label_gets_the_versions_of_the_metadata():
    metadata = load("metadata.json")
    lines = (BUNDLE / "docs" / "monai_label_requirements.txt").read_text().splitlines()
    given = dict(line.split("==") for line in lines if "==" in line)
    assert given.pop("monailabel") == "0.8.5"
    assert given.pop("monai") == metadata["monai_version"]
    assert given.pop("torch") == metadata["pytorch_version"]
    required = metadata["required_packages_version"]
    assert given == {name: version for name, version in required.items() if name not in ELSEWHERE | BROUGHT}


def test_configs_agree_on_the_network_and_the_preprocessing():
    train, inference, metadata = load("train.json"), load("inference.json"), load("metadata.json")
    assert train["network_configurations"] == inference["network_configurations"]
    assert inference["preprocessing"]["transforms"] == ["@load_ct", "@locate_heart", "@crop", "@windowing"]
    window, crop = inference["windowing"], inference["crop"]
    assert train["air"] == AIR
    assert inference["window"] == train["window"]
    assert [window["a_min"], window["a_max"]] == [f"$@window[{end}]" for end in (0, 1)]
    assert [window["b_min"], window["b_max"]] == [train["windowing"]["b_min"], train["windowing"]["b_max"]]
    assert inference["volume_size"] == train["volume_size"]
    for asked, crop_mm in (("LA", train["crop_mm"]), ("all", load("whole_heart_train.json")["crop_mm"])):
        parser = ConfigParser({**inference, "structures": asked})
        assert parser.get_parsed_content("crop_mm") == crop_mm
    assert train["file_centre"]["size"] == "@volume_size" and crop["spatial_size"] == "$[@volume_size] * 3"
    assert crop["pixdim"] == f"$[{train['file_centre']['spacing'].removeprefix('$')}] * 3"
    assert train["file_volume"][1]["axcodes"] == "RAS"  # as crops are
    image = metadata["network_data_format"]["inputs"]["image"]
    assert image["spatial_shape"] == [train["volume_size"]] * 3
    assert image["value_range"] == [window["b_min"], window["b_max"]]
    channels = metadata["network_data_format"]["outputs"]["pred"]["channel_def"]
    assert tuple(channels.values()) == LEFT_HEART == tuple(inference["structures"]) == tuple(train["structures"])
    assert tuple(load("whole_heart_train.json")["structures"]) == STRUCTURES == tuple(LABELS)


def test_configs_agree_on_the_locator():
    train, inference = load("train_locator.json"), load("inference.json")
    locate = inference["locate_heart"]
    assert train["network_def"]["unet"] == inference["locator"]["unet"]
    assert train["structures"] == inference["structures"] and inference["locator"]["structures"] == len(LEFT_HEART)
    assert (train["window"], train["air"]) == (load("train.json")["window"], load("train.json")["air"])
    assert locate["spacing"] == train["spacing"]
    assert inference["locator_inferer"]["roi_size"] == [train["volume_size"]] * 3
    assert inference["locator_inferer"]["cval"] == inference["windowing"]["b_min"]


def test_configs_agree_on_directions():
    train, inference = load("train_directions.json"), load("inference.json")
    assert inference["check_directions"]["spacing"] == train["spacing"]
    network = inference["directions"]
    assert (network["size"], network["channels"]) == (train["volume_size"], train["channels"])
    assert (train["window"], train["air"]) == (load("train.json")["window"], load("train.json")["air"])


@pytest.mark.parametrize("config", ["train.json", "pretrain.json", "inference.json"])
@pytest.mark.parametrize("native", [True, False])
def test_bfloat16_only_where_the_processor_has_it(monkeypatch, config, native):
    """Elsewhere it is emulated: a step of training took eight times as long."""
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: native)
    parser = ConfigParser()
    parser.read_config(str(CONFIGS / config))
    parser.update({"device": "$torch.device('cpu')"})
    assert parser.get_parsed_content("amp") is native


def test_the_paper_network_is_one_override_away():
    parser = ConfigParser()
    parser.read_config(str(CONFIGS / "inference.json"))
    parser["network_def"] = "%network_configurations::paper"
    parser.parse()
    network = parser.get_parsed_content("network_def")
    assert not network.needs_segmentation and network.structures == 2


@pytest.mark.parametrize(
    ("network", "file", "largest", "structures"),
    [
        ("network_def", "model.pt", 25 * 2**20, "LA,LV"),
        ("network_def", "whole_heart.pt", 25 * 2**20, "all"),
        ("locator", "locator.pt", 2**20, "LA"),
        ("directions", "directions.pt", 2**19, "LA"),
        ("edges", "edges.pt", 2**18, "LA"),
        ("mitral_hinges", "mitral_hinges.pt", 2**20, "LA"),
        ("aortic_hinges", "aortic_hinges.pt", 2**20, "LA"),
    ],
)
def test_weights_are_a_plain_state_dict_that_fits(network, file, largest, structures):
    state = torch.load(BUNDLE / "models" / file, weights_only=True)
    assert all(isinstance(value, torch.Tensor) for value in state.values())
    parser = ConfigParser()
    parser.read_config(str(CONFIGS / "inference.json"))
    parser["structures"] = structures
    parser.get_parsed_content(network).load_state_dict(state, strict=True)
    assert (BUNDLE / "models" / file).stat().st_size < largest


@pytest.mark.slow
def test_the_network_keeps_the_promise_of_its_metadata():
    verify_net_in_out(
        net_id="network_def",
        meta_file=str(CONFIGS / "metadata.json"),
        config_file=str(CONFIGS / "inference.json"),
        device="cpu",
    )


@pytest.mark.slow
def test_ckpt_export_scripts_the_trained_network(tmp_path):
    exported = tmp_path / "model.ts"
    ckpt_export(
        net_id="network_def",
        filepath=str(exported),
        ckpt_file=str(BUNDLE / "models" / "model.pt"),
        meta_file=str(CONFIGS / "metadata.json"),
        config_file=str(CONFIGS / "inference.json"),
    )
    parser = ConfigParser()
    parser.read_config(str(CONFIGS / "inference.json"))
    parser.update({"amp": False})  # as the file computes
    network = parser.get_parsed_content("network_def").eval()
    network.load_state_dict(torch.load(BUNDLE / "models" / "model.pt", weights_only=True))
    image = torch.randn(1, 1, 128, 128, 128, generator=torch.Generator().manual_seed(0)).clamp(-1, 1)
    with torch.no_grad():
        difference = (torch.jit.load(exported)(image) - network(image)).abs().max()
    assert difference * 64 * 1.3 < 1e-3  # mm


@pytest.mark.slow
def test_verify_net_in_out_from_the_command_line():
    command = [sys.executable, "-m", "monai.bundle", "verify_net_in_out", "--net_id", "network_def"]
    command += ["--meta_file", "bundle/configs/metadata.json", "--config_file", "bundle/configs/inference.json"]
    subprocess.run([*command, "--device", "cpu"], cwd=ROOT, check=True, capture_output=True)
