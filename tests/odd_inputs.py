"""Odd inputs, one at a time, and what becomes of each: `python tests/odd_inputs.py` prints the table.

Every image shows a ball of soft tissue off the centre of air. Placements go through the bundle's own preprocessing, at
twice its voxel size, and the ball must be found within `TOLERANCE` of where the patient has it; defects go through the
reading. `bundle/docs/odd_inputs.md` keeps the table.
"""

from __future__ import annotations

import itertools
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from defects import Defect, defects
from in_process import reading_here
from monai.bundle import ConfigParser
from monai.transforms import Compose
from odd_beats import beats
from phantom import CENTRE, MIDDLE, ball, geometry, write_dicom, write_nifti

from custom.dicom.decoding import INFLATED, INFLATED_A_BYTE
from custom.frames import ras_to_voxel
from custom.inference import InputError, LoadCTd
from custom.inputs import LARGEST_COMPRESSION, LARGEST_VOLUME
from custom.reading.archives import LARGEST_CONTENT, MOST_FILES, UNPACKED, UNPACKED_A_BYTE
from custom.runtime.isolation import LONGEST, MEMORY, MEMORY_A_BYTE, SLOWEST

CONFIG = Path(__file__).parents[1] / "bundle" / "configs" / "inference.json"
TOLERANCE = 0.5  # mm
ORDERS = list(itertools.product(itertools.permutations(range(3)), itertools.product((1, -1), repeat=3)))
PIXELS = {"square pixels": (4.0, 4.0, 4.0), "non-square pixels": (3.0, 4.5, 4.0)}
# Degrees that the volume is turned by, and how far its third axis leans over the second.
POSES = {"axial": (0, 0), "oblique by 5°": (5, 0), "oblique by 30°": (30, 0), "sheared by tilt": (0, 0.25)}


def preprocessing() -> Compose:
    """The bundle's, at twice its voxel size, round the volumes' middle: there is no heart to be found in them."""
    parser = ConfigParser()
    parser.read_config(CONFIG)
    parser["centre"] = list(MIDDLE)
    parser["volume_size"] //= 2
    return parser.get_parsed_content("preprocessing")


def miss(prepared: Compose, path: Path) -> float:
    """mm between where the ball is in the patient and where the crop has it."""
    with reading_here():
        crop = prepared({"image": str(path)})["image"]
    weights = crop.as_tensor()[0].double().numpy() + 1
    index = np.stack(np.meshgrid(*(np.arange(size) for size in weights.shape), indexing="ij"), axis=-1)
    centre = (index * weights[..., None]).sum(axis=(0, 1, 2)) / weights.sum()
    there = ras_to_voxel(CENTRE, np.asarray(crop.affine))
    return float(np.linalg.norm((centre - there) * 2.6))


def placement_rows(every: int = 1) -> Iterator[tuple[str, str, str]]:
    """Input, outcome and worst miss, for `every` so many of the 48 axis orders."""
    prepared = preprocessing()
    writers = {"NIfTI": write_nifti, "DICOM": write_dicom}
    for (kind, write), (pixels, spacing), (pose, (degrees, shear)) in itertools.product(
        writers.items(), PIXELS.items(), POSES.items()
    ):
        orders = ORDERS[::every]
        misses = []
        for order, signs in orders:
            shape, affine = geometry(order, signs, spacing, degrees, shear)
            with tempfile.TemporaryDirectory() as folder:
                misses.append(miss(prepared, write(Path(folder) / "ct", ball(shape, affine), affine)))
        right = sum(value <= TOLERANCE for value in misses)
        yield f"{kind}, {pixels}, {pose}", f"{right} of {len(orders)} axis orders in place", f"{max(misses):.1f} mm"


def defect_row(defect: Defect) -> tuple[str, str, str]:
    """Input, outcome, and what its reader is told."""
    with tempfile.TemporaryDirectory() as folder:
        path = defect.make(Path(folder))
        try:
            with reading_here():
                record = LoadCTd("image", **defect.keys)({"image": str(path)})
        except InputError as refused:
            return defect.what, f"refused: `{refused.outcome}`", str(refused)
    said = record["reading"]["warnings"]
    outcome = f"read, with `{'`, `'.join(said)}`" if said else "read"
    return defect.what, outcome, "; ".join(said.values())


def beat_row(defect: Defect) -> tuple[str, str, str]:
    """Input, the phases or the refusal, and what is said, with `phase` set to `all`."""
    with tempfile.TemporaryDirectory() as folder:
        path = defect.make(Path(folder))
        try:
            with reading_here():
                found = LoadCTd("image", **defect.keys).phases(str(path))
        except InputError as refused:
            return defect.what, f"refused: `{refused.outcome}`", str(refused)
    phases = ", ".join(f"{phase['percent']:.0f}" for phase in found["phases"])
    said = found["warnings"]
    outcome = f"{phases} %" + (f", with `{'`, `'.join(said)}`" if said else "")
    return defect.what, outcome, "; ".join(said.values())


def table(rows) -> str:
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows)


HEAD = f"""# Odd inputs and their outcomes

Printed by `python tests/odd_inputs.py`.

## Limits

Each case is parsed in a process of its own. What exceeds a limit, or ends the process, costs only its own case.

- Time: {LONGEST:.0f} s, and 1 s more for each {SLOWEST / 1e6:.0f} MB on disk (`reader_time`).
- Memory: {MEMORY / 2**30:.0f} GiB of address space, and {MEMORY_A_BYTE} bytes more for each byte on disk (`memory`).
  This limit works on Linux and macOS only.
- Image: {LARGEST_VOLUME:,} voxels (`too_large`), and no more than the file can hold (`truncated`). A compressed file
  can hold {LARGEST_COMPRESSION:.0f} times its size, and is unpacked no further than its header claims.
- Deflated DICOM: unpacked to at most {INFLATED / 2**20:.0f} MiB plus {INFLATED_A_BYTE} times its size.
- Zip: unpacked to at most {UNPACKED / 2**30:.0f} GiB plus {UNPACKED_A_BYTE} times its size (`zip_bomb`), and never
  to more than {MOST_FILES:,} files or {LARGEST_CONTENT / 2**30:.0f} GiB (`too_large`).

For a DICOM series, and for a header whose voxels are in another file, the size on disk is that of all files in the
folder.

## Orientation

For each type of file, pixel shape and pose, all 48 orders and directions of the axes are tried. A ball in the image,
taken through the preprocessing, must be within {TOLERANCE} mm of its place in the patient.

| input | outcome | worst miss |
|---|---|---|"""
BETWEEN = """
## Defects

If a case is refused, the exit code is 1, and the report gives the short name and the sentence.

| input | outcome | what is said |
|---|---|---|"""

BEATS = """
## Beats

With `phase` set to `all`; the outcome is the phases that are read.

| input | outcome | what is said |
|---|---|---|"""


def main() -> None:
    warnings.simplefilter("ignore")  # pydicom's, on the odd values that are written here
    rows = (defect_row(defect) for defect in defects()), (beat_row(defect) for defect in beats())
    print(HEAD, table(placement_rows()), BETWEEN, table(rows[0]), BEATS, table(rows[1]), sep="\n")


if __name__ == "__main__":
    main()
