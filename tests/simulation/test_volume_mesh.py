"""Volume meshes of an ellipsoid with the regions of a ventricle, and of a wall round it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import trimesh
from monai.bundle import ConfigWorkflow
from refusals import refusal_of

from custom.frames import ras_to_file
from custom.inference.writing.mesh_files import encode_vtk
from custom.mesh import Mesh
from custom.simulation import workflow

CONFIG = Path(__file__).parents[2] / "bundle" / "configs" / "volume_mesh.json"
RADII = np.array([24.0, 22.0, 40.0])
WALL = 9.0
TOP = 33.0
"""mm up the long axis, above which the ventricle is a tilted, uneven base."""


def ventricle() -> Mesh:
    """Its long axis is the third; the base holds the mitral side and, at one end, the outlet; the rest is one segment.

    The base is uneven, so that there is something to make flat.
    """
    sphere = trimesh.creation.icosphere(subdivisions=4)
    vertices = sphere.vertices * RADII
    high = vertices[:, 2] > TOP
    vertices[high, 2] = TOP + 0.3 * (vertices[high, 2] - TOP) + np.sin(vertices[high, 0])
    regions = np.full(len(vertices), 11, dtype=np.int32)
    regions[vertices[:, 2] > TOP - 4] = 6
    regions[(vertices[:, 2] > TOP - 4) & (vertices[:, 0] > 7)] = 7
    return Mesh("LV", vertices + (10, -20, 30), np.asarray(sphere.faces, dtype=np.int64), regions)


def epicardium(inner: Mesh) -> Mesh:
    """`WALL` outside the ventricle, but for the base, where both end together."""
    sphere = trimesh.creation.icosphere(subdivisions=4)
    vertices = sphere.vertices * (RADII + WALL)
    vertices[:, 2] = np.minimum(vertices[:, 2], TOP + 1.5)
    return Mesh("MYO", vertices + (10, -20, 30), inner.faces, np.zeros(len(vertices), dtype=np.int32))


def write(folder: Path, mesh: Mesh, case: str = "ct") -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{case}_{mesh.name}.vtk").write_bytes(encode_vtk(mesh))


def volume_mesh(folder: Path, **keys) -> None:
    keys = {"edge_mm": 8.0, "tolerance_mm": 0.3, **keys, "input": str(folder)}
    bundle = ConfigWorkflow(config_file=str(CONFIG), run_id="volume_meshing", logging_file=False, **keys)
    bundle.initialize()
    bundle.run()


def rows(path: Path, kind: type = float) -> np.ndarray:
    """The numbers of an openCARP file after its first line, which counts its lines; words are left out."""
    first, *lines = path.read_text().splitlines()
    assert path.suffix == ".lon" or int(first) == len(lines)
    return np.array([[kind(word) for word in line.split() if not word.isalpha()] for line in lines])


@pytest.fixture(scope="module")
def volumes(tmp_path_factory) -> Path:
    pytest.importorskip("pytetwild")
    pytest.importorskip("meshio")
    folder = tmp_path_factory.mktemp("surfaces")
    write(folder, ventricle())
    write(folder, epicardium(ventricle()))
    volume_mesh(folder, output_dir=str(folder / "volumes"))
    return folder / "volumes"


def read(path: Path):
    import meshio

    return meshio.read(path)


def volume_of(points: np.ndarray, cells: np.ndarray) -> np.ndarray:
    a, b, c = (points[cells[:, corner]] - points[cells[:, 0]] for corner in (1, 2, 3))
    return np.einsum("ij,ij->i", np.cross(a, b), c) / 6


def test_meshio_reads_the_blood_with_its_boundaries(volumes):
    mesh, told = read(volumes / "ct_LV_volume.vtu"), json.loads((volumes / "ct_LV_volume.json").read_text())
    tetrahedra, triangles = mesh.cells_dict["tetra"], mesh.cells_dict["triangle"]
    volumes_mm3, surface = volume_of(mesh.points, tetrahedra), ventricle()
    assert (volumes_mm3 > 0).all() and told["inverted"] == 0 and told["least_dihedral_angle_degrees"] >= 8
    true = trimesh.Trimesh(surface.vertices, surface.faces).volume
    assert volumes_mm3.sum() == pytest.approx(true, rel=0.01)
    np.testing.assert_allclose(mesh.points.mean(0), ras_to_file(surface.vertices).mean(0), atol=5)
    boundary = trimesh.Trimesh(mesh.points, triangles, process=False)
    assert boundary.is_watertight and boundary.volume == pytest.approx(volumes_mm3.sum())
    names = {name for name in mesh.cell_data if name != "region"}
    assert names == set(told["boundaries"]) == {
        "mitral_valve", "aortic_valve", "mitral_side", "aortic_outlet", "1_basal_anterior"
    }  # fmt: skip
    of_each = np.stack([mesh.cell_data_dict[name]["triangle"] for name in sorted(names)])
    assert (of_each.sum(0) == 1).all()
    assert set(mesh.cell_data_dict["region"]["tetra"]) == {6, 7, 11}


@pytest.mark.parametrize(
    ("of", "name", "least"),
    [("LV", "mitral_valve", 300), ("LV", "aortic_valve", 70), ("MYO", "mitral_base", 300), ("MYO", "aortic_base", 70)],
)
def test_valves_and_bases_are_flat(volumes, of, name, least):
    mesh, told = read(volumes / f"ct_{of}_volume.vtu"), json.loads((volumes / f"ct_{of}_volume.json").read_text())
    corners = mesh.points[mesh.cells_dict["triangle"][mesh.cell_data_dict[name]["triangle"] == 1]]
    points = corners.reshape(-1, 3)
    assert np.linalg.svd(points - points.mean(0), compute_uv=False)[2] < 1e-2
    assert told["boundaries"][name]["opening"] and told["boundaries"][name]["area_mm2"] > least
    outward = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]).sum(0)
    assert outward[2] > 0.8 * np.linalg.norm(outward)  # the third axis of LPS is that of RAS


def test_opencarp_has_the_same_mesh_in_micrometres(volumes):
    mesh, stem = read(volumes / "ct_LV_volume.vtu"), "ct_LV_volume"
    np.testing.assert_allclose(rows(volumes / f"{stem}.pts"), mesh.points * 1000, atol=1e-3)
    cells = rows(volumes / f"{stem}.elem", int)
    np.testing.assert_array_equal(cells[:, :4], mesh.cells_dict["tetra"])
    np.testing.assert_array_equal(cells[:, 4], mesh.cell_data_dict["region"]["tetra"])
    assert not rows(volumes / f"{stem}.lon").any() and len(rows(volumes / f"{stem}.lon")) == len(cells)
    own = mesh.cells_dict["triangle"][mesh.cell_data_dict["mitral_valve"]["triangle"] == 1]
    np.testing.assert_array_equal(rows(volumes / f"{stem}_mitral_valve.surf", int), own)
    count, extra, *points = (volumes / f"{stem}_mitral_valve.vtx").read_text().split()
    assert extra == "extra" and int(count) == len(points) and set(map(int, points)) == set(own.ravel())


def test_the_muscle_is_what_lies_between_below_the_valves(volumes):
    mesh, told = read(volumes / "ct_MYO_volume.vtu"), json.loads((volumes / "ct_MYO_volume.json").read_text())
    boundaries = told["boundaries"]
    assert set(boundaries) == {"endocardium", "epicardium", "mitral_base", "aortic_base"}
    assert boundaries["epicardium"]["area_mm2"] > boundaries["endocardium"]["area_mm2"] > 3000
    volumes_mm3 = volume_of(mesh.points, mesh.cells_dict["tetra"])
    ellipsoids = [4 / 3 * np.pi * np.prod(RADII + outward) for outward in (WALL, 0)]
    between = ellipsoids[0] - ellipsoids[1]
    assert (volumes_mm3 > 0).all() and 0.6 * between < volumes_mm3.sum() < between
    assert told["volume_error"] == pytest.approx(0, abs=0.01) and told["least_dihedral_angle_degrees"] >= 8
    solid = trimesh.Trimesh(mesh.points, mesh.cells_dict["triangle"], process=False)
    assert solid.is_watertight and solid.euler_number == 2  # a cup without a lid is a ball
    assert set(rows(volumes / "ct_MYO_volume.lon").tolist()[0]) == {0.0, 1.0}


def test_open_valves_have_no_triangles(volumes, tmp_path):
    write(tmp_path, ventricle())
    volume_mesh(tmp_path, openings="open", formats="vtu")
    mesh = read(tmp_path / "ct_LV_volume.vtu")
    assert "mitral_valve" not in mesh.cell_data and "mitral_side" in mesh.cell_data
    rims = trimesh.Trimesh(mesh.points, mesh.cells_dict["triangle"], process=False)
    assert not rims.is_watertight
    assert {path.name for path in tmp_path.iterdir()} == {"ct_LV.vtk", "ct_LV_volume.vtu", "ct_LV_volume.json"}


def test_what_misses_a_floor_or_has_no_regions_is_refused_by_name_and_leaves_nothing(volumes, tmp_path, caplog):
    write(tmp_path, ventricle())
    write(tmp_path, ventricle()._replace(regions=None), case="dim")
    whole = (tmp_path / "ct_LV.vtk").read_bytes()
    (tmp_path / "cut_LV.vtk").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "odd_LV.vtk").write_bytes(whole.replace(b"SPACE=LPS", b"SPACE=RAS"))
    write(tmp_path, epicardium(ventricle()), case="alone")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(SystemExit) as ended:
        volume_mesh(tmp_path, least_angle=50.0, edge_mm=14.0)
    assert ended.value.code == 1 and sorted(tmp_path.iterdir()) == before
    assert "ct_LV_volume: the least dihedral angle is" in caplog.text
    assert "dim_LV_volume: dim_LV.vtk has no regions" in caplog.text
    assert "cut_LV_volume: cut_LV.vtk holds no closed surface" in caplog.text
    assert "odd_LV_volume: odd_LV.vtk does not say SPACE=LPS" in caplog.text
    assert "alone_MYO_volume: alone_LV.vtk is needed as well" in caplog.text


def test_formats_are_those_that_there_are_encoders_for(volumes):
    from custom.simulation.files import ENCODERS

    assert tuple(ENCODERS) == workflow.FORMATS


def test_without_its_libraries_the_call_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(workflow, "find_spec", lambda name: None)
    sentence = "volume meshes need pytetwild and pyvista and manifold3d and meshio: `pip install .[simulation]`"
    assert refusal_of(lambda: volume_mesh(tmp_path)) == sentence
