"""The preview's contours are exact cuts, and the picture is one."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from matplotlib.image import imread
from monai.data import MetaTensor

from custom.inference.writing.preview import render_preview, section
from custom.inference.writing.preview_landmarks import crossings
from custom.mesh import Mesh
from custom.template import icosphere


@pytest.fixture(scope="module")
def sphere() -> Mesh:
    vertices, faces = icosphere(4)
    return Mesh("LA", 10 * vertices.numpy(), faces.numpy())


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("height", [0.0, 4.2, -7.0])
def test_section_of_a_sphere_is_a_closed_circle(sphere, axis, height):
    ends = section(sphere, axis, height)
    np.testing.assert_allclose(ends[..., axis], height, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(ends, axis=-1), 10, atol=0.02)
    length = np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1).sum()
    assert length == pytest.approx(2 * np.pi * np.sqrt(100 - height**2), rel=3e-3)
    _, count = np.unique(ends.reshape(-1, 3).round(9) + 0.0, axis=0, return_counts=True)
    assert (count % 2 == 0).all()


def test_section_beside_the_mesh_is_empty(sphere):
    assert section(sphere, 2, 11.0).shape == (0, 2, 3)


def test_picture(sphere):
    image = MetaTensor(torch.zeros(1, 32, 32, 32), affine=torch.diag(torch.tensor([1.3, 1.3, 1.3, 1.0])))
    placed = sphere._replace(vertices=sphere.vertices + 20)
    report = {"input": {"file": "ct.nii.gz"}, "structures": {"LA": {"volume_ml": 4.2, "trust": "ok"}}, "forced": []}
    content = render_preview(image, [placed], report)
    picture = imread(io.BytesIO(content), format="png")
    assert picture.shape[:2] == (350, 1200)
    blue = (picture[..., 2] > 0.8) & (picture[..., 0] < 0.4)
    assert all(blue[:, column * 300 : (column + 1) * 300].any() for column in range(4))


def test_what_was_forced_is_written_in_the_picture(sphere):
    image = MetaTensor(torch.zeros(1, 32, 32, 32), affine=torch.eye(4))
    placed = sphere._replace(vertices=sphere.vertices + 16)
    pictures = []
    for forced in ([], ["shifted_by_1024"]):
        report = {
            "input": {"file": "ct.nii.gz"},
            "structures": {"LA": {"volume_ml": 4.2, "trust": "ok"}},
            "forced": forced,
        }
        picture = imread(io.BytesIO(render_preview(image, [placed], report)), format="png")
        title = picture[:45, 300:900]
        pictures.append((title[..., 0] > 0.8) & (title[..., 2] < 0.5))
    assert not pictures[0].any() and pictures[1].sum() > 300


@pytest.mark.parametrize("trust", ["ok", "check"])
def test_annulus_apex_and_ostia_are_marked_with_a_legend(sphere, trust):
    image = MetaTensor(torch.zeros(1, 32, 32, 32), affine=torch.diag(torch.tensor([1.3, 1.3, 1.3, 1.0])))
    placed = sphere._replace(vertices=sphere.vertices + 20)
    rim = [[20 + 6 * np.cos(angle), 20 + 6 * np.sin(angle), 20.0] for angle in np.linspace(0, 2 * np.pi, 48, False)]
    found = {"trust": trust, "centre_ras_mm": [20.0, 20.0, 20.0]}
    report = {"input": {"file": "ct.nii.gz"}, "structures": {"LA": {"volume_ml": 4.2, "trust": "ok"}}, "forced": []}
    landmarks = {"mitral_annulus": {**found, "contour_ras_mm": rim}, "lv_apex": {**found, "contour_ras_mm": None}}
    landmarks["left_common_vein_ostium"] = {**found, "contour_ras_mm": [[x + 4, y, z] for x, y, z in rim]}
    green, yellow = [], []
    for told in ({}, {"landmarks": landmarks}):
        picture = imread(io.BytesIO(render_preview(image, [placed], {**report, **told})), format="png")
        bright = (picture[..., 1] > 0.7) & (picture[..., 2] < 0.5)
        green.append(bright & (picture[..., 0] < 0.75))
        yellow.append(bright & (picture[..., 0] > 0.9))
    for none, drawn in (green, yellow):
        assert not none.any() and all(drawn[:, 300 * column : 300 * column + 300].any() for column in range(4))
        assert drawn[325:, 900:].any()  # the legend


def test_a_contour_is_crossed_where_it_changes_sides():
    square = np.array([[0.0, 0, 0], [10, 0, 0], [10, 10, 0], [0, 10, 0]])
    np.testing.assert_allclose(crossings(square, 0, 4.0), [[4, 0, 0], [4, 10, 0]])
    assert crossings(square, 2, 1.0).shape == (0, 3)
