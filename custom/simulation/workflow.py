"""Cases to volumes on disk: what `volume_mesh.json` runs."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..calls.kinds import optional, some_of
from ..chambers import STRUCTURES
from ..frames import FILE_SPACE, ras_to_file
from ..geometry.subdivision import edges_of
from ..inference.writing.files import check_writable, make_folder, write_together
from ..inputs import InputError, selected
from ..mesh import Mesh
from ..runtime.errors import explain
from ..runtime.interruption import heed_signals, interrupted, settle
from ..runtime.small_files import is_foreign, read_json
from ..text import RESEARCH_ONLY, printable

if TYPE_CHECKING:
    from .domains import Domain
    from .tetrahedra import Settings

logger = logging.getLogger(__name__)

MESHED = ("LA", "LV", "MYO")
"""What can be filled: the blood of the first two, and the third's muscle round the second."""
FORMATS = ("vtu", "opencarp")
CLOSED = "closed"
"""Of openings, which else are left out of the boundaries."""
TRIES = 2
"""Of a volume that misses a floor: fTetWild draws at random, and the next one can be better."""
KEY = "least_dihedral_angle_degrees"
"""Of every summary."""
LONGEST_TITLE = 256
"""Characters of a VTK file's first and second line, as its format has them."""
_LIBRARIES = ("pytetwild", "pyvista", "manifold3d", "meshio")


def check_installed() -> None:
    """Refuse, with InputError, a call where the libraries of the extra are not installed."""
    missing = [name for name in _LIBRARIES if find_spec(name) is None]
    if missing:
        raise InputError(f"volume meshes need {' and '.join(missing)}: `pip install .[simulation]`")


def volume_mesh(
    input: str | PathLike,
    output_dir: str | PathLike | None,
    structures: str | Sequence[str] | None,
    formats: str | Sequence[str],
    openings: str,
    edge_mm: float,
    tolerance_mm: float,
    energy: float,
    least_angle: float,
    volume_error: float,
    overwrite: bool,
) -> None:
    """Fill the surfaces of cases with tetrahedra.

    Args:
        input: ``CASE_LA.vtk`` and so on, or a folder of such files, as inference writes them, with their regions.
        output_dir: receives the files; None for the surfaces' folder.
        structures: of `MESHED`, those that a case has; None for all.
        formats: of `FORMATS`.
        openings: of valves and veins, ``closed`` by flat boundaries, or ``open``: without triangles.
        edge_mm, tolerance_mm, energy: for fTetWild, see `Settings`.
        least_angle: degrees that the least dihedral angle of each tetrahedron has at least.
        volume_error: by which share the volume may differ from the surface's.
        overwrite: replace also what no run has written.

    Raises InputError where the call is wrong, `SystemExit` with status 1 if a volume was refused, and `Interrupted` if
    a signal ends the run. What is refused leaves no file.
    """
    from .tetrahedra import Settings

    if (hint := some_of(FORMATS)(formats)) is not None:
        raise InputError(f"formats: {formats}; {hint}")
    if (hint := optional(some_of(MESHED))(structures)) is not None:
        raise InputError(f"structures: {structures}; {hint}")
    wanted = list(MESHED) if structures is None else selected(structures, MESHED, "structures")
    surfaces = [surface for surface in _surfaces(Path(input).expanduser()) if surface[2] in wanted]
    if not surfaces:
        raise InputError(f"no surface of {', '.join(wanted)} is among them: inference writes CASE_LA.vtk and so on")
    if output_dir is not None:
        check_writable(Path(output_dir).expanduser())
    heed_signals()
    failed, settings = [], Settings(edge_mm, tolerance_mm, energy)
    for folder, case, name in surfaces:
        if interrupted():
            break
        stem = f"{case}_{name}_volume"
        try:
            domain, summary = _good(folder, case, name, settings, least_angle, volume_error)
            target = folder if output_dir is None else Path(output_dir).expanduser()
            _write(target, stem, domain, summary, selected(formats, FORMATS, "formats"), openings, overwrite)
            logger.info(
                "%s: %d tetrahedra, least angle %.1f degrees, volume %.1f mL (%+.2f %%), %.0f s",
                stem, summary["tetrahedra"], summary[KEY], summary["volume_ml"], 100 * summary["volume_error"],
                summary["seconds"],
            )  # fmt: skip
        except Exception as error:  # of one surface, which stops no other
            failed.append(f"{stem}: {explain(error)[1]}")
            logger.error("%s", failed[-1])
    settle()
    if failed:
        logger.error("%d of %d volumes were refused:", len(failed), len(surfaces))
        for sentence in failed:
            logger.error("  %s", sentence)
        sys.exit(1)


def _surfaces(place: Path) -> list[tuple[Path, str, str]]:
    """Folder, case and structure of each surface that a path means, in turn."""
    if place.is_dir():
        paths = sorted(place.glob("*.vtk"))
    elif place.is_file():
        paths = [place]
    else:
        raise InputError(f"{place.name} is not there: give CASE_LA.vtk, or the folder of such files")
    named = [(path.parent, *path.stem.rpartition("_")[::2]) for path in paths if path.suffix == ".vtk"]
    return [surface for surface in named if surface[1] and surface[2] in STRUCTURES]


def _good(
    folder: Path, case: str, name: str, settings: Settings, least_angle: float, volume_error: float
) -> tuple[Domain, dict[str, Any]]:
    """A volume that misses no floor, and its summary.

    Raises InputError where none does.
    """
    began, title = time.monotonic(), _title(folder, case, name)
    for _ in range(TRIES):
        domain = _fill(folder, case, name, settings)
        summary = _summary(domain, title, settings, time.monotonic() - began)
        fault = _fault(summary, least_angle, volume_error)
        if fault is None:
            return domain, summary
    raise InputError(fault, "quality")


def _fill(folder: Path, case: str, name: str, settings: Settings) -> Domain:
    from .domains import blood, muscle

    if name != "MYO":
        return blood(_read(folder, case, name), settings)
    return muscle(_read(folder, case, name, regions=False), _read(folder, case, "LV"), settings)


def _read(folder: Path, case: str, name: str, regions: bool = True) -> Mesh:
    """The surface of a file that inference wrote, RAS mm.

    Raises InputError where it is not there, is none of ours, or, where they are needed, has no regions.
    """
    import pyvista

    path = folder / f"{case}_{name}.vtk"
    if not path.is_file():
        raise InputError(f"{path.name} is needed as well, and is not there")
    if f"SPACE={FILE_SPACE}" not in _title(folder, case, name):
        raise InputError(f"{path.name} does not say SPACE={FILE_SPACE}: give a VTK file as inference wrote it")
    surface = pyvista.read(path)
    try:
        faces = torch.from_numpy(surface.regular_faces.astype(np.int64))
        edges_of(faces)
    except (AttributeError, IndexError, ValueError) as error:  # other data; no triangles; open
        raise InputError(f"{path.name} holds no closed surface: is it complete?") from error
    values = np.asarray(surface.point_data.get("region", np.zeros(surface.n_points)), dtype=np.int32)
    if regions and not values.any():
        raise InputError(
            f"{path.name} has no regions: its case's report tells why nothing was found on it", "no_regions"
        )
    points = ras_to_file(np.asarray(surface.points, dtype=np.float64))
    return Mesh(name, points, faces.numpy(), values)


def _title(folder: Path, case: str, name: str) -> str:
    """The second line of a VTK file, where inference says what it wrote, and whether it was forced to."""
    with open(folder / f"{case}_{name}.vtk", "rb") as stream:
        stream.readline(LONGEST_TITLE)
        return printable(stream.readline(LONGEST_TITLE).decode("ascii", "replace").strip())


def _summary(domain: Domain, title: str, settings: Settings, seconds: float) -> dict[str, Any]:
    """What is to be known of a volume; `title` of the surface's file."""
    volumes, angles = domain.volume.volumes(), domain.volume.least_angles()
    corners = domain.volume.points[domain.triangles]
    areas = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2
    of_each = np.bincount(domain.boundaries, areas, minlength=len(domain.names))
    counts = np.bincount(domain.boundaries, minlength=len(domain.names))
    return {
        "surface": title,
        "domain": "muscle" if domain.muscle else "blood",
        "tetrahedra": len(volumes),
        "points": len(domain.volume.points),
        "inverted": int((volumes <= 0).sum()),
        KEY: round(float(angles.min()), 2),
        "volume_ml": round(float(volumes.sum()) / 1e3, 3),
        "volume_error": round(float(volumes.sum()) / 1e3 / domain.surface_ml - 1, 5),
        "boundaries": {
            boundary: {
                "opening": boundary in domain.openings,
                "triangles": int(counts[place]),
                "area_mm2": round(float(of_each[place]), 1),
            }
            for place, boundary in enumerate(domain.names)
        },
        "settings": settings._asdict(),
        "seconds": round(seconds, 1),
        "use": RESEARCH_ONLY,
    }


def _fault(summary: dict[str, Any], least_angle: float, volume_error: float) -> str | None:
    """Which floor a volume misses, and what to do; None where it misses none."""
    advice = "make `edge_mm` or `energy` smaller"
    if summary["inverted"]:
        return f"{summary['inverted']} tetrahedra are inverted; {advice}"
    if summary[KEY] < least_angle:
        return f"the least dihedral angle is {summary[KEY]:.1f} degrees; {advice}"
    if abs(summary["volume_error"]) > volume_error:
        return f"the volume is off by {summary['volume_error']:+.1%}; make `tolerance_mm` smaller"
    return None


def _write(
    folder: Path,
    stem: str,
    domain: Domain,
    summary: dict[str, Any],
    formats: Sequence[str],
    openings: str,
    overwrite: bool,
) -> None:
    """Write the files of a volume together, the summary, which tells of them, last."""
    from .files import ENCODERS, encode_summary

    shown = [name for name in domain.names if openings == CLOSED or name not in domain.openings]
    files: dict[str, bytes] = {}
    for kind in formats:
        files |= ENCODERS[kind](stem, domain, shown)
    last = f"{stem}.json"
    files[last] = encode_summary({**summary, "openings": openings, "files": [*files, last]})

    def ours(path: Path) -> set[str]:
        if not path.is_file() or is_foreign(path, (KEY,)):
            return set()
        try:
            told = read_json(path).get("files", [])
        except (ValueError, AttributeError):
            return set()
        return {str(name) for name in told if Path(str(name)).name == name and name.startswith(stem)}

    make_folder(folder)
    write_together(folder, stem, files, ours, overwrite=overwrite)
