"""What MONAI Label asks of the bundle, step by step as its server does it; tests/apps has the test with a server."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from monai.data import decollate_batch
from stand_in import OBLIQUE

from custom.inputs import InputError


@pytest.fixture
def infer(workflow, weights):
    """MONAI Label's way: its keys of `inference.json`, the request as record, the inferer's output under `pred`."""

    def run(path: Path, **asked) -> dict:
        parser = workflow().parser
        record = {"model": "chambers", "image": str(path), "image_path": str(path), "device": "cpu", **asked}
        for transform in parser.get_parsed_content("pre_transforms").transforms:
            record = transform(record)
        network = parser.get_parsed_content("network_def").eval()
        network.load_state_dict(torch.load(weights))
        with torch.no_grad():
            output = parser.get_parsed_content("inferer")(record["image"][None], network)
        record["pred"] = decollate_batch(output)[0]
        for transform in parser.get_parsed_content("post_transforms").transforms:
            record = transform(record)
        return record

    return run


def test_the_reply_holds_what_the_command_line_writes(tmp_path, infer, workflow, volume, write_nifti):
    path = write_nifti(tmp_path / "ct.nii.gz", volume)
    made = workflow(input=str(path), output_dir=str(tmp_path / "out"))
    made.run()
    reply = infer(path)

    image = nibabel.load(tmp_path / "out" / "ct_labels.nii.gz")
    assert reply["pred"].dtype == np.uint8 and reply["pred"].shape == (1, *volume.shape)
    np.testing.assert_array_equal(reply["pred"][0], np.asarray(image.dataobj))
    assert set(np.unique(reply["pred"])) == {0, 1, 2}
    np.testing.assert_allclose(reply["image"].meta["original_affine"], OBLIQUE)
    result = json.loads(json.dumps(reply["result"]))
    written = {path.name: path.read_bytes() for path in (tmp_path / "out").glob("ct*")}
    assert set(result["files"]) == set(written) - {"ct_report.json", "ct_labels.nii.gz"}
    assert {f"ct_{chamber}.{kind}" for chamber in ("LA", "LV") for kind in ("stl", "vtk")} < set(result["files"])
    for name, content in result["files"].items():
        assert base64.b64decode(content) == written[name]
    report = json.loads((tmp_path / "out" / "ct_report.json").read_text())
    assert result["report"]["structures"] == report["structures"]
    assert str(tmp_path) not in json.dumps(result)


def test_a_request_keeps_its_entries_and_they_stay_out_of_the_preprocessing(tmp_path, infer, volume, write_nifti):
    path = write_nifti(tmp_path / "ct.nii.gz", volume)
    reply = infer(path, image_remark="asked for", result_extension=".nrrd")
    assert reply["image_path"] == str(path) and reply["image_remark"] == "asked for"
    assert reply["result_extension"] == ".nrrd"
    assert infer(path)["result_extension"] == ".nii.gz"


def test_a_request_is_for_one_image(tmp_path, infer, volume, write_nifti):
    for name in ("a", "b"):
        write_nifti(tmp_path / f"{name}.nii.gz", volume)
    with pytest.raises(InputError, match="holds 2"):
        infer(tmp_path)
