"""Voxel2Mesh (Wickramasinghe et al., MICCAI 2020)."""
