"""What is simulated: a chamber's blood, or the left ventricle's muscle, as tetrahedra with named boundaries."""

from __future__ import annotations

from typing import NamedTuple

import manifold3d
import numpy as np

from ..anatomy.planes import Surface, unit
from ..anatomy.regions import REGIONS, UNKNOWN
from ..anatomy.wall import wall_thickness
from ..geometry.places import nearest_faces
from ..inputs import InputError
from ..mesh import Mesh
from .openings import OPENINGS, Opening, flat_openings, volume_mm3
from .tetrahedra import Settings, Tetrahedra, fill

ENDOCARDIUM, EPICARDIUM = "endocardium", "epicardium"
ROUNDS = 20
"""Of projections into planes, and of steps back from them."""
SPOILT = 10.0
"""Degrees, the least dihedral angle of a cell below which its points do not go into a plane."""
ALIGNED = 0.9
"""Cosine between the normals of a triangle and of the opening that it can belong to."""
DEPTHS = np.arange(0.0, 13.0)
"""mm below the valves' planes at which the muscle can be cut."""
RING, WALLED = 1.5, 0.97
"""mm below the cut, and the share of the cavity's vertices there that have a wall, from which on it is cut there:
nearer to the valves cavity and muscle end together, in a sheet that is no muscle."""


class Domain(NamedTuple):
    """A volume with what is known of its cells and boundaries."""

    volume: Tetrahedra
    regions: np.ndarray
    """(T,) int32 of each cell, that of the surface nearest to it, values of `custom.anatomy.regions.REGIONS`."""
    triangles: np.ndarray
    """(B, 3) int64, wound outward."""
    of_triangles: np.ndarray
    """(B,) int32, the same of each triangle."""
    boundaries: np.ndarray
    """(B,) of each triangle, the place of its name in `names`."""
    names: tuple[str, ...]
    openings: frozenset[str]
    """Which of the names are flat and not a wall."""
    surface_ml: float
    """Of the surface, before anything was made flat; of muscle, of what is left of it."""
    muscle: bool
    """Or blood."""


def blood(mesh: Mesh, settings: Settings) -> Domain:
    """The blood of a chamber, each opening flat and a boundary, as is each region of the wall.

    Args:
        mesh: with regions, RAS mm.
        settings: for fTetWild.
    """
    flat, openings = flat_openings(mesh)
    volume = fill(flat.vertices, flat.faces, settings)
    triangles = volume.boundary()
    nearest = nearest_faces(volume.points[triangles].mean(axis=1), flat.vertices, flat.faces)
    names = np.array([_name(region) for region in _of_faces(flat)[nearest]], dtype=object)
    walls = names.copy()
    for opening in openings:
        own = opening.vertices[flat.faces].all(axis=1)[nearest]
        names[_in_plane(volume.points, triangles, own, opening, settings.tolerance_mm)] = OPENINGS[opening.region]
    _flatten(volume, triangles, {OPENINGS[opening.region]: opening for opening in openings}, names, walls)
    shut = {OPENINGS[opening.region] for opening in openings}
    return _domain(volume, triangles, flat, names, shut, volume_mm3(mesh.vertices, mesh.faces), muscle=False)


def muscle(outer: Mesh, inner: Mesh, settings: Settings) -> Domain:
    """The left ventricle's muscle, cut flat below its valves where it begins to be a wall.

    Args:
        outer: the epicardium, RAS mm.
        inner: the cavity, with regions, RAS mm.
        settings: for fTetWild.

    Raises InputError where the valves were not found, or have no muscle below them.
    """
    openings = _cut_below(flat_openings(inner)[1], outer, inner)
    wall = _solid(outer) - _solid(inner)
    for opening in openings:
        wall = wall.trim_by_plane((-opening.normal).tolist(), float(-opening.normal @ opening.centre))
    cut = wall.to_mesh64()
    vertices, faces = np.array(cut.vert_properties[:, :3]), np.array(cut.tri_verts, dtype=np.int64)
    volume = fill(vertices, faces, settings)
    triangles = volume.boundary()
    middles = volume.points[triangles].mean(axis=1)
    sides = np.concatenate([outer.faces, inner.faces + len(outer.vertices)])
    nearest = nearest_faces(middles, np.concatenate([outer.vertices, inner.vertices]), sides)
    names = np.where(nearest < len(outer.faces), EPICARDIUM, ENDOCARDIUM).astype(object)
    walls = names.copy()
    for opening in openings:
        near = np.abs((middles - opening.centre) @ opening.normal) < settings.tolerance_mm
        names[_in_plane(volume.points, triangles, near, opening, settings.tolerance_mm)] = _base(opening)
    _flatten(volume, triangles, {_base(opening): opening for opening in openings}, names, walls)
    bases = {_base(opening) for opening in openings}
    return _domain(volume, triangles, inner, names, bases, volume_mm3(vertices, faces), muscle=True)


def _solid(mesh: Mesh) -> manifold3d.Manifold:
    """What a closed surface encloses."""
    vertices, faces = mesh.vertices.astype(np.float64), mesh.faces.astype(np.uint64)
    return manifold3d.Manifold(manifold3d.Mesh64(np.ascontiguousarray(vertices), np.ascontiguousarray(faces)))


def _cut_below(openings: list[Opening], outer: Mesh, inner: Mesh) -> list[Opening]:
    """The valves' planes, moved together into the ventricle until there is muscle round all of the cavity."""
    walled = np.isfinite(wall_thickness(outer, Surface.of(inner)))
    heights = np.array([(inner.vertices - opening.centre) @ opening.normal for opening in openings])
    for depth in DEPTHS if openings else ():
        highest = heights.max(axis=0) + depth
        ring = (highest < 0) & (highest > -RING)
        if ring.any() and walled[ring].mean() >= WALLED:
            return [opening._replace(centre=opening.centre - depth * opening.normal) for opening in openings]
    raise InputError(
        f"MYO and LV lie on each other down to {DEPTHS[-1]:g} mm below the valves: there is no wall to fill"
    )


def _in_plane(
    points: np.ndarray, triangles: np.ndarray, own: np.ndarray, opening: Opening, tolerance_mm: float
) -> np.ndarray:
    """Which (B,) of the `own` (B,) triangles (B, 3) are flat enough for an opening."""
    heights = (points - opening.centre) @ opening.normal
    first, second, third = (points[triangles[:, corner]] for corner in range(3))
    facing = unit(np.cross(second - first, third - first)) @ opening.normal > ALIGNED
    return own & facing & (np.abs(heights[triangles]) <= tolerance_mm).all(axis=1)


def _flatten(
    volume: Tetrahedra, triangles: np.ndarray, openings: dict[str, Opening], names: np.ndarray, walls: np.ndarray
) -> None:
    """Move the points of triangles (B, 3) with an opening's name (B,) into its plane, in place.

    What two planes share goes to both, by projections in turn. Where that would spoil a cell, at a rim, points stay,
    and their triangles get the name of the wall (B,).
    """
    points, before = volume.points, volume.points.copy()
    for _ in range(ROUNDS):
        for name, opening in openings.items():
            corners = np.unique(triangles[names == name])
            points[corners] -= ((points[corners] - opening.centre) @ opening.normal)[:, None] * opening.normal
    for _ in range(ROUNDS):
        spoilt = (volume.volumes() <= 0) | (volume.least_angles() < SPOILT)
        corners = np.unique(volume.cells[spoilt])
        back = corners[(points[corners] != before[corners]).any(axis=1)]
        if len(back) == 0:
            break
        points[back] = before[back]
        left = np.isin(triangles, back).any(axis=1) & np.isin(names, list(openings))
        names[left] = walls[left]


def _domain(
    volume: Tetrahedra,
    triangles: np.ndarray,
    surface: Mesh,
    names: np.ndarray,
    openings: set[str],
    surface_mm3: float,
    muscle: bool,
) -> Domain:
    """With the regions of a surface, and each triangle's boundary by its name (B,)."""
    of_faces = _of_faces(surface)
    regions, of_triangles = (
        of_faces[nearest_faces(volume.points[corners].mean(axis=1), surface.vertices, surface.faces)]
        for corners in (volume.cells, triangles)
    )
    listed, places = np.unique(names.astype(str), return_inverse=True)
    return Domain(
        volume, regions, triangles, of_triangles, places, tuple(map(str, listed)), frozenset(openings),
        surface_mm3 / 1e3, muscle,
    )  # fmt: skip


def _of_faces(surface: Mesh) -> np.ndarray:
    """(F,) int32, the region that most corners of each face have."""
    return np.sort(surface.regions[surface.faces], axis=1)[:, 1].astype(np.int32)


def _name(region: int) -> str:
    """A region's name without its chamber's, as files have it: ``left_superior_vein``."""
    return "wall" if region == UNKNOWN else REGIONS[region].partition(" ")[2].replace(" ", "_")


def _base(opening: Opening) -> str:
    return OPENINGS[opening.region].replace("valve", "base")
