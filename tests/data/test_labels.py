import pytest
import torch

from custom.data import MapLabelsd


def test_labels_map_by_value_and_strangers_are_refused():
    values = {"420": 1, "421": 1, "500": 2, "600": 0}
    label = torch.tensor([[[[0.0, 420, 421, 500, 600]]]])
    assert MapLabelsd("label", values)({"label": label})["label"].flatten().tolist() == [0, 1, 1, 2, 0]
    assert MapLabelsd("label", values)({"label": label[..., 3:]})["label"].flatten().tolist() == [2, 0]
    with pytest.raises(ValueError, match=r"\[999\] are not in label_values"):
        MapLabelsd("label", values)({"label": label + 999 * (label == 600) - 600 * (label == 600)})


def test_values_that_interpolation_or_a_scale_has_touched_are_whole_again():
    label = torch.tensor([[[[0.0004, 419.9996, 500.0004]]]])
    assert MapLabelsd("label", {"420": 1, "500": 2})({"label": label})["label"].flatten().tolist() == [0, 1, 2]
