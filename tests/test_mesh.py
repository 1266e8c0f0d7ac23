"""The central type."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from custom.mesh import Mesh


@pytest.mark.parametrize("place", [(0.0, 0.0, 0.0), (300.0, -900.0, 1500.0)])
def test_a_mesh_knows_its_volume_wherever_it_lies(place):
    box = trimesh.creation.box((10.0, 20.0, 30.0))
    mesh = Mesh("LV", box.vertices + place, np.asarray(box.faces))
    assert mesh.volume_ml == pytest.approx(6.0)
    assert mesh._replace(faces=mesh.faces[:, ::-1]).volume_ml == pytest.approx(-6.0)
