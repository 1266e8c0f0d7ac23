"""Untangled meshes cross nowhere, and differ from what they were only where they did."""

import numpy as np
import pytest

from custom.geometry.intersections import IntersectionSearch, Tangled, mutual_intersections, self_intersections
from custom.geometry.mending import untangling
from custom.geometry.mending.untangling import untangle


def dented(icosphere, depth):
    """A sphere with a cap of radius 0.4 pushed down by `depth`, and the vertices pushed."""
    vertices, faces = icosphere(4)
    vertices = vertices.numpy().copy()
    cap = (vertices[:, 2] > 0) & (np.linalg.norm(vertices[:, :2], axis=1) < 0.4)
    vertices[cap, 2] -= depth
    return vertices, faces.numpy(), cap


def test_a_sound_mesh_stays_as_it_is(icosphere):
    vertices, faces, _ = dented(icosphere, 0.5)
    assert np.array_equal(untangle(vertices, faces), vertices)


def test_a_cap_pushed_through_the_far_side(icosphere):
    vertices, faces, cap = dented(icosphere, 2.1)
    assert len(self_intersections(vertices, faces)) > 10
    result = untangle(vertices, faces)
    assert len(self_intersections(result, faces)) == 0
    moved = np.linalg.norm(result - vertices, axis=1) > 0
    assert 0 < moved.mean() < 1


def test_a_small_fold_moves_little_else(icosphere):
    vertices, faces = (tensor.numpy().copy() for tensor in icosphere(4))
    first, second = vertices[faces[0, 0]].copy(), vertices[faces[0, 1]].copy()
    vertices[faces[0, 0]], vertices[faces[0, 1]] = second, first
    assert len(self_intersections(vertices, faces)) > 0
    result = untangle(vertices, faces)
    assert len(self_intersections(result, faces)) == 0
    moved = np.linalg.norm(result - vertices, axis=1)
    assert (moved > 0).sum() < 60
    assert moved.max() < 0.25


def test_two_pieces_that_touch_come_apart(icosphere):
    vertices, faces = (tensor.numpy() for tensor in icosphere(3))
    both = np.concatenate([vertices, vertices + [1.98, 0.0, 0.0]])
    pair = np.concatenate([faces, faces + len(vertices)])
    assert len(mutual_intersections(vertices, faces, both[len(vertices) :], faces)) > 0
    result = untangle(both, pair)
    assert len(mutual_intersections(result[: len(vertices)], faces, result[len(vertices) :], faces)) == 0


def test_what_no_patch_frees_is_smoothed_as_a_whole(icosphere):
    """A sphere stirred until hardly a face is free, with another one inside it."""
    vertices, faces = (tensor.numpy().copy() for tensor in icosphere(3))
    rng = np.random.default_rng(0)
    both = np.concatenate([rng.permutation(vertices), 0.5 * vertices + [0.2, 0.1, 0.0]])
    pair = np.concatenate([faces, faces + len(vertices)])
    result = untangle(both, pair)
    assert len(self_intersections(result, pair)) == 0
    for surface in np.split(result, 2):
        assert np.ptp(surface, axis=0).min() > 1e-3


def test_no_more_of_the_smoothed_form_is_taken_than_is_needed(icosphere, monkeypatch):
    vertices, faces, _ = dented(icosphere, 2.1)
    monkeypatch.setattr(untangling, "ROUNDS", 0)
    result = untangle(vertices, faces)
    monkeypatch.setattr(untangling, "BLENDS", 1)
    smoothed = untangle(vertices, faces)
    way, taken = (moved - vertices for moved in (smoothed, result))
    weight = (way * taken).sum() / (way * way).sum()
    np.testing.assert_allclose(taken, weight * way, atol=1e-12)
    assert 0 < round(10 * weight) < 10 and weight == pytest.approx(round(10 * weight) / 10)
    assert len(self_intersections(result, faces)) == 0
    assert len(self_intersections(vertices + (weight - 0.1) * way, faces)) > 0


def test_what_cannot_be_freed_is_said(icosphere):
    vertices, faces = (tensor.numpy() for tensor in icosphere(2))
    both, pair = np.concatenate([vertices, vertices]), np.concatenate([faces, faces + len(vertices)])
    with pytest.raises(ValueError, match="same centre"):
        untangle(both, pair)


def test_a_piece_that_would_be_smoothed_into_its_neighbour(icosphere):
    """A ball in the hollow of a dented sphere: smoothing alone would carry the dent's wall into the ball."""
    vertices, faces = (tensor.numpy().copy() for tensor in icosphere(4))
    ball = 0.3 * vertices + [0.0, 0.0, 0.64]
    dent = (vertices[:, 2] > 0) & (np.linalg.norm(vertices[:, :2], axis=1) < 0.45)
    vertices[dent, 2] = 0.4 * vertices[dent, 2]
    both, pair = np.concatenate([vertices, ball]), np.concatenate([faces, faces + len(vertices)])
    assert len(mutual_intersections(vertices, faces, ball, faces)) > 0
    result = untangle(both, pair)
    assert len(self_intersections(result, pair)) == 0


def test_a_fold_in_a_hollow_hardly_moves_what_lies_in_it(icosphere):
    """A ball in a hollow of its own shape, on whose floor vertices have changed places."""
    vertices, faces = (tensor.numpy().copy() for tensor in icosphere(4))
    ball = 0.46 * vertices + [0.0, 0.0, 0.75]
    across = np.linalg.norm(vertices[:, :2], axis=1)
    hollow = (vertices[:, 2] > 0) & (across < 0.5)
    vertices[hollow, 2] = 0.75 - np.sqrt(0.25 - across[hollow] ** 2)
    assert len(mutual_intersections(vertices, faces, ball, faces)) == 0
    floor = np.flatnonzero(hollow & (np.linalg.norm(vertices[:, :2] - [0.2, 0.0], axis=1) < 0.2))
    vertices[floor] = vertices[np.random.default_rng(0).permutation(floor)]
    both, pair = np.concatenate([vertices, ball]), np.concatenate([faces, faces + len(vertices)])
    result = untangle(both, pair)
    assert len(self_intersections(result, pair)) == 0
    moved = np.linalg.norm(result - both, axis=1)[len(vertices) :]
    assert (moved > 0).mean() < 0.1
    assert moved.max() < 0.05


def spheres(icosphere, *levels):
    """Unit spheres one after the other as one mesh, and which vertices are each one's."""
    meshes = [[tensor.numpy() for tensor in icosphere(level)] for level in levels]
    starts = np.cumsum([0, *(len(vertices) for vertices, _ in meshes)])
    faces = np.concatenate([faces + start for (_, faces), start in zip(meshes, starts, strict=False)])
    return np.concatenate([vertices for vertices, _ in meshes]), faces, np.repeat(range(len(levels)), np.diff(starts))


@pytest.mark.parametrize("angle", [0.0, 1.1, 2.2, 3.3, 4.4, 5.5, 5.969])
def test_what_draws_back_is_not_drawn_through_what_lies_behind(icosphere, angle):
    """Two spheres that meet, and a bead behind the wall of one, beside the place: only drawing back moves the wall."""
    vertices, faces, piece = spheres(icosphere, 3, 3, 1)
    vertices[piece == 1] += [1.9518, 0.0, 0.0]
    away = np.array([np.cos(0.3315), np.sin(0.3315) * np.cos(angle), np.sin(0.3315) * np.sin(angle)])
    vertices[piece == 2] = 0.0286 * vertices[piece == 2] + (1 - 0.0286 - 0.0231) * away
    met = self_intersections(vertices, faces)
    assert len(met) > 0 and (piece[faces[met]] < 2).all()
    assert len(self_intersections(untangle(vertices, faces), faces)) == 0


def random_surface(vertices, generator):
    """A sphere's vertices stretched, and displaced at random, all of them or a few, or in disorder."""
    vertices = vertices * generator.uniform(0.3, 1.5, 3) + generator.normal(size=3)
    disorder = generator.integers(0, 5)
    if disorder == 0:
        return generator.permutation(vertices)
    if disorder == 1:
        return generator.normal(size=vertices.shape)
    if disorder == 2:
        return vertices * np.where(generator.random(len(vertices)) < 0.05, 5, 1)[:, None]
    return vertices + generator.choice([0.0, 0.1, 0.4]) * generator.normal(size=vertices.shape)


@pytest.mark.parametrize("seed", range(20))
def test_any_two_surfaces_come_out_free_within_the_work_that_is_stated(icosphere, monkeypatch, seed):
    generator = np.random.default_rng(seed)
    vertices, faces, piece = spheres(icosphere, *[generator.integers(1, 3)] * 2)
    vertices = np.concatenate([random_surface(vertices[piece == own], generator) for own in range(2)])
    searches, among = [], IntersectionSearch._among

    def counted(search, *arguments):
        searches.append(search.most)
        return among(search, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(IntersectionSearch, "_among", counted)
        result = untangle(vertices, faces)
    assert len(self_intersections(result, faces)) == 0
    assert np.array_equal(result, vertices) == (len(self_intersections(vertices, faces)) == 0)
    assert len(searches) <= untangling.ROUNDS + np.log2(untangling.MOST_PASSES) + untangling.BLENDS + 2
    assert max(searches) <= untangling.NEAR * len(faces)


def test_a_hopeless_tangle_is_not_tried_in_patches(icosphere):
    """With every vertex at random each face lies near each other one."""
    vertices, faces, _ = spheres(icosphere, 4, 4)
    stirred = np.random.default_rng(0).normal(size=vertices.shape)
    with pytest.raises(Tangled):
        self_intersections(stirred, faces, most=untangling.NEAR * len(faces))
    result = untangle(stirred, faces)
    assert len(self_intersections(result, faces)) == 0
    for surface in np.split(result, 2):
        assert np.ptp(surface, axis=0).min() > 1e-3


def test_a_vertex_of_no_face_stays_where_it_is(icosphere):
    vertices, faces, _ = spheres(icosphere, 2)
    loose = np.concatenate([np.random.default_rng(0).permutation(vertices), [[0.0, 0.0, 9.0]]])
    result = untangle(loose, faces)
    assert len(self_intersections(result, faces)) == 0 and result[-1].tolist() == [0.0, 0.0, 9.0]


def test_nothing_is_free_and_what_is_not_finite_is_refused(icosphere):
    vertices, faces, _ = spheres(icosphere, 1)
    assert untangle(vertices[:0], faces[:0]).shape == (0, 3)
    with pytest.raises(ValueError, match="finite"):
        untangle(vertices * np.nan, faces)
