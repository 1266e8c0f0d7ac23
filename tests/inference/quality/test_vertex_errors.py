"""Expected errors: of the shipped network on surfaces that are wrong where the test made them so, and in files."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from stand_in import ROOT

from custom.frames import ras_to_voxel, strided_affine
from custom.geometry.winding import voxelise_in_image
from custom.inference.quality.edges import FindEdgesd
from custom.inference.quality.vertex_errors import ExpectErrord, expected_dice
from custom.mesh import Mesh
from custom.networks.vertex_error import BAND, SHARES, VertexError
from custom.profiles import Scan
from custom.template import icosphere

WEIGHTS = ROOT / "bundle" / "models" / "vertex_error.pt"
SIZE, SPACING = 64, 1.5
CENTRES = {"LA": (-22.0, 0.0, 10.0), "LV": (24.0, 0.0, -8.0)}
RADIUS = 18.0


def ball(name: str, bump: float = 0.0) -> Mesh:
    """A chamber of 2562 vertices; its upper part stands out by so many mm."""
    sphere, faces = (part.numpy().astype(float) for part in icosphere(4))
    radius = RADIUS + bump * np.clip(sphere[:, 2:] - 0.6, 0, 0.2) / 0.2
    return Mesh(name, np.array(CENTRES[name]) + radius * sphere, faces.astype(np.int64))


@pytest.fixture(scope="module")
def record():
    affine = np.diag([SPACING] * 3 + [1.0])
    affine[:3, 3] = -SPACING * (SIZE - 1) / 2
    image, level = np.full((SIZE,) * 3, -0.5, dtype=np.float32), strided_affine(affine, 2)
    segmentation = np.zeros((SIZE // 2,) * 3, dtype=np.uint8)
    for value, name in enumerate(CENTRES, 1):
        true = ball(name)
        image[voxelise_in_image(true.vertices, true.faces, affine, image.shape).numpy()] = 0.5
        segmentation[voxelise_in_image(true.vertices, true.faces, level, segmentation.shape).numpy()] = value
    ct = MetaTensor(torch.from_numpy(image)[None], affine=torch.from_numpy(affine))
    ct.meta["original_affine"] = affine
    meshes = [ball("LA", bump=4.0), ball("LV")]
    varied = [[ball("LA", bump=2.0), ball("LV")]]
    assert (ras_to_voxel(meshes[0].vertices, affine) > 0).all()
    seen = {
        "image": ct, "segmentation": torch.from_numpy(segmentation)[None], "meshes": meshes, "varied_meshes": varied,
        "scan": Scan(200.0 + 500.0 * image, affine), "seconds": {},
    }  # fmt: skip
    return FindEdgesd()(seen)


def expect(record, checkpoint=WEIGHTS, **changed):
    return ExpectErrord(checkpoint)({**record, "seconds": {}, **changed})


def test_where_a_surface_leaves_edge_and_segmentation_more_error_is_expected(record):
    found = expect(record)
    atrium, ventricle = found["meshes"]
    out = atrium.vertices[:, 2] - CENTRES["LA"][2] > 0.85 * RADIUS
    low = atrium.vertices[:, 2] < CENTRES["LA"][2]
    assert np.median(atrium.expected_error_mm[out]) > 2 * np.median(atrium.expected_error_mm[low])
    assert atrium.expected_error_mm.dtype == np.float32 and (ventricle.expected_error_mm > 0).all()
    for of in found["expected"].values():
        assert 0 < of["expected_within_1_mm"] < of["expected_within_2_mm"] <= 1
    for key in ("expected_within_2_mm", "expected_dice"):
        assert found["expected"]["LA"][key] < found["expected"]["LV"][key]
    assert found["seconds"]["expected_error"] > 0


def test_one_chamber_alone_is_expected_to_be_as_wrong_as_beside_another(record):
    both = expect(record)
    alone = expect(record, meshes=record["meshes"][1:], varied_meshes=[record["varied_meshes"][0][1:]])
    assert alone["expected"] == {"LV": both["expected"]["LV"]}


def test_a_surface_that_has_collapsed_is_expected_to_be_all_wrong(record):
    collapsed = record["meshes"][0]._replace(vertices=np.tile(CENTRES["LA"], (2562, 1)))
    seen = {**record, "meshes": [collapsed, record["meshes"][1]], "seconds": {}}
    found = expect(FindEdgesd()(seen))
    assert found["expected"]["LA"] == {"expected_within_1_mm": 0.0, "expected_within_2_mm": 0.0, "expected_dice": 0.0}
    assert np.isfinite(found["meshes"][0].expected_error_mm).all()


@pytest.mark.parametrize("changed", [{"varied_meshes": []}, {"checkpoint": None}])
def test_without_varied_images_or_weights_nothing_is_expected(record, changed):
    found = expect(record, **changed)
    assert all(mesh.expected_error_mm is None for mesh in found["meshes"]) and "expected" not in found


def test_without_the_scan_nothing_is_expected(record):
    found = FindEdgesd()({key: value for key, value in record.items() if key not in ("scan", "edges")})
    assert "edges" not in found and "expected" not in expect(found)


@pytest.mark.parametrize("offset", [-0.4, 0.4])
def test_the_expected_dice_of_errors_that_are_the_true_ones_is_the_true_dice(offset):
    sphere, faces = (part.numpy() for part in icosphere(5))
    grown = Mesh("LV", (RADIUS + offset) * sphere, faces)
    volumes = sorted([grown.volume_ml, Mesh("LV", RADIUS * sphere, faces).volume_ml])
    areas = np.full(len(sphere), 4 * np.pi * (RADIUS + offset) ** 2 / len(sphere))
    told = expected_dice(np.full(len(sphere), abs(offset)), areas, grown.volume_ml)
    assert told == pytest.approx(2 * volumes[0] / sum(volumes), abs=2e-3)


def test_the_expected_dice_ends_at_nothing():
    assert expected_dice(np.full(4, 50.0), np.full(4, 1000.0), 20.0) == 0
    assert expected_dice(np.zeros(4), np.full(4, 1000.0), -20.0) == 0


def test_the_share_within_the_band_is_the_one_it_is_named_by():
    network = VertexError(3)
    expected = np.array([0.5, 2.0])
    reach = float(network.times[BAND]) * expected
    for one, mm in zip(expected, reach, strict=True):
        assert network.share_within(one, mm) == pytest.approx(SHARES[BAND])
