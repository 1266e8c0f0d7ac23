import itertools

import igl
import numpy as np
import pytest

from custom.geometry import intersections
from custom.geometry.intersections import IntersectionSearch, Tangled, mutual_intersections, self_intersections
from custom.geometry.predicates import triangles_meet

TRIANGLE = np.array([[0.0, 0, 0], [4, 0, 0], [0, 4, 0]])
ONE_FACE = np.array([[0, 1, 2]])


@pytest.mark.parametrize(
    "other, meet",
    [
        ([[1, 1, -1], [1, 1, 1], [2, 1, 1]], True),  # an edge pierces it
        ([[-1, 1, -1], [-1, 1, 1], [9, 1, 0]], True),  # its border pierces the other
        ([[1, 1, 0], [1, 1, 1], [2, 1, 1]], True),  # touched by a vertex
        ([[1, 1, 0.001], [1, 1, 1], [2, 1, 1]], False),  # just not touched
        ([[5, 5, -1], [5, 5, 1], [6, 5, 1]], False),  # crosses the plane beside it
        ([[3, 3, -1], [3, 3, 1], [9, 9, 0]], False),  # boxes overlap
        ([[1, 1, 0], [2, 1, 0], [1, 2, 0]], True),  # coplanar, contained
        ([[-1, 1, 0], [9, 1, 0], [9, 2, 0]], True),  # coplanar, borders cross
        ([[3, 3, 0], [4, 3, 0], [3, 4, 0]], False),  # coplanar, disjoint
        ([[4, 0, 0], [5, 0, 0], [5, 1, 0]], True),  # coplanar, a corner in common
        ([[5, 0, 0], [6, 0, 0], [6, 1, 0]], False),  # coplanar, edges on one line
        ([[1, 0, 0], [2, 0, 0], [1, 0, 3]], True),  # an edge on its edge
    ],
)
def test_two_triangles(other, meet):
    generator = np.random.default_rng(0)
    other = np.array(other, dtype=float)
    for _ in range(6):  # whichever corner comes first, whichever triangle, from whichever side
        a, b = TRIANGLE[generator.permutation(3)], other[generator.permutation(3)]
        assert len(mutual_intersections(a, ONE_FACE, b, ONE_FACE)) == meet
        assert len(mutual_intersections(b, ONE_FACE, a, ONE_FACE)) == meet


@pytest.mark.parametrize(
    "tips, meet",
    [
        ([[-4, -4, 3], [-4, -4, -3]], False),  # only the vertex in common
        ([[4, 4, 3], [4, 4, -3]], True),  # cuts the first in two
        ([[2, 2, 1], [2, 2, -1]], True),  # the second leaves the vertex through the first
        ([[9, 1, 0], [9, 2, 0]], True),  # coplanar, overlapping sectors
        ([[-2, 1, 0], [-2, -1, 0]], False),  # coplanar, disjoint sectors
    ],
)
def test_triangles_that_share_one_vertex(tips, meet):
    vertices = np.concatenate([TRIANGLE, tips])
    for faces in ([[0, 1, 2], [0, 3, 4]], [[1, 2, 0], [3, 4, 0]], [[4, 0, 3], [2, 0, 1]]):
        assert len(self_intersections(vertices, np.array(faces))) == meet


def test_neighbours_across_an_edge_do_not_count():
    vertices = np.concatenate([TRIANGLE, [[1, 1, 2]]])
    assert self_intersections(vertices, np.array([[0, 1, 2], [1, 0, 3]])).shape == (0, 2)


def test_spheres(icosphere):
    vertices, faces = (x.numpy() for x in icosphere(3))
    assert self_intersections(vertices, faces).shape == (0, 2)
    for other in (vertices + [2.1, 0, 0], 0.5 * vertices):
        assert mutual_intersections(vertices, faces, other, faces).shape == (0, 2)
    found = mutual_intersections(vertices, faces, vertices + [1.0, 0, 0], faces)
    centroids = vertices[faces].mean(1)
    assert len(found) > 50
    # They meet in the circle x = 1/2, to within a face.
    np.testing.assert_allclose(centroids[found[:, 0], 0], 0.5, atol=0.15)
    np.testing.assert_allclose(centroids[found[:, 1], 0] + 1, 0.5, atol=0.15)
    both = np.concatenate([vertices, vertices + [1.0, 0, 0]])
    np.testing.assert_array_equal(
        self_intersections(both, np.concatenate([faces, faces + len(vertices)])), found + [0, len(faces)]
    )


def test_folded_meshes_intersect_themselves(folded):
    vertices, faces = (x.numpy() for x in folded)
    found = self_intersections(vertices, faces)
    assert len(found) > 0
    assert (found[:, 0] < found[:, 1]).all()
    assert len(np.unique(found, axis=0)) == len(found)


@pytest.mark.parametrize("seed", range(3))
def test_broad_phase_misses_nothing(icosphere, seed):
    """Against the narrow phase on all pairs, sizes very different."""
    generator = np.random.default_rng(seed)
    vertices, faces = (x.numpy() for x in icosphere(2))
    a = vertices + 0.1 * generator.normal(size=vertices.shape)
    b = 0.2 * vertices + 0.05 * generator.normal(size=vertices.shape) + 0.6
    i, j = (x.ravel() for x in np.indices((len(faces), len(faces))))
    meet = triangles_meet(a[faces[i]], b[faces[j]])
    assert meet.sum() > 10
    np.testing.assert_array_equal(mutual_intersections(a, faces, b, faces), np.stack([i[meet], j[meet]], axis=1))


def test_vertices_must_be_finite():
    with pytest.raises(ValueError, match="finite"):
        self_intersections(TRIANGLE * np.nan, ONE_FACE)
    with pytest.raises(ValueError, match="finite"):
        mutual_intersections(TRIANGLE, ONE_FACE, TRIANGLE * np.inf, ONE_FACE)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 1.0])
def test_what_meets_after_some_vertices_have_moved(icosphere, share):
    """A sphere stirred, more than once, until many of its faces cross; some of them grow long or leave where it was."""
    vertices, faces = (x.numpy() for x in icosphere(3))
    rng = np.random.default_rng(3)
    vertices = vertices + 0.2 * rng.standard_normal(vertices.shape)
    search = IntersectionSearch(vertices, faces)
    np.testing.assert_array_equal(search.all(), self_intersections(vertices, faces))
    for distance in (0.02, 0.2, 2.0):
        some = rng.random(len(vertices)) < share
        vertices = vertices + distance * some[:, None] * rng.standard_normal(vertices.shape)
        moved = some[faces].any(1)
        every = self_intersections(vertices, faces)
        np.testing.assert_array_equal(search.after(vertices, moved), every[moved[every].any(1)])
    assert len(every) > 100


def _separated(a, b):
    """Whether a plane parts two triangles (3, 3) of small integers, by all normals that need be tried: exact."""
    own = [x[[1, 2, 0]] - x for x in (a, b)]
    directions = np.concatenate([*own, (a[:, None] - b).reshape(-1, 3)])
    across = np.cross(directions[:, None], directions[None]).reshape(-1, 3)
    in_plane = np.cross(across[:, None], np.concatenate(own)[None]).reshape(-1, 3)
    axes = np.concatenate([directions, across, in_plane])
    of_a, of_b = axes @ a.T, axes @ b.T
    return ((of_a.max(1) < of_b.min(1)) | (of_b.max(1) < of_a.min(1))).any()


@pytest.mark.parametrize("without_area", [(), ("a",), ("a", "b")], ids=["both with area", "one", "none"])
def test_triangles_of_small_integers_meet_where_no_plane_parts_them(without_area):
    generator = np.random.default_rng(0)
    met = 0
    for _ in range(120):
        a, b = generator.integers(0, generator.integers(2, 5), (2, 3, 3))
        for triangle, name in ((a, "a"), (b, "b")):
            if name in without_area:
                triangle[2] = triangle[generator.integers(0, 2)]
        found = len(mutual_intersections(a, ONE_FACE, b, ONE_FACE)) > 0
        assert found != _separated(a, b), (a.tolist(), b.tolist())
        met += found
    assert 12 < met < 108


@pytest.mark.parametrize("scale", [1e-300, 1e-120, 1e120, 1e300])
def test_the_unit_does_not_count(icosphere, scale):
    vertices, faces = (x.numpy() for x in icosphere(2))
    other = vertices + [1.03, 0.02, 0.01]
    both, pair = np.concatenate([vertices, other]), np.concatenate([faces, faces + len(vertices)])
    np.testing.assert_array_equal(
        mutual_intersections(scale * vertices, faces, scale * other, faces),
        mutual_intersections(vertices, faces, other, faces),
    )
    assert len(self_intersections(scale * both, pair)) == len(self_intersections(both, pair)) > 50


def test_no_faces_meet_nothing(icosphere):
    vertices, faces = (x.numpy() for x in icosphere(1))
    none, no_faces = np.empty((0, 3)), np.empty((0, 3), dtype=np.int64)
    assert self_intersections(none, no_faces).shape == (0, 2)
    assert self_intersections(vertices, no_faces).shape == (0, 2)
    assert mutual_intersections(none, no_faces, vertices, faces).shape == (0, 2)


def test_one_vertex_far_out_leaves_the_others_as_few_to_try(icosphere):
    """Among faces of all sizes none is tried against all."""
    vertices, faces = (x.numpy().copy() for x in icosphere(4))
    vertices[100] *= -1e6
    found = self_intersections(vertices, faces, most=30 * len(faces))
    touched = (faces == 100).any(1)
    assert len(found) > 0 and touched[found].any(1).all()


def test_a_search_ends_where_there_is_more_to_try_than_asked(icosphere):
    vertices, faces = (x.numpy() for x in icosphere(3))
    assert len(self_intersections(vertices, faces, most=30 * len(faces))) == 0
    stirred = np.random.default_rng(0).permutation(vertices)
    with pytest.raises(Tangled, match=f"more than {30 * len(faces)} pairs"):
        self_intersections(stirred, faces, most=30 * len(faces))


@pytest.mark.parametrize("part", [1, 7, 1000])
def test_the_parts_of_a_search_are_all_of_it(icosphere, monkeypatch, part):
    vertices, faces = (x.numpy() for x in icosphere(1))
    stirred = np.random.default_rng(1).permutation(vertices)
    expected = self_intersections(stirred, faces)
    monkeypatch.setattr(intersections, "PART", part)
    np.testing.assert_array_equal(self_intersections(stirred, faces), expected)
    assert len(expected) > 500


@pytest.mark.parametrize("seed", range(4))
def test_every_pair_of_two_crumpled_spheres_as_libigl_finds_it(seed, icosphere):
    """Triangles with no vertex in common, of which libigl is asked pair by pair."""
    generator = np.random.default_rng(seed)
    vertices, faces = (x.numpy() for x in icosphere(1))
    one, other = (vertices + generator.normal(0, 0.25, vertices.shape) + shift for shift in (0.0, (0.7, 0.2, 0.1)))
    found = {tuple(pair) for pair in mutual_intersections(one, faces, other, faces)}
    expected = {(i, j) for i, a in enumerate(one[faces]) for j, b in enumerate(other[faces]) if _meet_by_libigl(a, b)}
    assert found == expected and len(expected) > 50
    within = {(i, j) for i, j in self_intersections(one, faces) if not set(faces[i]) & set(faces[j])}
    apart = [(i, j) for i, j in itertools.combinations(range(len(faces)), 2) if not set(faces[i]) & set(faces[j])]
    assert within == {(i, j) for i, j in apart if _meet_by_libigl(one[faces[i]], one[faces[j]])}


def _meet_by_libigl(a, b):
    corners = (np.ascontiguousarray(corner[None]) for corner in (*a, *b))
    return igl.tri_tri_intersection_test_3d(*corners)[0]
