import numpy as np
import pytest
import trimesh

from custom.metrics import dice, jaccard, label_surface, mesh_label_distances, surface_distances


def _sphere(radius, centre=(0.0, 0.0, 0.0), subdivisions=4):
    mesh = trimesh.creation.icosphere(subdivisions)
    return mesh.vertices * radius + np.array(centre), mesh.faces


def _ball(shape, affine, radius, centre):
    voxels = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1)
    return np.linalg.norm(voxels @ affine[:3, :3].T + affine[:3, 3] - centre, axis=-1) < radius


def test_dice():
    a = np.zeros((4, 4, 4), dtype=bool)
    assert dice(a, a) == 1
    a[:2] = True
    b = np.roll(a, 1, axis=0)
    assert dice(a, b) == 0.5
    assert dice(a, a) == 1 and dice(a, ~a) == 0
    with pytest.raises(ValueError, match="one shape"):
        dice(a, a[1:])


def test_jaccard():
    a = np.zeros((4, 4, 4), dtype=bool)
    assert jaccard(a, a) == 1
    a[:2] = True
    b = np.roll(a, 1, axis=0)
    assert jaccard(a, b) == pytest.approx(1 / 3) and jaccard(a, ~a) == 0


def test_concentric_spheres():
    found = surface_distances(*_sphere(20), *_sphere(23))
    np.testing.assert_allclose(found, 3, atol=0.03)


def test_displaced_spheres():
    """|p - c| - r over a sphere of radius r whose centre lies e away: for small e, |e cos θ|, cos θ uniform."""
    found = surface_distances(*_sphere(30), *_sphere(30, centre=(0, 1.2, 0)))
    np.testing.assert_allclose(found, [0.6, 1.14, 1.2], atol=0.03)


def test_distances_weigh_by_area_not_by_vertices():
    """A box beside its copy longer by 1 mm: refined where they differ, the mean distance stays what it was."""
    coarse, longer = trimesh.creation.box((10, 10, 10)), trimesh.creation.box((10, 10, 10))
    longer.vertices[longer.vertices[:, 2] > 0, 2] += 1
    for _ in range(3):
        coarse, longer = coarse.subdivide(), longer.subdivide()
    uneven = coarse.subdivide(face_index=np.flatnonzero(coarse.triangles_center[:, 2] > 4.99))
    reference = surface_distances(coarse.vertices, coarse.faces, longer.vertices, longer.faces)
    found = surface_distances(uneven.vertices, uneven.faces, longer.vertices, longer.faces)
    np.testing.assert_allclose(found.assd, reference.assd, rtol=0.01)
    assert found.hd == pytest.approx(1)


def test_mesh_against_a_label_in_an_oblique_frame():
    turn = trimesh.transformations.rotation_matrix(0.4, (1, 2, 3))[:3, :3]
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag([0.8, 0.9, 1.1])
    affine[:3, 3] = (-25, 100, 30)
    shape = (70, 66, 60)
    centre = affine[:3, :3] @ (np.array(shape) / 2) + affine[:3, 3]
    label = _ball(shape, affine, 20, centre)
    close = mesh_label_distances(*_sphere(20, centre), label, affine)
    assert close.assd < 0.25 and close.hd < 1.1  # half a voxel of staircase
    apart = mesh_label_distances(*_sphere(24, centre), label, affine)
    np.testing.assert_allclose(apart.assd, 4, atol=0.2)
    np.testing.assert_allclose(apart.hd95, 4, atol=0.6)


def test_label_surface_is_closed_at_the_border_of_the_grid():
    vertices, faces = label_surface(np.ones((3, 4, 5), dtype=bool), np.diag([2.0, 1, 1, 1]))
    mesh = trimesh.Trimesh(vertices, faces)
    assert mesh.is_watertight
    np.testing.assert_allclose(mesh.bounds, [[-1, -0.5, -0.5], [5, 3.5, 4.5]])


def test_nothing_to_measure_is_named():
    with pytest.raises(ValueError, match="label is empty"):
        mesh_label_distances(*_sphere(5), np.zeros((4, 4, 4), dtype=bool), np.eye(4))
    with pytest.raises(ValueError, match="no area"):
        surface_distances(*_sphere(0), *_sphere(5))
