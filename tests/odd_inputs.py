"""Odd inputs, one at a time, and what becomes of each: `python tests/odd_inputs.py` prints the table.

Every image shows a ball of soft tissue off the centre of air. Placements go through the bundle's own preprocessing, at
twice its voxel size, and the ball must be found within `TOLERANCE` of where the patient has it; defects go through the
reading. `bundle/docs/odd_inputs.md` keeps the table.
"""

from __future__ import annotations

import gzip
import itertools
import json
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import nibabel
import numpy as np
import pydicom
from dicom_files import write_enhanced, write_series
from monai.bundle import ConfigParser
from monai.transforms import Compose
from pydicom.uid import RLELossless

from custom.frames import ras_to_lps, ras_to_voxel, voxel_to_ras
from custom.inference import InputError, LoadCTd

CONFIG = Path(__file__).parents[1] / "bundle" / "configs" / "inference.json"
TOLERANCE = 0.5  # mm
ORDERS = list(itertools.product(itertools.permutations(range(3)), itertools.product((1, -1), repeat=3)))
PIXELS = {"square pixels": (4.0, 4.0, 4.0), "non-square pixels": (3.0, 4.5, 4.0)}
# Degrees that the volume is turned by, and how far its third axis leans over the second.
POSES = {"axial": (0, 0), "oblique by 5°": (5, 0), "oblique by 30°": (30, 0), "sheared by tilt": (0, 0.25)}
CENTRE, RADIUS = np.array([18.0, -13.0, 907.0]), 22.0  # RAS mm
MIDDLE = (0.0, 0.0, 900.0)  # of every volume, RAS mm
SERIES = "1.2.3.1"


class Defect(NamedTuple):
    """An odd input: what it is, how it is made in a folder, and the keys it is read with."""

    what: str
    make: Callable[[Path], Path]
    keys: dict


def preprocessing() -> Compose:
    """The bundle's, at twice its voxel size, round the volumes' middle: there is no heart to be found in them."""
    parser = ConfigParser()
    parser.read_config(CONFIG)
    parser["centre"] = list(MIDDLE)
    crop = parser["preprocessing"]["transforms"][3]
    crop["pixdim"] = [2 * size for size in crop["pixdim"]]
    crop["spatial_size"] = [size // 2 for size in crop["spatial_size"]]
    return parser.get_parsed_content("preprocessing")


def geometry(order, signs, spacing, degrees: float, shear: float) -> tuple[tuple[int, ...], np.ndarray]:
    """Shape and affine, voxel to RAS, of a volume about `MIDDLE`, its axes in one of the 48 orders.

    `shear` leans the third axis over the second, as a tilted gantry does.
    """
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    axes = turn[:, order] * np.array(signs)
    axes[:, 2] += shear * axes[:, 1]
    shape = tuple(int(120 // size) for size in spacing)
    affine = np.eye(4)
    affine[:3, :3] = axes * spacing
    affine[:3, 3] = MIDDLE - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return shape, affine


def ball(shape, affine) -> np.ndarray:
    """The image, int16 in HU."""
    index = np.stack(np.meshgrid(*(np.arange(size) for size in shape), indexing="ij"), axis=-1)
    distance = np.linalg.norm(voxel_to_ras(index, affine) - CENTRE, axis=-1)
    return (np.clip(RADIUS - distance, -2, 2) * 275 - 450).astype(np.int16)  # 100 HU inside, soft at its edge


def write_nifti(folder: Path, volume: np.ndarray, affine: np.ndarray) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(volume, affine), folder / "ct.nii")
    return folder / "ct.nii"


def write_dicom(folder: Path, volume: np.ndarray, affine: np.ndarray) -> Path:
    """A classic series of the same grid: slices are stacked along the affine's third axis."""
    lps = ras_to_lps(affine[:3, :3].T)
    spacing = np.linalg.norm(lps, axis=1)
    return write_series(
        folder,
        volume,
        across=lps[0] / spacing[0],
        down=lps[1] / spacing[1],
        step=lps[2],
        origin=ras_to_lps(affine[:3, 3]),
        spacing=tuple(spacing),
        series=SERIES,
    )


def miss(prepared: Compose, path: Path) -> float:
    """mm between where the ball is in the patient and where the crop has it."""
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


def defects() -> list[Defect]:
    """Every defect by itself."""
    shape, affine = geometry((0, 1, 2), (1, 1, 1), (3.0, 3.0, 3.0), 0.0, 0.0)
    volume = ball(shape, affine)

    def series(edit=lambda header, index: None, values=volume, **arguments):
        return lambda folder: write_series(
            folder / "ct", values, **{"edit": edit, "series": SERIES, "spacing": (3, 3, 3), **arguments}
        )

    def tags(**values):
        def edit(header, index):
            for tag, value in values.items():
                setattr(header, tag, value)

        return edit

    def remove(*names):
        def edit(header, index):
            for name in names:
                delattr(header, name)

        return edit

    def beside(other, **arguments):
        """The series with others beside it."""

        def make(folder):
            series()(folder)
            write_series(folder / "ct" / "other", volume, **{"spacing": (3, 3, 3), **arguments}, edit=other)
            return folder / "ct"

        return make

    def copied(folder):
        shutil.copytree(series()(folder), folder / "ct" / "copy")
        return folder / "ct"

    def compressed(folder):
        for path in series()(folder).iterdir():
            header = pydicom.dcmread(path)
            header.compress(RLELossless, encoding_plugin="pydicom", generate_instance_uid=False)
            header.save_as(path)
        return folder / "ct"

    def contradicting(folder):
        image = nibabel.Nifti1Image(volume, affine)
        image.set_qform(np.diag([-1, 1, 1, 1]) @ affine, code=1)
        nibabel.save(image, folder / "ct.nii")
        return folder / "ct.nii"

    def moved(by):
        def edit(header, index):
            if index == 20:
                header.ImagePositionPatient = [*header.ImagePositionPatient[:2], header.ImagePositionPatient[2] + by]

        return edit

    def nifti(values=volume, to=affine, change=lambda content: content, name="ct.nii"):
        def make(folder):
            path = write_nifti(folder, values, to)
            content = change(path.read_bytes())
            path.unlink()
            (folder / name).write_bytes(content)
            return folder / name

        return make

    def phases(header, index):
        header.NominalPercentageOfCardiacPhase = 75

    def shape_of(*sizes):
        return lambda content: (
            content[:40] + np.array([len(sizes), *sizes, 1, 1, 1, 1][:8], "<i2").tobytes() + content[56:]
        )

    in_metres = affine.copy()
    in_metres[:3, :3] *= 1e-3
    color = np.zeros(shape, dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    holes = np.where(volume > 0, np.nan, volume).astype(np.float32)
    localizer = {"skip": tuple(range(1, 40)), "series": SERIES, "across": (0, 1, 0), "down": (0, 0, -1)}
    return [
        Defect("DICOM, nothing odd", series(), {}),
        Defect("DICOM, a slice missing", series(skip=(20,)), {}),
        Defect("DICOM, a slice 1 mm off", series(moved(1.0)), {}),
        Defect("DICOM, a slice 0.1 mm off", series(moved(0.1)), {}),
        Defect("DICOM, a single slice", series(skip=tuple(range(1, 40))), {}),
        Defect("DICOM, all slices at one place", series(step=(0, 0, 0)), {}),
        Defect("DICOM, gantry tilted by 14°", series(step=(0, 0.75, 3.0)), {}),
        Defect("DICOM, every file twice", copied, {}),
        Defect("DICOM, each place twice", beside(lambda header, index: None, series=SERIES), {}),
        Defect("DICOM, a localizer among the slices", beside(tags(ImageType=["ORIGINAL"]), **localizer), {}),
        Defect("DICOM, a reformatted series beside", beside(tags(ImageType=["DERIVED", "MPR"]), series="1.2.3.2"), {}),
        Defect("DICOM, the other by `series_uid`", beside(phases, series="1.2.3.2"), {"series_uid": "1.2.3.2"}),
        Defect("DICOM, two patients", beside(tags(PatientID="0815"), series="1.2.3.2"), {}),
        Defect("DICOM, MR", series(modality="MR"), {}),
        Defect("DICOM, no position", series(remove("ImagePositionPatient")), {}),
        Defect("DICOM, no rescale", series(remove("RescaleSlope", "RescaleIntercept")), {}),
        Defect("DICOM, no rescale, forced", series(remove("RescaleSlope")), {"force": True}),
        Defect("DICOM, MONOCHROME1", series(tags(PhotometricInterpretation="MONOCHROME1")), {}),
        Defect("DICOM, colour", series(tags(PhotometricInterpretation="RGB")), {}),
        Defect("DICOM, pixels cut off", series(tags(PixelData=bytes(100))), {}),
        Defect("DICOM, compressed (RLE)", compressed, {}),
        Defect("DICOM, enhanced", lambda folder: write_enhanced(folder / "ct", volume, spacing=(3, 3, 3)), {}),
        Defect("DICOM, two phases", _two_phases(volume), {}),
        Defect("DICOM, two phases, `phase` 75", _two_phases(volume), {"phase": 75}),
        Defect("DICOM, 1024 added to the HU", series(values=volume + 1024), {}),
        Defect("DICOM, shifted, `hu_offset` -1024", series(values=volume + 1024), {"hu_offset": -1024}),
        Defect("NIfTI, nothing odd", nifti(), {}),
        Defect("NIfTI, gzip that is none", nifti(name="ct.nii.gz"), {}),
        Defect("NIfTI, gzip cut off", nifti(change=lambda content: gzip.compress(content)[:900], name="ct.nii.gz"), {}),
        Defect("NIfTI, cut off", nifti(change=lambda content: content[:5000]), {}),
        Defect("NIfTI, empty", nifti(change=lambda content: b""), {}),
        Defect("NIfTI, header claims 54 TB", nifti(change=shape_of(30000, 30000, 30000)), {}),
        Defect("NIfTI, two volumes", nifti(np.stack([volume, volume], axis=-1)), {}),
        Defect("NIfTI, two volumes, `phase` 2", nifti(np.stack([volume, volume], axis=-1)), {"phase": 2}),
        Defect("NIfTI, colour", nifti(color), {}),
        Defect("NIfTI, complex", nifti(volume.astype(np.complex64)), {}),
        Defect("NIfTI, flat", nifti(volume[:, :, :1]), {}),
        Defect("NIfTI, sform and qform in conflict", contradicting, {}),
        Defect("NIfTI, voxels of 3 µm", nifti(to=in_metres), {}),
        Defect("NIfTI, NaN", nifti(holes), {}),
        Defect("NIfTI, NaN, forced", nifti(holes), {"force": True}),
        Defect("NIfTI, grey levels 0 to 255", nifti(((volume + 1000) / 4.4).astype(np.int16)), {}),
        Defect("NIfTI, values from 0 to 1", nifti(((volume + 1000) / 1100).astype(np.float32)), {}),
        Defect("NIfTI, constant", nifti(np.zeros_like(volume)), {}),
    ]


def _two_phases(volume: np.ndarray) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        for percent in (40, 75):

            def edit(header, index, percent=percent):
                header.NominalPercentageOfCardiacPhase = percent

            write_series(folder / "ct" / str(percent), volume, series=SERIES, spacing=(3, 3, 3), edit=edit)
        return folder / "ct"

    return make


def defect_row(defect: Defect) -> tuple[str, str, str]:
    """Input, outcome, and what its reader is told."""
    with tempfile.TemporaryDirectory() as folder:
        path = defect.make(Path(folder))
        try:
            record = LoadCTd("image", **defect.keys)({"image": str(path)})
        except InputError as refused:
            return defect.what, f"refused: `{refused.outcome}`", str(refused)
    said = json.loads(record["reading"])["warnings"]
    outcome = f"read, with `{'`, `'.join(said)}`" if said else "read"
    return defect.what, outcome, "; ".join(said.values())


def table(rows) -> str:
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows)


HEAD = f"""# Odd inputs and their outcomes

Printed by `python tests/odd_inputs.py`.

## Where it lies

The 48 orders and directions of the axes, for each kind of file, pixel and pose: a ball in the image, taken through the
preprocessing, must be within {TOLERANCE} mm of its place in the patient.

| input | outcome | worst miss |
|---|---|---|"""
BETWEEN = """
## What is wrong with it

A refused case costs exit code 1, and its report has the short name and the sentence.

| input | outcome | what is said |
|---|---|---|"""


def main() -> None:
    warnings.simplefilter("ignore")  # pydicom's, on the odd values that are written here
    print(HEAD, table(placement_rows()), BETWEEN, table(defect_row(defect) for defect in defects()), sep="\n")


if __name__ == "__main__":
    main()
