"""Mesh files: binary STL, legacy VTK, PLY and OBJ, in LPS mm and marked so; and binary glTF, in metres.

3D Slicer reads the mark `SPACE=LPS` from the STL header, the second line of a legacy VTK file and the comments of PLY
and OBJ; other programs pass over it. A `remark`, of ASCII characters, at most 50, follows in the same place. glTF has
axes and units of its own, and says so in its `asset`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import trimesh
from matplotlib.colors import to_rgb
from trimesh.exchange.gltf import export_glb
from trimesh.exchange.stl import export_stl
from trimesh.visual import TextureVisuals
from trimesh.visual.material import PBRMaterial

from ...chambers import CHAMBERS
from ...frames import FILE_SPACE, ras_to_file, ras_to_gltf
from ...inputs import InputError
from ...mesh import Mesh
from ...text import RESEARCH_ONLY


def read_stl(path: Path, name: str) -> Mesh:
    """The mesh of an STL file in LPS mm, as `name`, corners that STL repeats welded to vertices.

    Raises InputError where the file is not there, or holds no mesh.
    """
    if not path.is_file():
        raise InputError(f"the mesh {path.name} is not there")
    try:
        mesh = trimesh.load_mesh(path, file_type="stl", process=True)
    except Exception as error:  # whatever trimesh raises on a damaged file
        raise InputError(f"the mesh {path.name} cannot be read: is it complete?") from error
    if len(mesh.faces) == 0:
        raise InputError(f"the mesh {path.name} holds no faces: is it complete?")
    return Mesh(name, ras_to_file(np.asarray(mesh.vertices, dtype=np.float64)), np.asarray(mesh.faces, dtype=np.int64))


def encode_stl(mesh: Mesh, remark: str = "") -> bytes:
    """`mesh` as binary STL: its coordinates in float32."""
    surface = trimesh.Trimesh(ras_to_file(mesh.vertices), mesh.faces, process=False)
    return _title(mesh, remark).ljust(80).encode("ascii") + export_stl(surface)[80:]


def encode_vtk(mesh: Mesh, remark: str = "") -> bytes:
    """`mesh` as legacy VTK 3.0 polygonal data, binary (big endian), which every VTK since reads; its regions and
    expected errors, if it has any, are the point data `region` and `expected_error_mm`."""
    points = ras_to_file(mesh.vertices).astype(">f4")
    polygons = np.hstack([np.full((len(mesh.faces), 1), 3), mesh.faces]).astype(">i4")
    head = f"# vtk DataFile Version 3.0\n{_title(mesh, remark)}\nBINARY\nDATASET POLYDATA\nPOINTS {len(points)} float\n"
    middle = f"\nPOLYGONS {len(polygons)} {polygons.size}\n"
    content = head.encode("ascii") + points.tobytes() + middle.encode("ascii") + polygons.tobytes() + b"\n"
    fields = _fields(mesh)
    if not fields:
        return content
    content += f"POINT_DATA {len(points)}\n".encode("ascii")
    for name, values in fields.items():
        kind, stored = ("int", ">i4") if values.dtype.kind == "i" else ("float", ">f4")
        content += f"SCALARS {name} {kind} 1\nLOOKUP_TABLE default\n".encode("ascii")
        content += values.astype(stored).tobytes() + b"\n"
    return content


def encode_ply(mesh: Mesh, remark: str = "") -> bytes:
    """`mesh` as binary little-endian PLY; its regions and expected errors, if it has any, are the vertices' properties
    `region` and `expected_error_mm`."""
    fields = _fields(mesh)
    kinds = [(axis, "<f4") for axis in "xyz"]
    kinds += [(name, "<i4" if values.dtype.kind == "i" else "<f4") for name, values in fields.items()]
    vertices = np.empty(len(mesh.vertices), dtype=kinds)
    for axis, values in zip("xyz", ras_to_file(mesh.vertices).T, strict=True):
        vertices[axis] = values
    for name, values in fields.items():
        vertices[name] = values
    faces = np.empty(len(mesh.faces), dtype=[("count", "u1"), ("corners", "<i4", 3)])
    faces["count"], faces["corners"] = 3, mesh.faces
    head = [
        "ply",
        "format binary_little_endian 1.0",
        f"comment {_title(mesh, remark)}",
        f"element vertex {len(mesh.vertices)}",
        *(f"property {'int' if np.issubdtype(kind, np.integer) else 'float'} {name}" for name, kind in kinds),
        f"element face {len(faces)}",
        "property list uchar int vertex_indices",
        "end_header\n",
    ]
    return "\n".join(head).encode("ascii") + vertices.tobytes() + faces.tobytes()


def encode_obj(mesh: Mesh, remark: str = "") -> bytes:
    """`mesh` as Wavefront OBJ text, vertices to a nanometre."""
    lines = [f"# {_title(mesh, remark)}", f"o {mesh.name}"]
    lines += [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in ras_to_file(mesh.vertices).tolist()]
    lines += [f"f {a} {b} {c}" for a, b, c in (mesh.faces + 1).tolist()]
    return ("\n".join(lines) + "\n").encode("ascii")


def encode_glb(mesh: Mesh, remark: str = "") -> bytes:
    """`mesh` as binary glTF 2.0, in its chamber's colour: for tablets, headsets and slides."""
    chamber = CHAMBERS[mesh.name]
    material = PBRMaterial(
        name=chamber.title, baseColorFactor=[*to_rgb(chamber.colour), 1.0], metallicFactor=0.0, roughnessFactor=0.6
    )
    surface = trimesh.Trimesh(ras_to_gltf(mesh.vertices), mesh.faces, process=False)
    surface.visual = TextureVisuals(material=material)
    title = f"{mesh.name}, metres, y towards the head, z towards the front{remark}"

    def add_title(tree: dict) -> None:
        tree["asset"]["extras"] = {"title": title, "use": RESEARCH_ONLY}

    scene = trimesh.Scene({mesh.name: surface})
    return export_glb(scene, include_normals=True, tree_postprocessor=add_title)


ENCODERS = {"stl": encode_stl, "vtk": encode_vtk, "ply": encode_ply, "obj": encode_obj, "glb": encode_glb}


def _fields(mesh: Mesh) -> dict[str, np.ndarray]:
    """What is known of each vertex (V,), by the name that it has in files."""
    fields = {"region": mesh.regions, "expected_error_mm": mesh.expected_error_mm}
    return {name: values for name, values in fields.items() if values is not None}


def _title(mesh: Mesh, remark: str) -> str:
    return f"SPACE={FILE_SPACE} {mesh.name}, millimetres{remark}"
