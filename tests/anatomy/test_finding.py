"""What is found on the true surfaces of a generated patient, and what is said where they are not to be used."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from scipy.spatial.transform import Rotation

from custom.anatomy import find_anatomy
from custom.anatomy.finding import NO_RIM, OSTIA
from custom.anatomy.measurements import (
    OSTIUM_UNITS,
    RESTS_ON,
    UNITS,
    measure_annulus,
    measure_diameters,
    measure_ostium,
)
from custom.anatomy.planes import Plane
from custom.anatomy.regions import APPENDAGE, ATRIAL_SIDE, FIRST_SEGMENT, OUTLET, REGIONS, VENTRICULAR_SIDE
from custom.mesh import Mesh
from custom.profiles import Scan
from custom.synthesis.truth import REGIONS as TRUE_REGIONS

SOUND = {"LA": "ok", "LV": "ok"}


def plane(truth, name: str) -> Plane:
    return Plane(*(np.array(truth[name][key]) for key in ("centre", "normal", "contour")))


@pytest.mark.parametrize(
    ("name", "other", "mm", "degrees"),
    [("mitral_annulus", "mitral annulus", 3, 8), ("aortic_annulus", "aortic annulus", 4, 10)],
)
def test_planes_lie_where_the_generator_has_them(anatomy, truth, name, other, mm, degrees):
    found, true = anatomy.landmarks[name], plane(truth, other)
    assert np.linalg.norm(found["centre_ras_mm"] - true.centre) < mm
    assert np.degrees(np.arccos(min(1.0, found["normal_ras"] @ true.normal))) < degrees


def test_the_apex_and_what_is_measured_are_the_true_ones(anatomy, truth):
    mitral, apex = plane(truth, "mitral annulus"), np.array(truth["apex"])
    assert np.linalg.norm(anatomy.landmarks["lv_apex"]["centre_ras_mm"] - apex) < 4
    true = measure_annulus(mitral) | measure_diameters(mitral, plane(truth, "aortic annulus"))
    true["lv_long_axis"] = np.linalg.norm(apex - mitral.centre)
    for name, value in true.items():
        assert anatomy.measurements[name]["value"] == pytest.approx(value, rel=0.12), name
    assert anatomy.measurements["mitral_annulus_area"] | {"value": 0} == {
        "value": 0, "unit": "cm2", "trust": "ok", "reason": None,
    }  # fmt: skip


@pytest.mark.parametrize("angles", [(0, 0, 0), (12, -10, 15)])
def test_nothing_depends_on_how_the_patient_lies(meshes, anatomy, network, ct, angles):
    """But for the aortic annulus, which is sought on the usual side, and for what the network says of the atrium."""
    turn, shift = Rotation.from_euler("xyz", angles, degrees=True).as_matrix(), np.array([30.0, -900.0, 12.0])
    lies = np.eye(4)
    lies[:3, :3], lies[:3, 3] = turn, shift
    moved = find_anatomy(
        [mesh._replace(vertices=mesh.vertices @ turn.T + shift) for mesh in meshes],
        SOUND,
        network,
        scan=Scan(ct.values, lies @ ct.affine),
    )
    for name, landmark in anatomy.landmarks.items():
        centre = turn @ landmark["centre_ras_mm"] + shift
        exact = name in ("la_centre", "lv_centre", "mitral_annulus", "lv_apex")
        if name in moved.landmarks or exact:
            apart = np.linalg.norm(moved.landmarks[name]["centre_ras_mm"] - centre)
            assert apart < (0.5 if exact or not any(angles) else 9)
    for name, measured in anatomy.measurements.items():
        if name not in RESTS_ON or (name.startswith("la_") and any(angles)):  # diameters are along the patient's axes
            continue
        if RESTS_ON[name] == ("aortic_annulus",):  # whose rim surfaces alone do not show
            assert measured["value"] is None and measured["reason"] == NO_RIM
            continue
        exact = "aortic_annulus" not in RESTS_ON[name]
        assert moved.measurements[name]["value"] == pytest.approx(measured["value"], rel=0.01 if exact else 0.1)
    assert (moved.regions["LA"] == anatomy.regions["LA"]).mean() > (0.8 if any(angles) else 0.95)


def test_each_vertex_has_a_region_of_its_chamber(meshes, anatomy):
    for mesh in meshes:
        regions = anatomy.regions[mesh.name]
        assert regions.shape == (len(mesh.vertices),)
        assert {REGIONS[value][:2] for value in regions} == {mesh.name}
    assert set(anatomy.regions["LV"]) == {VENTRICULAR_SIDE, OUTLET, *range(FIRST_SEGMENT, FIRST_SEGMENT + 17)}
    for value in (APPENDAGE, ATRIAL_SIDE, VENTRICULAR_SIDE, OUTLET):
        assert REGIONS[value] == TRUE_REGIONS[value]


def test_regions_are_those_of_the_nearest_voxels(meshes, anatomy, true_regions):
    for value, least in {APPENDAGE: 0.6, ATRIAL_SIDE: 0.75, VENTRICULAR_SIDE: 0.85, OUTLET: 0.8}.items():
        name = REGIONS[value][:2]
        given, true = anatomy.regions[name] == value, true_regions[name] == value
        assert 2 * (given & true).sum() / (given.sum() + true.sum()) > least, REGIONS[value]


def test_the_appendage_holds_its_tip(meshes, anatomy, truth):
    vertices = meshes[0].vertices[anatomy.regions["LA"] == APPENDAGE]
    assert np.linalg.norm(vertices - truth["appendage tip"], axis=1).min() < 3


def test_the_appendage_is_measured_across_its_neck(anatomy, truth):
    """Between the tube's own opening, which the generator tells, and what fillets add to it."""
    opening = 2 * np.linalg.norm(plane(truth, "appendage ostium").contour[0] - plane(truth, "appendage ostium").centre)
    told = {key: anatomy.measurements[f"la_appendage_ostium_{key}"] for key in OSTIUM_UNITS}
    largest, smallest = told["largest_diameter"]["value"], told["smallest_diameter"]["value"]
    assert 0.7 * opening < smallest <= largest < 2 * opening
    assert 0.5 * smallest * largest < 100 * told["area"]["value"] < largest**2
    assert {each["trust"] for each in told.values()} == {"check"}


def test_the_ostia_lie_where_the_generator_has_them(anatomy, truth):
    """Of the appendage and of the veins, of which none is missed or invented."""
    ostium = anatomy.landmarks["la_appendage_ostium"]
    assert np.linalg.norm(ostium["centre_ras_mm"] - plane(truth, "appendage ostium").centre) < 7
    assert np.linalg.norm(anatomy.landmarks["la_appendage_tip"]["centre_ras_mm"] - np.array(truth["appendage tip"])) < 4
    veins = [anatomy.landmarks[name] for name in OSTIA if name in anatomy.landmarks]
    true = truth["pulmonary vein ostia"]
    apart = np.array(
        [[np.linalg.norm(np.subtract(one["centre_ras_mm"], of["centre"])) for of in true] for one in veins]
    )
    assert apart.shape == (len(true),) * 2
    for one, of in enumerate(apart.argmin(axis=1)):
        assert apart[one, of] < 8 and veins[one]["normal_ras"] @ np.array(true[of]["normal"]) > 0.7
    assert sorted(apart.argmin(axis=1)) == list(range(len(true)))


def test_without_a_scan_shape_alone_tells_of_the_veins(meshes, network, truth):
    landmarks = find_anatomy(meshes, SOUND, network).landmarks
    centres = np.array([landmarks[name]["centre_ras_mm"] for name in OSTIA if name in landmarks])
    true = np.array([of["centre"] for of in truth["pulmonary vein ostia"]])
    apart = np.linalg.norm(centres[:, None] - true, axis=2)
    assert (apart.min(axis=0) < 8).all() and len(centres) <= len(true) + 1


def test_the_veins_are_measured_where_they_leave_the_atrium(anatomy, truth):
    errors = []
    for name in (name for name in OSTIA if name in anatomy.landmarks):
        centre = anatomy.landmarks[name]["centre_ras_mm"]
        true = min(truth["pulmonary vein ostia"], key=lambda of: np.linalg.norm(np.subtract(of["centre"], centre)))
        expected = measure_ostium(Plane(*(np.array(true[key]) for key in ("centre", "normal", "contour"))))
        measured = {key: anatomy.measurements[f"{name}_{key}"] for key in OSTIUM_UNITS}
        if measured["area"]["value"] is None:
            assert measured["area"]["trust"] == "do not use" and measured["area"]["reason"]
            continue
        assert {each["trust"] for each in measured.values()} == {"check"}
        assert measured["largest_diameter"]["value"] >= measured["smallest_diameter"]["value"]
        errors.append(abs((measured["area"]["value"] / expected["area"]) ** 0.5 - 1))
    assert len(errors) >= 2 and np.median(errors) < 0.2


def test_the_atrium_is_measured_as_its_voxels_are(anatomy, true_body):
    extents, volume = true_body
    for name, extent in zip(("transverse", "anteroposterior", "superoinferior"), extents, strict=True):
        assert anatomy.measurements[f"la_{name}_diameter"]["value"] == pytest.approx(extent, rel=0.2), name
    assert 0.7 < anatomy.measurements["la_sphericity"]["value"] < 1
    assert anatomy.measurements["la_appendage_volume"]["value"] == pytest.approx(volume, rel=0.35)


def test_aorta_and_right_ventricle_say_where_outlet_and_septum_are(meshes, network, truth):
    """Balls where they would be: one on the aortic annulus, one beside the ventricle."""
    aortic, axis = plane(truth, "aortic annulus"), np.array(truth["apex"]) - plane(truth, "mitral annulus").centre
    ball = trimesh.creation.icosphere(4, 14.0)
    root = Mesh("AO", np.asarray(ball.vertices) + aortic.centre + 13.0 * aortic.normal, np.asarray(ball.faces))
    beside = np.cross(axis, [0.0, 0, 1]) / np.linalg.norm(np.cross(axis, [0.0, 0, 1]))
    centre = meshes[1].vertices.mean(axis=0) + 60 * beside
    right = Mesh("RV", np.asarray(ball.vertices) + centre, np.asarray(ball.faces))
    found = find_anatomy([*meshes, root, right], SOUND | {"AO": "ok", "RV": "ok"}, network)
    landmark = found.landmarks["aortic_annulus"]
    assert landmark["trust"] == "ok" and landmark["contour_ras_mm"] is None
    assert np.linalg.norm(landmark["centre_ras_mm"] - aortic.centre) < 5
    septal = np.isin(found.regions["LV"], [FIRST_SEGMENT + place for place in (7, 8)])  # mid anteroseptal, inferoseptal
    lateral = np.isin(found.regions["LV"], [FIRST_SEGMENT + place for place in (10, 11)])
    vertices = meshes[1].vertices
    assert vertices[septal].mean(axis=0) @ beside > vertices[lateral].mean(axis=0) @ beside + 15


def test_nothing_is_told_of_a_surface_that_is_not_to_be_used(meshes, network):
    found = find_anatomy(meshes, {"LA": "do not use", "LV": "check"}, network)
    assert found.landmarks["lv_centre"]["trust"] == "check" and found.landmarks["lv_centre"]["centre_ras_mm"]
    for name in ("la_centre", "mitral_annulus", "lv_apex", "aortic_annulus"):
        landmark = found.landmarks[name]
        assert landmark["centre_ras_mm"] is None and landmark["trust"] == "do not use" and "LA" in landmark["reason"]
    assert all(
        measured["value"] is None and measured["trust"] == "do not use" for measured in found.measurements.values()
    )
    assert not any(regions.any() for regions in found.regions.values())


def test_where_the_field_of_view_ends_apex_and_tip_are_not_told_and_ostia_are_doubted(meshes, anatomy, network, ct):
    centres = {name: np.array(landmark["centre_ras_mm"]) for name, landmark in anatomy.landmarks.items()}
    vein = next(name for name in OSTIA if name in centres)
    for name, chamber in (("lv_apex", 1), ("la_appendage_tip", 0), (vein, 0)):
        mesh = meshes[chamber]
        cut = {mesh.name: np.linalg.norm(mesh.vertices - centres[name], axis=1) < 12}
        found = find_anatomy(meshes, SOUND, network, cut, ct)
        landmark = found.landmarks[name]
        assert "field of view" in landmark["reason"]
        assert (landmark["centre_ras_mm"] is None) == (name != vein)
        assert landmark["trust"] == ("check" if name == vein else "do not use")
        lost = {measure for measure, parts in RESTS_ON.items() if name in parts}
        for measure in UNITS:
            measured = found.measurements[measure]
            if measure in lost:
                assert measured["value"] is None and "field of view" in measured["reason"]
            elif measure in RESTS_ON and anatomy.measurements[measure]["value"] is not None:
                assert measured["value"] == anatomy.measurements[measure]["value"]
    assert found.measurements[f"{vein}_area"]["value"] is None


def test_doubt_about_a_surface_is_doubt_about_what_is_measured_on_it(meshes, network):
    found = find_anatomy(meshes, {"LA": "check", "LV": "ok"}, network)
    seen = [name for name in UNITS if RESTS_ON[name] != ("aortic_annulus",)]
    assert {found.measurements[name]["trust"] for name in seen} == {"check"}
    assert found.landmarks["lv_centre"]["trust"] == "ok" and "LA" in found.landmarks["mitral_annulus"]["reason"]


def test_one_surface_alone_says_which_is_lacking(meshes, network):
    found = find_anatomy(meshes[:1], {"LA": "ok"}, network)
    assert found.landmarks["la_centre"]["trust"] == "ok"
    assert "needs the surface of LV" in found.landmarks["mitral_annulus"]["reason"]
    assert {measured["value"] for measured in found.measurements.values()} == {None}
    assert set(found.measurements) == set(UNITS)


def test_surfaces_that_do_not_meet_have_no_valve(meshes, network):
    atrium, ventricle = meshes
    found = find_anatomy([atrium, ventricle._replace(vertices=ventricle.vertices + [0, 0, -60.0])], SOUND, network)
    assert "hardly face each other" in found.landmarks["mitral_annulus"]["reason"]
    assert found.measurements["lv_long_axis"]["value"] is None
