"""The cache of a training: its owner's alone, without a patient's header, and nothing in it runs."""

import os
import pickle
import stat

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from monai.data import MetaTensor, PersistentDataset
from monai.transforms import Compose
from small_training import SMALL_TRAINING
from stand_in import CONFIG

from custom.data import KeepAffined, make_private
from custom.inputs import InputError


class Runs:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (os.mkdir, (self.path,))


def test_what_is_kept_of_a_volume_is_its_affine():
    volume = MetaTensor(torch.ones(1, 2, 2, 2), affine=torch.eye(4) * 2, meta={"descrip": "DOE^JOHN"})
    kept = KeepAffined("image")({"image": volume, "other": 1})
    assert "DOE^JOHN" not in str(kept["image"].meta) and kept["other"] == 1
    np.testing.assert_array_equal(kept["image"].affine, volume.affine)


@pytest.mark.parametrize("config", ["train.json", "train_locator.json", "train_directions.json"])
def test_a_planted_file_does_not_run(tmp_path, config):
    parser = ConfigParser()
    parser.read_config(str(CONFIG.with_name(config)))
    small = SMALL_TRAINING if config == "train.json" else {"painted_shape": [40, 40, 40]}
    parser.update({**small, "generated_count": 2, "validation_count": 1, "output_dir": str(tmp_path)})
    dataset = parser.get_parsed_content("train#dataset")
    dataset[0]
    (file,) = (tmp_path / "cache").iterdir()
    first = torch.load(file, weights_only=True)  # it has been written so that it can be read
    assert "structures" in first
    torch.save({"structures": Runs(tmp_path / "ran")}, file, pickle_module=pickle)
    dataset[0]
    assert not (tmp_path / "ran").exists()


def test_the_cache_is_its_owners_alone(tmp_path):
    folder = tmp_path / "run" / "cache"
    make_private(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.chmod(0o755)
    make_private(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cache_dir cannot be made"):
        make_private(tmp_path / "file")


def test_a_cached_volume_of_a_file_is_read_back(tmp_path):
    """Of a NIfTI file: its header holds more than tensors until `KeepAffined`."""
    import nibabel
    from monai.transforms import LoadImaged

    nibabel.save(nibabel.Nifti1Image(np.zeros((4, 4, 4), np.int16), np.eye(4)), tmp_path / "a.nii.gz")
    transforms = Compose([LoadImaged("image", ensure_channel_first=True), KeepAffined("image")])
    cases = [{"image": str(tmp_path / "a.nii.gz")}]
    dataset = PersistentDataset(cases, transforms, tmp_path / "cache", track_meta=True, weights_only=True)
    written = dataset[0]
    (file,) = (tmp_path / "cache").iterdir()
    stamp = file.stat().st_mtime_ns
    again = dataset[0]
    assert file.stat().st_mtime_ns == stamp  # read, not made anew
    np.testing.assert_array_equal(written["image"].affine, again["image"].affine)
