"""Volume meshes for simulation: surfaces that an inference run wrote, filled with tetrahedra.

`openings` makes valves and the ends of veins flat, `tetrahedra` fills a closed surface, `domains` joins both into the
blood of a chamber or the muscle of the left ventricle, `files` encodes them, `workflow` is what `volume_mesh.json`
runs. The libraries of the extra `simulation` are imported where a volume is made, and not before.
"""

from .workflow import check_installed, volume_mesh

__all__ = ["check_installed", "volume_mesh"]
