"""A surface's volume, centre, areas and normals, beside trimesh's."""

import numpy as np
import trimesh

from custom.anatomy.planes import Surface
from custom.mesh import Mesh


def test_a_surface_far_from_the_origin_has_what_trimesh_says():
    body = trimesh.creation.icosphere(3)
    body.vertices = body.vertices * (20, 30, 45) + 4 * np.sin(body.vertices[:, [1, 2, 0]] * 3) + (300, -500, 900)
    surface = Surface.of(Mesh("LV", np.asarray(body.vertices), np.asarray(body.faces)))
    np.testing.assert_allclose(surface.centre, body.center_mass, atol=1e-6)
    np.testing.assert_allclose(surface.volume_ml, body.volume / 1e3, rtol=1e-9)
    np.testing.assert_allclose(surface.areas.sum(), body.area, rtol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(surface.normals, axis=1), 1, rtol=1e-9)
    assert (np.einsum("vk,vk->v", surface.normals, body.vertex_normals) > 0.99).all()
