"""The aorta ends where it is defined to, whatever the network makes of its end."""

import numpy as np
import pytest
import trimesh

from custom.frames import UP, centred_affine, voxels_along
from custom.geometry.intersections import self_intersections
from custom.geometry.winding import voxelise_in_image
from custom.inference.surfaces.aortic_end import FLAT, ended_at

RADIUS, LENGTH = 15.0, 70.0


def capsule(lean: float, bow: float) -> trimesh.Trimesh:
    """A tube of round ends that leans (mm aside in one up) and bows (mm aside in its middle)."""
    tube = trimesh.creation.icosphere(5, RADIUS)
    tube.vertices[:, 2] += LENGTH / 2 * (1 + np.clip(tube.vertices[:, 2] / 5, -1, 1))
    height = tube.vertices[:, 2]
    tube.vertices[:, 0] += lean * height + bow * np.sin(np.pi * height / LENGTH)
    return tube


@pytest.mark.parametrize(("lean", "bow"), [(0.0, 0.0), (0.4, 0.0), (-0.3, 6.0)])
@pytest.mark.parametrize("beyond", [2.0, 12.0, 22.0])
def test_it_ends_flat_at_the_level_inside_what_it_was(lean, bow, beyond):
    tube = capsule(lean, bow)
    level = LENGTH - beyond
    ended = trimesh.Trimesh(ended_at(tube.vertices, tube.faces, level), tube.faces, process=False)
    assert ended.vertices[:, 2].max() == pytest.approx(level, abs=FLAT * (RADIUS + beyond))
    assert not len(self_intersections(ended.vertices, ended.faces))
    grid, shape = centred_affine((90, 60, 110), (1.0, 1.0, 1.0), (0, 0, LENGTH / 2)), (90, 60, 110)
    before, after = (voxelise_in_image(each.vertices, each.faces, grid, shape).numpy() for each in (tube, ended))
    before &= voxels_along(UP, shape, grid) < level
    assert 2 * (before & after).sum() > 0.985 * (before.sum() + after.sum())


def test_what_ends_below_stays():
    tube = capsule(0.2, 3.0)
    assert ended_at(tube.vertices, tube.faces, LENGTH + RADIUS + 1) is tube.vertices


def test_its_root_stays():
    tube = capsule(0.0, 4.0)
    ended = ended_at(tube.vertices, tube.faces, LENGTH - 10)
    low = tube.vertices[:, 2] < 0.5 * LENGTH
    np.testing.assert_allclose(ended[low], tube.vertices[low], atol=1e-6)
