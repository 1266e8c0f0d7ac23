"""Meshes that the geometry tests share: float64 vertices about the origin, and faces that wind outward."""

import pytest
import torch
import trimesh


def _icosphere(subdivisions):
    mesh = trimesh.creation.icosphere(subdivisions)
    return torch.tensor(mesh.vertices, dtype=torch.float64), torch.tensor(mesh.faces, dtype=torch.int64)


@pytest.fixture(scope="session")
def icosphere():
    """Function from a number of subdivisions to a unit sphere."""
    return _icosphere


@pytest.fixture(params=["pushed through", "overlapping ends", "noise"])
def folded(request):
    """Closed meshes that fold over themselves, radius about 1: winding numbers from -1 or less to 2 or more occur."""
    vertices, faces = _icosphere(2)
    if request.param == "pushed through":  # a cap pushed out through the far side, where it is inside out
        cap = vertices[:, 2] > 0.6
        vertices[cap, 2] -= 2.4
    elif request.param == "overlapping ends":  # a long ellipsoid bent to a ring of more than a turn
        angle, radius = 3.6 * vertices[:, 0], 0.7 + 0.25 * vertices[:, 1]
        vertices = torch.stack([radius * angle.sin(), radius * angle.cos(), 0.3 * vertices[:, 2]], dim=1)
    else:
        generator = torch.Generator().manual_seed(0)
        vertices = vertices + 0.15 * torch.randn(vertices.shape, generator=generator, dtype=torch.float64)
    return vertices, faces
