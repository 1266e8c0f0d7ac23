"""Cardiac CT to watertight left-atrium and left-ventricle meshes: the code behind the MONAI bundle."""

__version__ = "0.2.0"
