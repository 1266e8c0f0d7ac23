"""MeshDeformNet (Kong et al., Medical Image Analysis 2021)."""
