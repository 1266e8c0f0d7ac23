import json

import nibabel
import numpy as np
import pytest

from custom.data import list_cases


def save(*paths):
    """Tiny volumes at these paths."""
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        nibabel.save(nibabel.Nifti1Image(np.zeros((2, 2, 2), np.int16), np.eye(4)), path)


def cases(dataset_dir=None, data_list=None, validation_count=1):
    return list_cases(dataset_dir, data_list, 5, 3, validation_count)


def test_generated_patients_by_seed():
    assert cases() == {"training": [{"seed": 5}, {"seed": 6}], "validation": [{"seed": 7}]}
    for count in (0, 3, 4):
        with pytest.raises(ValueError, match=f"both are needed; validation_count is {count}"):
            cases(validation_count=count)


def test_images_and_labels_in_two_folders(tmp_path):
    with pytest.raises(ValueError, match="needs images/NAME and labels/NAME, or CASE_image.nii.gz"):
        cases(tmp_path)
    save(*(tmp_path / "images" / f"{name}.nii.gz" for name in "ba"))
    (tmp_path / "images" / "notes.txt").write_text("not a volume")
    save(tmp_path / "labels" / "a.nii.gz")
    with pytest.raises(ValueError, match=r"image b.nii.gz has no label labels/b.nii.gz"):
        cases(tmp_path)
    save(tmp_path / "labels" / "b.nii.gz")
    listed = cases(tmp_path)
    assert listed["training"] == [
        {"image": str(tmp_path / "images" / "a.nii.gz"), "label": str(tmp_path / "labels" / "a.nii.gz")}
    ]
    assert listed["validation"][0]["image"].endswith("b.nii.gz")


def test_mm_whs_names(tmp_path):
    names = ("ct_train_1001", "ct_train_1002", "ct_test_2001")
    save(*(tmp_path / f"{name}_{kind}.nii.gz" for name in names for kind in ("image", "label")))
    listed = cases(tmp_path)
    pairs = [(case["image"], case["label"]) for case in listed["training"] + listed["validation"]]
    assert pairs == [
        (str(tmp_path / f"{name}_image.nii.gz"), str(tmp_path / f"{name}_label.nii.gz")) for name in sorted(names)
    ]
    (tmp_path / "ct_test_2001_label.nii.gz").unlink()
    with pytest.raises(ValueError, match="ct_test_2001_image.nii.gz has no label ct_test_2001_label.nii.gz"):
        cases(tmp_path)


def test_decathlon_data_list(tmp_path):
    listed = {"training": [{"image": f"imagesTr/{name}.nii.gz", "label": f"labelsTr/{name}.nii.gz"} for name in "ab"]}
    path = tmp_path / "dataset.json"
    path.write_text(json.dumps(listed))
    with pytest.raises(ValueError, match="dataset.json names a.nii.gz, which is not there"):
        cases(data_list=path)
    save(*(tmp_path / file for case in listed["training"] for file in case.values()))
    a, b = ({key: str(tmp_path / f"{key}sTr" / f"{name}.nii.gz") for key in ("image", "label")} for name in "ab")
    assert cases(data_list=path) == {"training": [a], "validation": [b]}
    listed["validation"] = [listed["training"].pop()]
    path.write_text(json.dumps(listed))
    assert cases(data_list=path, validation_count=9) == {"training": [a], "validation": [b]}
