from custom.geometry.normals import vertex_normals
from custom.template import icosphere


def test_normals_of_a_sphere_point_outward():
    sphere, faces = icosphere(3)
    normals = vertex_normals(sphere[None], faces)
    assert (normals[0] * sphere).sum(-1).min() > 0.999
