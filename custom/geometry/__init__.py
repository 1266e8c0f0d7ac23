"""Exact geometry of closed triangle meshes: winding numbers, signed distances and intersections."""
