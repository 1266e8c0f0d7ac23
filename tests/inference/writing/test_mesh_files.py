"""Mesh files as other programs read them."""

from __future__ import annotations

import io

import itk
import numpy as np
import pytest
import trimesh

from custom.frames import ras_to_lps
from custom.inference.writing.mesh_files import ENCODERS, read_stl
from custom.inputs import InputError
from custom.mesh import Mesh
from custom.template import icosphere

CENTRE, RADII = np.array([31.25, -20.5, 812.75]), np.array([22.0, 27.0, 41.0])  # RAS mm


@pytest.fixture(scope="module")
def ellipsoid() -> Mesh:
    sphere, faces = icosphere(4)
    return Mesh("LV", CENTRE + RADII * sphere.numpy(), faces.numpy())


def _read_by_trimesh(content: bytes, kind: str, folder) -> tuple[np.ndarray, np.ndarray]:
    mesh = trimesh.load_mesh(io.BytesIO(content), file_type=kind)
    return np.asarray(mesh.vertices), np.asarray(mesh.faces)


def _read_by_itk(content: bytes, kind: str, folder) -> tuple[np.ndarray, np.ndarray]:
    path = folder / f"mesh.{kind}"
    path.write_bytes(content)
    mesh = itk.meshread(str(path), itk.F)
    cells = itk.array_from_vector_container(mesh.GetCellsArray())
    points = itk.array_from_vector_container(mesh.GetPoints())
    assert len(cells) == 5 * mesh.GetNumberOfCells()  # type, count and three corners each
    return points.reshape(-1, 3).astype(np.float64), cells.reshape(-1, 5)[:, 2:].astype(np.int64)


@pytest.mark.parametrize(
    ("kind", "read"),
    [("stl", _read_by_trimesh), ("ply", _read_by_trimesh), ("obj", _read_by_trimesh), ("vtk", _read_by_itk)],
)
def test_a_known_ellipsoid_lands_where_it_is(ellipsoid, kind, read, tmp_path):
    vertices, faces = read(ENCODERS[kind](ellipsoid), kind, tmp_path)
    local = (ras_to_lps(vertices) - CENTRE) / RADII
    off = np.abs(np.linalg.norm(local, axis=1) - 1) * RADII.max()
    assert off.max() < 0.05
    assert len(faces) == len(ellipsoid.faces)
    again = trimesh.Trimesh(vertices, faces)
    assert again.is_watertight
    assert again.volume == pytest.approx(trimesh.Trimesh(ellipsoid.vertices, ellipsoid.faces).volume, rel=1e-5)
    np.testing.assert_allclose(again.bounds, [ras_to_lps(CENTRE) - RADII, ras_to_lps(CENTRE) + RADII], atol=0.2)


def test_files_say_their_space(ellipsoid):
    stl, vtk = ENCODERS["stl"](ellipsoid), ENCODERS["vtk"](ellipsoid)
    assert b"SPACE=LPS" in stl[:80] and not stl.startswith(b"solid")
    assert len(stl) == 84 + 50 * len(ellipsoid.faces)
    first, second = vtk.split(b"\n")[:2]
    assert first == b"# vtk DataFile Version 3.0"
    assert b"SPACE=LPS" in second
    assert b"comment SPACE=LPS" in ENCODERS["ply"](ellipsoid).split(b"end_header")[0]
    assert ENCODERS["obj"](ellipsoid).startswith(b"# SPACE=LPS")


@pytest.mark.parametrize("kind", ["stl", "vtk", "ply", "obj"])
def test_a_remark_stands_behind_the_space(ellipsoid, kind, tmp_path):
    content = ENCODERS[kind](ellipsoid, "; FORCED, see report")
    assert content.count(b"SPACE=LPS LV, millimetres; FORCED, see report") == 1
    read = _read_by_itk if kind == "vtk" else _read_by_trimesh
    assert len(read(content, kind, tmp_path)[1]) == len(ellipsoid.faces)


def test_a_glb_is_in_metres_head_up_and_in_the_colour_of_its_chamber(ellipsoid):
    """The accessors of a GLB by its specification, read with pygltflib, which shares no code with trimesh."""
    pygltflib = pytest.importorskip("pygltflib")
    read = pygltflib.GLTF2().load_from_bytes(ENCODERS["glb"](ellipsoid, "; FORCED, see report"))
    assert "LV, metres" in read.asset.extras["title"] and "FORCED, see report" in read.asset.extras["title"]
    assert "Research only" in read.asset.extras["use"]
    (mesh,), (material,) = read.meshes, read.materials
    (part,), blob = mesh.primitives, read.binary_blob()

    def values(accessor: int, dtype: str, width: int) -> np.ndarray:
        entry = read.accessors[accessor]
        start = read.bufferViews[entry.bufferView].byteOffset + (entry.byteOffset or 0)
        return np.frombuffer(blob, dtype, entry.count * width, start).reshape(-1, width)

    points, normals = (values(getattr(part.attributes, kind), "<f4", 3) for kind in ("POSITION", "NORMAL"))
    faces = values(part.indices, "<u4", 1).reshape(-1, 3)
    right, anterior, superior = ellipsoid.vertices.T / 1000
    np.testing.assert_allclose(points, np.stack([-right, superior, anterior], axis=1), atol=1e-6)
    np.testing.assert_array_equal(faces, ellipsoid.faces)
    assert ((points - points.mean(axis=0)) * normals).sum(axis=1).min() > 0
    volume = np.einsum("fi,fi->", points[faces[:, 0]], np.cross(points[faces[:, 1]], points[faces[:, 2]])) / 6
    assert volume * 1e6 == pytest.approx(4 / 3 * np.pi * RADII.prod() / 1e3, rel=0.01)  # m3 to mL, not mirrored
    node = read.nodes[read.scenes[read.scene].nodes[0]]
    assert node.matrix in (None, list(np.eye(4).ravel()))
    assert material.pbrMetallicRoughness.baseColorFactor == pytest.approx([1.0, 0x6B / 255, 0x57 / 255, 1.0], abs=0.01)


def _facets(stl: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Normals (F, 3) and corners (F, 3, 3) as the file holds them: trimesh makes normals of its own."""
    facets = np.frombuffer(stl, dtype=[("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("zero", "<u2")], offset=84)
    return facets["normal"], facets["corners"]


def test_stl_normals_are_of_length_one_square_to_their_faces_and_outward(ellipsoid):
    normals, corners = _facets(ENCODERS["stl"](ellipsoid))
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-6)
    edges = np.diff(corners, axis=1)
    assert np.abs(edges @ normals[:, :, None]).max() < 1e-4  # mm
    outward = corners.mean(axis=1) - ras_to_lps(CENTRE)
    assert ((normals * outward).sum(axis=1) > 0).all()


def test_a_face_without_area_has_no_normal(ellipsoid):
    vertices = 1e-2 * ellipsoid.vertices  # and small ones have
    vertices[ellipsoid.faces[7, 0]] = vertices[ellipsoid.faces[7, 1]]
    normals, corners = _facets(ENCODERS["stl"](ellipsoid._replace(vertices=vertices)))
    areas = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    assert (areas == 0).sum() == 2  # the two at the edge that is gone
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), areas > 0, atol=1e-6)


def test_an_stl_is_read_as_it_was_written(ellipsoid, tmp_path):
    (tmp_path / "ct_LV.stl").write_bytes(ENCODERS["stl"](ellipsoid))
    mesh = read_stl(tmp_path / "ct_LV.stl", "LV")
    assert mesh.name == "LV" and mesh.vertices.shape == ellipsoid.vertices.shape  # corners welded
    np.testing.assert_allclose(mesh.vertices[mesh.faces], ellipsoid.vertices[ellipsoid.faces], atol=1e-4)


def test_one_face_is_a_mesh(tmp_path):
    (tmp_path / "a.stl").write_bytes(ENCODERS["stl"](Mesh("LA", np.eye(3), np.array([[0, 1, 2]]))))
    assert len(read_stl(tmp_path / "a.stl", "LA").faces) == 1


def test_what_is_no_mesh_is_refused(ellipsoid, tmp_path):
    path = tmp_path / "ct_LV.stl"
    with pytest.raises(InputError, match="the mesh ct_LV.stl is not there"):
        read_stl(path, "LV")
    whole = ENCODERS["stl"](ellipsoid)
    for content in (
        whole[:5000],
        whole[:84],
        b"solid",
        b"",
        ENCODERS["stl"](ellipsoid._replace(faces=np.empty((0, 3), int))),
    ):
        path.write_bytes(content)
        with pytest.raises(InputError, match="the mesh ct_LV.stl holds no faces: is it complete?"):
            read_stl(path, "LV")
