"""Another template's vertices and faces: even, closed, in one order, and the surface is where it was."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from custom.chambers import STRUCTURES
from custom.configs import config_file
from custom.geometry.places import nearest_places
from custom.geometry.subdivision import edges_of
from custom.inference import EvenTrianglesd
from custom.inference.surfaces.even_triangles import on_sphere
from custom.mesh import Mesh, triangle_areas
from custom.template import icosphere

FILE = config_file("inference.json").parents[1] / "models" / "even_template.pt"
RADII = np.array([30.0, 22.0, 40.0])


def crowded(name: str, times: int = 1, mirrored: bool = False) -> Mesh:
    """An ellipsoid, mm, with vertices that crowd at one end."""
    vertices, faces = on_sphere(*icosphere(4), times)
    drawn = vertices + [0.0, 0.0, 0.5]
    drawn = drawn / np.linalg.norm(drawn, axis=1, keepdims=True) * RADII
    if mirrored:
        drawn, faces = drawn * [-1, 1, 1], faces[:, ::-1]
    return Mesh(name, drawn, faces)


def record_of(meshes: list[Mesh], varied: list[list[Mesh]] | None = None, affine=None) -> dict:
    image = MetaTensor(torch.zeros(1, 4, 4, 4), affine=torch.eye(4) if affine is None else torch.as_tensor(affine))
    record = {"image": image, "meshes": meshes, "seconds": {}}
    return record if varied is None else record | {"varied_meshes": varied}


def even(record: dict, times: int = 1, rounds: int = 100) -> dict:
    return EvenTrianglesd(FILE, 4, times, rounds)(record)


def spread(mesh: Mesh) -> float:
    low, high = np.percentile(triangle_areas(mesh.vertices[mesh.faces]), [5, 95])
    return high / low


@pytest.mark.parametrize("times", [0, 1])
@pytest.mark.parametrize("name", STRUCTURES)
def test_closed_outward_and_where_they_were(name, times):
    before = crowded(name, times)
    (after,) = even(record_of([before]), times)["meshes"]
    edges = edges_of(torch.from_numpy(after.faces))  # refuses what is not closed
    assert len(after.vertices) - len(edges.ends) + len(after.faces) == 2
    assert abs(len(after.vertices) / len(before.vertices) - 1) < 0.1
    assert abs(after.volume_ml / before.volume_ml - 1) < 0.005
    back = nearest_places(after.vertices, before.vertices, before.faces).on(before.vertices)
    assert np.linalg.norm(back - after.vertices, axis=1).max() < 1e-6


def test_relaxation_evens_out_what_is_a_heart_s_own():
    few, many = (even(record_of([crowded("LV")]), rounds=rounds)["meshes"][0] for rounds in (1, 100))
    assert spread(many) < 0.6 * spread(few)


def test_varied_meshes_keep_to_the_places_of_the_first():
    mesh, matrix = crowded("LA"), np.random.default_rng(0).normal(size=(3, 3))
    varied = mesh._replace(vertices=mesh.vertices @ matrix + [1, 2, 3])
    record = even(record_of([mesh, crowded("LV")], [[varied, crowded("LV")]]))
    first, other = record["meshes"][0], record["varied_meshes"][0][0]
    np.testing.assert_allclose(other.vertices, first.vertices @ matrix + [1, 2, 3], atol=1e-9)
    assert np.array_equal(other.faces, first.faces)
    assert [mesh.name for mesh in record["varied_meshes"][0]] == ["LA", "LV"]


def test_in_a_crop_that_mirrors_faces_wind_outward_too():
    (after,) = even(record_of([crowded("LA", mirrored=True)], affine=np.diag([-1.0, 1, 1, 1])))["meshes"]
    assert after.volume_ml > 0


def test_all_hearts_have_the_same_faces():
    step = EvenTrianglesd(FILE, 4, 1, 5)
    one, other = crowded("LA"), crowded("LA")._replace(vertices=2 * on_sphere(*icosphere(4), 1)[0])
    found = [step(record_of([mesh]))["meshes"][0] for mesh in (one, other)]
    assert np.array_equal(found[0].faces, found[1].faces)


@pytest.mark.parametrize(("file", "rounds"), [(FILE, 0), (None, 100)])
def test_what_is_switched_off_leaves_everything(file, rounds):
    record = record_of([crowded("LA")])
    assert EvenTrianglesd(file, 4, 1, rounds)(record)["meshes"][0] is record["meshes"][0]
