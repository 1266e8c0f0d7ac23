"""What is drawn under one name leaves everything else about a patient as it was."""

from dataclasses import fields

import numpy as np
import pytest
import torch

from custom.frames import centred_affine
from custom.synthesis import left_heart, streams
from custom.synthesis.distributions import draw_parameters
from custom.synthesis.painting import paint
from custom.synthesis.population import Patient
from custom.synthesis.structures import Structure

GRID = (centred_affine((56, 56, 56), (3.5, 3.5, 3.5)), (56, 56, 56))


def test_a_stream_belongs_to_its_seed_and_name():
    first, again = (streams.stream(3, "wall").uniform(size=4) for _ in range(2))
    assert np.array_equal(first, again)
    for seed, name in ((4, "wall"), (3, "septum")):
        assert not np.array_equal(first, streams.stream(seed, name).uniform(size=4))


def test_a_parameter_that_draws_more_changes_no_other(monkeypatch):
    """As a new parameter would, or another distribution of an old one."""
    before, uniform = draw_parameters(7), streams.Draws.uniform

    def changed(self, name, low, high):
        uniform(self, "a parameter to come", 0, 1)
        if name == "vein_radius":
            return uniform(self, f"{name} again", low, high)
        return uniform(self, name, low, high)

    monkeypatch.setattr(streams.Draws, "uniform", changed)
    after = draw_parameters(7)
    differing = {field.name for field in fields(Patient) if getattr(before, field.name) != getattr(after, field.name)}
    assert differing == {"vein_radius"}


def test_an_organ_that_draws_more_leaves_the_others_to_the_bit(monkeypatch):
    """Of one patient: papillary muscles change, nothing that lies outside the left ventricle does."""
    patient = draw_parameters(12)
    before, stream = paint(patient, *GRID), left_heart.stream

    def thirsty(seed, name):
        rng = stream(seed, name)
        if name == "papillary muscles":
            rng.uniform(size=5)
        return rng

    monkeypatch.setattr(left_heart, "stream", thirsty)
    after = paint(patient, *GRID)
    changed = before != after
    inside = torch.tensor([Structure.LV_BLOOD, Structure.PAPILLARY_MUSCLE, Structure.LV_TRABECULAE,
                           Structure.MITRAL_LEAFLETS, Structure.MITRAL_FUNNEL], dtype=torch.uint8)  # fmt: skip
    assert changed.any()
    assert torch.isin(before[changed], inside).all() and torch.isin(after[changed], inside).all()


@pytest.mark.parametrize("name", ["turn", "nod", "lean"])
def test_poses_reach_the_limits_that_are_asked_for(name):
    angles = np.abs([getattr(draw_parameters(seed), name) for seed in range(300)])
    limit = 40 if name == "turn" else 20
    assert 0.9 * limit < angles.max() <= limit and np.median(angles) < 0.35 * limit
