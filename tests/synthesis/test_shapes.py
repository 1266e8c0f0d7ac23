import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from custom.frames import centred_affine, voxel_to_ras
from custom.synthesis.canvas import Canvas
from custom.synthesis.shapes import Cone, Cut, Ellipsoid, Union, Waves, settle, smooth_min, tube
from custom.synthesis.structures import Structure, chamber_labels, end_aorta, remove_islands

STILL = Waves(np.zeros((0, 3)), np.zeros(0), np.zeros((0, 3)))


def column(*point: float) -> torch.Tensor:
    return torch.tensor(point, dtype=torch.float64).reshape(3, 1)


def test_sphere_and_capsule_distances_are_exact():
    sphere = Ellipsoid(np.array([1.0, 2, 3]), np.eye(3), np.full(3, 5.0))
    assert sphere.distance_at(np.array([1.0, 2, 11])) == pytest.approx(3.0)
    capsule = Cone(np.zeros(3), np.array([10.0, 0, 0]), 2.0, 2.0)
    assert capsule.distance_at(np.array([5.0, 4, 3])) == pytest.approx(3.0)
    assert capsule.distance_at(np.array([13.0, 0, 0])) == pytest.approx(1.0)


def test_bounds_contain_the_shape():
    rng = np.random.default_rng(0)
    for _ in range(20):
        rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
        body = Ellipsoid(rng.normal(size=3), rotation, rng.uniform(3, 9, 3))
        shape = Union((body, Cone(rng.normal(size=3) * 5, rng.normal(size=3) * 9, 3.0, 1.0)), 4.0)
        points = torch.from_numpy(rng.uniform(-30, 30, (3, 20000)))
        inside = points[:, shape.distance(points) < 0].numpy()
        low, high = shape.bounds
        assert inside.size and (inside.T >= low).all() and (inside.T <= high).all()


def test_cut_keeps_the_near_side():
    half = Cut(Ellipsoid(np.zeros(3), np.eye(3), np.full(3, 5.0)), np.zeros(3), np.array([0.0, 0, 1]))
    assert half.distance_at(np.array([0.0, 0, -1])) < 0 < half.distance_at(np.array([0.0, 0, 1]))


def test_smooth_min_is_the_minimum_away_from_the_seam():
    a, b = torch.tensor([0.0, 1.0, 10.0]), torch.tensor([9.0, 1.0, 0.0])
    torch.testing.assert_close(smooth_min(a, b, 4.0), torch.tensor([0.0, 0.0, 0.0]))


def test_tube_passes_through_its_points():
    path = [np.array([0.0, 0, 0]), np.array([10.0, 5, 0]), np.array([20.0, 0, 5])]
    shape = tube(path, [2.0, 3.0, 1.0])
    for point, radius in zip(path, [2.0, 3.0, 1.0], strict=True):
        assert shape.distance_at(point) == pytest.approx(-radius, abs=0.3)


def test_settle_reaches_the_clearance_and_leaves_far_points():
    sphere = Ellipsoid(np.zeros(3), np.eye(3), np.full(3, 10.0))
    near, far = np.array([8.0, 0, 1]), np.array([0.0, 40, 0])
    moved = settle([near, far], sphere, 3.0, only_outwards=True)
    assert sphere.distance_at(moved[0]) == pytest.approx(3.0, abs=0.05)
    np.testing.assert_array_equal(moved[1], far)


def test_what_is_painted_first_stays_and_windows_lose_nothing():
    affine = centred_affine((40, 40, 40), (1.0, 1.0, 1.0))
    canvas = Canvas(affine, (40, 40, 40), STILL)
    sphere = Ellipsoid(np.zeros(3), np.eye(3), np.full(3, 8.0))
    canvas.paint(Structure.LV_BLOOD, sphere, reach=3.0)
    canvas.paint(Structure.AORTA, Ellipsoid(np.array([6.0, 0, 0]), np.eye(3), np.full(3, 8.0)))
    everywhere = sphere.distance(canvas.points) < 0
    assert torch.equal(canvas.structures == Structure.LV_BLOOD, everywhere)
    assert (canvas.structures == Structure.AORTA).any()
    assert canvas.sleeve[canvas.sleeve < 100].max() <= 3.0


def test_islands_are_given_back():
    structures = torch.zeros(12, 12, 12, dtype=torch.uint8)
    structures[1:6, 1:6, 1:6] = Structure.LA_BLOOD
    structures[8, 8, 8] = Structure.LA_APPENDAGE
    structures[6:11, 1:6, 1:6] = Structure.LV_BLOOD
    structures[10, 10, 10] = Structure.PAPILLARY_MUSCLE
    cleaned = remove_islands(structures)
    assert cleaned[8, 8, 8] == Structure.PULMONARY_VEIN and cleaned[10, 10, 10] == Structure.MYOCARDIUM
    assert torch.bincount(chamber_labels(cleaned).flatten()).tolist()[1:] == [125, 125]


@pytest.mark.parametrize("beyond", [0.0, 7.0])
def test_the_ascending_aorta_ends_level_with_the_atria_on_turned_grids(beyond):
    """Up is up in the patient's coordinates, not along an axis of the grid."""
    lean, shape = Rotation.from_euler("xy", [25, -15], degrees=True).as_matrix(), (40, 40, 40)
    affine = centred_affine(shape, (2.0, 2.0, 2.0))
    affine[:3] = lean @ affine[:3]
    places = voxel_to_ras(np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1), affine)
    structures = torch.zeros(shape, dtype=torch.uint8)
    structures[torch.from_numpy(np.linalg.norm(places - [15, 0, 0], axis=-1) < 8)] = Structure.RA_BLOOD
    tube = np.linalg.norm(places[..., :2] + [10, 0], axis=-1) < 6
    behind = (np.linalg.norm(places[..., :2] + [10, 24], axis=-1) < 4) & (places[..., 2] > -5)
    structures[torch.from_numpy(tube | behind)] = Structure.AORTIC_ARCH
    structures[torch.from_numpy(tube & (places[..., 2] < -15))] = Structure.AORTIC_ROOT
    tube &= places[..., 2] >= -15
    ended = end_aorta(structures, affine, beyond).numpy()
    level = places[structures.numpy() == Structure.RA_BLOOD][:, 2].max() + beyond
    assert places[ended == Structure.ASCENDING_AORTA][:, 2].max() <= level
    assert places[(ended == Structure.AORTIC_ARCH) & tube][:, 2].min() > level
    assert (((ended == Structure.ASCENDING_AORTA) | (ended == Structure.AORTIC_ARCH)) == (tube | behind)).all()
    assert (ended[behind] == Structure.AORTIC_ARCH).all()
    no_atrium = structures.where(structures != Structure.RA_BLOOD, Structure.FAT)
    assert torch.equal(end_aorta(no_atrium, affine), no_atrium)
