"""Surfaces drawn to the edges of a scan, where it is known where these are."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from stand_in import CONFIG, OBLIQUE

from custom.edges import FEATURES, edge_features
from custom.frames import spacing_of, voxel_to_ras
from custom.geometry.mending.vertex_graph import VertexGraph
from custom.inference import SnapToEdgesd
from custom.mesh import Mesh
from custom.profiles import Scan, along_normals, block_means, normals_of, pitch_along
from custom.template import icosphere
from custom.training.edge_training import Displacement, gather, train_edges

RADIUS = 24.0
SHAPE = (60, 60, 44)
AFFINE = OBLIQUE @ np.diag([0.6, 0.6, 0.6, 1.0])
CENTRE = voxel_to_ras((np.array([SHAPE]) - 1) / 2, AFFINE)[0]


def scan_of(blood: float, noise: float = 15.0) -> Scan:
    """A ball of blood in muscle of 110 HU, int16."""
    voxels = np.stack(np.meshgrid(*(np.arange(n) for n in SHAPE), indexing="ij"), axis=-1)
    distance = np.linalg.norm(voxel_to_ras(voxels, AFFINE) - CENTRE, axis=-1) - RADIUS
    clean = 110 + (blood - 110) / (1 + np.exp(distance / 0.5))
    return Scan((clean + np.random.default_rng(0).normal(0, noise, SHAPE)).astype(np.int16), AFFINE)


def ball(name: str, off: float) -> Mesh:
    vertices, faces = (x.numpy() for x in icosphere(4))
    return Mesh(name, CENTRE + (RADIUS + off + 0.5 * np.sin(6 * vertices[:, :1])) * vertices, faces)


@pytest.fixture(scope="module")
def step() -> SnapToEdgesd:
    """As the bundle has it, with its weights."""
    parser = ConfigParser()
    parser.read_config(str(CONFIG))
    parser.update({"bundle_root": str(CONFIG.parents[1])})
    return parser.get_parsed_content("snap_to_edges")


def errors(mesh: Mesh) -> np.ndarray:
    return np.linalg.norm(mesh.vertices - CENTRE, axis=1) - RADIUS


def snapped(step: SnapToEdgesd, mesh: Mesh, scan: Scan | None, **more) -> dict:
    record = {"meshes": [mesh], "seconds": {}, **more}
    return step(record if scan is None else {**record, "scan": scan})


@pytest.mark.parametrize("name", ["LA", "LV", "RV", "AO", "PA"])  # an RA lies in fat
@pytest.mark.parametrize("off", [-1.5, 1.2])
def test_a_surface_is_drawn_to_the_edge(step, name, off):
    mesh = ball(name, off)
    found = snapped(step, mesh, scan_of(420), varied_meshes=[[mesh]])
    for moved in (found["meshes"][0], found["varied_meshes"][0][0]):
        assert np.abs(errors(moved)).mean() < 0.45 < 1.0 < np.abs(errors(mesh)).mean()
    assert found["seconds"]["edges"] > 0 and np.array_equal(found["meshes"][0].faces, mesh.faces)


def test_what_no_scan_shows_hardly_moves(step):
    mesh = ball("LV", 0.8)
    found = snapped(step, mesh, scan_of(112, noise=30.0))["meshes"][0]
    assert np.linalg.norm(found.vertices - mesh.vertices, axis=1).mean() < 0.5


def test_what_is_left_alone(step):
    mesh = ball("of no structure", 1.0)
    (kept,) = snapped(step, mesh, scan_of(420))["meshes"]
    np.testing.assert_array_equal(kept.vertices, mesh.vertices)
    mesh = ball("LA", 1.0)
    assert snapped(step, mesh, None)["meshes"][0] is mesh
    off = SnapToEdgesd(step.network.network, "none.pt", 0, 1.0, 1.0)
    assert snapped(off, mesh, scan_of(420))["meshes"][0] is mesh


def test_profiles_are_of_the_scan_as_it_was_read():
    """Of values that run straight, trilinear ones are exact, and beyond the scan the outermost go on."""
    voxels = np.stack(np.meshgrid(*(np.arange(n) for n in SHAPE), indexing="ij"), axis=-1)
    slope = np.array([3.0, -2.0, 1.0])
    values = (voxel_to_ras(voxels, AFFINE) - CENTRE) @ slope
    mesh = ball("LA", 0.0)
    normals, distances = normals_of(mesh.vertices, mesh.faces), np.array([-2.0, 0.0, 1.5])
    found = along_normals(Scan(values, AFFINE), mesh.vertices, normals, distances)
    points = mesh.vertices[:, None] + distances[:, None] * normals[:, None] - CENTRE
    np.testing.assert_allclose(found, points @ slope, atol=1e-3)
    spacing = np.linalg.norm(AFFINE[:3, :3], axis=0)
    np.testing.assert_allclose(pitch_along(Scan(values, AFFINE), (AFFINE[:3, :3] / spacing).T), spacing)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_blocks_of_a_scan_show_what_it_shows(order, dtype):
    """Means of values that run straight lie where the blocks do; no block is larger than allowed."""
    affine = OBLIQUE @ np.diag([*np.array([0.4, 0.3, 0.6]) / spacing_of(OBLIQUE), 1.0])
    voxels = np.stack(np.meshgrid(*(np.arange(n) for n in (21, 31, 12)), indexing="ij"), axis=-1)
    slope = np.array([30.0, -20.0, 10.0])
    values = np.asarray((voxel_to_ras(voxels, affine) - CENTRE) @ slope, dtype=dtype, order=order)
    scan = block_means(Scan(values, affine), 1.0)
    assert scan.values.shape == (10, 10, 12) and scan.values.dtype == dtype  # blocks of 2 x 3 x 1
    places = voxel_to_ras(np.stack(np.meshgrid(*map(np.arange, scan.values.shape), indexing="ij"), -1), scan.affine)
    np.testing.assert_allclose(scan.values, (places - CENTRE) @ slope, atol=1.6 if dtype == np.int16 else 1e-3)
    assert block_means(Scan(values, affine), 0.59).values.shape == (21, 31, 12)


def test_features_do_not_depend_on_the_dose_of_contrast():
    mesh = ball("LV", 0.5)
    graph, normals = VertexGraph(mesh.faces, len(mesh.vertices)), normals_of(mesh.vertices, mesh.faces)
    weak, strong = (edge_features(scan_of(blood, 0), mesh.vertices, normals, graph, 1, 2) for blood in (310, 510))
    assert weak.shape == (len(mesh.vertices), FEATURES + 2) and weak.dtype == np.float32
    np.testing.assert_allclose(weak[:, : FEATURES - 2], strong[:, : FEATURES - 2], atol=0.02)
    assert (weak[:, FEATURES - 2] < strong[:, FEATURES - 2]).all() and (weak[:, -2:] == [0, 1]).all()


def test_a_regularised_field_keeps_to_what_is_certain():
    vertices, faces = (x.numpy() for x in icosphere(3))
    graph = VertexGraph(faces, len(vertices))
    np.testing.assert_allclose(graph.averaged(np.ones((len(vertices), 2)), 5), 1)
    wild = np.where(np.arange(len(vertices)) % 20 == 0, 5.0, vertices[:, 2])
    weights = np.where(wild == 5.0, 1e-3, 10.0)
    found = graph.regularised(wild, weights, 1.0)
    assert np.abs(found - vertices[:, 2]).max() < 0.2
    dense = np.diag(weights)
    adjacent = np.zeros_like(dense)
    adjacent[tuple(graph.edges.T)] = 1
    dense += np.diag(adjacent.sum(1)) - adjacent
    np.testing.assert_allclose(found, np.linalg.solve(dense, weights * wild), atol=2e-3)


def test_training_sees_how_far_the_label_is():
    torch.manual_seed(0)
    network = ConfigParser({"n": dict(ConfigParser.load_config_file(str(CONFIG))["edges"])}).get_parsed_content("n")
    known = network.structures
    scan, mesh = scan_of(420), ball("LA", 0.7)
    labels = Scan((scan.values > 265).astype(np.uint8), AFFINE)
    features, offsets = gather([([mesh], scan, labels)], known, Displacement(3, (0.2, 1.0), (10, 40), 0.4), 800, 0)
    assert features.shape == (2400, FEATURES + len(known)) and abs(float(offsets[:800].mean()) + 0.7) < 0.15
    optimizer = torch.optim.AdamW(network.parameters(), 3e-3)
    schedule = torch.optim.lr_scheduler.ConstantLR(optimizer, 1.0)
    data = features.float(), offsets
    before = float(offsets.abs().mean())
    assert train_edges(network, optimizer, schedule, data, data, 256, 100, 0) < before / 3
