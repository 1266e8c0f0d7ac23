"""Surfaces that end at the hinges of the valves, on a generated CT whose annuli are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from scipy.ndimage import gaussian_filter
from stand_in import CONFIG

from custom.anatomy import find_anatomy
from custom.anatomy.finding import NO_RIM
from custom.anatomy.planes import Surface
from custom.anatomy.valves import MITRAL_GAP, valve_between
from custom.frames import facing_out, voxel_to_ras
from custom.geometry.isosurface import isosurface
from custom.mesh import Mesh
from custom.networks import HingeNetwork
from custom.profiles import Scan
from custom.synthesis.case import generate_case
from custom.synthesis.truth import Truth

SOUND = {"LA": "ok", "LV": "ok"}


@pytest.fixture(scope="module")
def case():
    kinds = ConfigParser(ConfigParser.load_config_file(str(CONFIG.with_name("synthesize.json"))))
    return generate_case(912005, kinds.get_parsed_content("kinds#cardiac"), (90, 90, 80), (1.5, 1.5, 1.5))


@pytest.fixture(scope="module")
def meshes(case) -> list[Mesh]:
    surfaces = []
    for value, name in enumerate(SOUND, 1):
        vertices, faces = isosurface(gaussian_filter((case.labels == value).astype(np.float32), 0.7))
        surfaces.append(Mesh(name, voxel_to_ras(vertices, case.affine), facing_out(faces, case.affine)))
    return surfaces


@pytest.fixture(scope="module")
def truth(case):
    return Truth(case.patient, case.shift).landmarks()


@pytest.fixture(scope="module")
def step():
    """As the bundle has it, with its weights."""
    parser = ConfigParser()
    parser.read_config(str(CONFIG))
    parser.update({"bundle_root": str(CONFIG.parents[1])})
    return parser.get_parsed_content("snap_to_valves")


def record_of(case, meshes, **more) -> dict:
    return {"meshes": meshes, "seconds": {}, "scan": Scan(case.image, case.affine), **more}


def mitral_of(meshes):
    return valve_between(*(Surface.of(mesh) for mesh in meshes), MITRAL_GAP)


def apart(plane, true) -> tuple[float, float]:
    """mm between the centres, and degrees between the normals."""
    cosine = np.clip(plane.normal @ np.array(true["normal"]), -1, 1)
    return float(np.linalg.norm(plane.centre - true["centre"])), float(np.degrees(np.arccos(cosine)))


@pytest.mark.parametrize("off_mm", [-3.0, 3.0])
def test_both_chambers_end_at_the_mitral_hinges(step, case, meshes, truth, off_mm):
    true = truth["mitral annulus"]
    shifted = [mesh._replace(vertices=mesh.vertices + off_mm * np.array(true["normal"])) for mesh in meshes]
    found = step(record_of(case, shifted, varied_meshes=[shifted]))
    for moved in (found["meshes"], found["varied_meshes"][0]):
        centre, tilt = apart(mitral_of(moved), true)
        assert centre < 1.5 < apart(mitral_of(shifted), true)[0] and tilt < 5
    assert found["seconds"]["valves"] > 0
    assert all(np.array_equal(new.faces, old.faces) for new, old in zip(found["meshes"], shifted, strict=True))


def test_the_aortic_annulus_is_seen_with_its_rim(step, case, meshes, truth):
    true = truth["aortic annulus"]
    outlet = step(record_of(case, meshes))["annuli"]["aortic_annulus"]
    centre, tilt = apart(outlet, true)
    assert centre < 1.5 and tilt < 6
    radius, real = (
        np.linalg.norm(each - each.mean(0), axis=1).mean() for each in (outlet.contour, np.array(true["contour"]))
    )
    assert radius == pytest.approx(real, rel=0.1)
    anatomy = find_anatomy(meshes, SOUND, None, annuli={"aortic_annulus": outlet})
    assert (
        anatomy.landmarks["aortic_annulus"]["trust"] == "ok" and anatomy.landmarks["aortic_annulus"]["contour_ras_mm"]
    )
    measured = anatomy.measurements["aortic_annulus_area_derived_diameter"]
    assert measured["value"] == pytest.approx(2 * real, rel=0.1) and measured["trust"] == "ok"
    unseen = find_anatomy(meshes, SOUND, None)
    assert unseen.landmarks["aortic_annulus"]["reason"] == NO_RIM
    assert unseen.measurements["aortic_annulus_area"] == {
        "unit": "cm2", "value": None, "trust": "do not use", "reason": NO_RIM,
    }  # fmt: skip


def test_where_nothing_is_seen_nothing_is_told(step, case, meshes):
    even = Scan(np.full_like(case.image, 100), case.affine)
    found = step({**record_of(case, meshes), "scan": even})
    assert not found["annuli"]
    for new, old in zip(found["meshes"], meshes, strict=True):
        assert np.linalg.norm(new.vertices - old.vertices, axis=1).max() < 3.5


def test_what_is_left_alone(step, case, meshes):
    assert step({"meshes": meshes, "seconds": {}})["meshes"] is meshes  # no scan
    alone = step(record_of(case, meshes[:1]))
    assert not alone["annuli"] and np.array_equal(alone["meshes"][0].vertices, meshes[0].vertices)
    apart_ = [meshes[0], meshes[1]._replace(vertices=meshes[1].vertices + 200)]
    assert not step(record_of(case, apart_))["annuli"]


def test_it_does_not_matter_which_section_is_the_first():
    torch.manual_seed(0)
    network = HingeNetwork(16, [8, 8, 8, 8], 16, 2).eval()
    seen = 100 * torch.randn(2, 12, 16, 16)
    with torch.inference_mode():
        told, turned = network(seen), network(seen.roll(5, 1))
    for one, other in zip(told, turned, strict=True):
        assert one.shape == (2, 12, 2)
        torch.testing.assert_close(one.roll(5, 1), other, atol=1e-4, rtol=1e-4)
