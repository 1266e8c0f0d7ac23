"""Every defect of an input by itself."""

from __future__ import annotations

import bz2
import gzip
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile

import nibabel
import numpy as np
import pydicom
from dicom_files import misstate, transcode, write_enhanced, write_series
from phantom import SERIES, ball, geometry, write_itk, write_nifti
from pydicom.fileset import FileSet
from pydicom.uid import RLELossless

SPACING = (3.0, 3.0, 3.0)
SHAPE, AFFINE = geometry((0, 1, 2), (1, 1, 1), SPACING, 0.0, 0.0)
VOLUME = ball(SHAPE, AFFINE)


class Defect(NamedTuple):
    """An odd input: what it is, how it is made in a folder, and the keys it is read with."""

    what: str
    make: Callable[[Path], Path]
    keys: dict


def defects() -> list[Defect]:
    """Every defect by itself."""
    shape, affine, volume = SHAPE, AFFINE, VOLUME

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

    def native(syntax, edit=lambda header, index: None):
        return lambda folder: transcode(series(edit)(folder), syntax)

    def disc(absent=()):
        def make(folder):
            numbered = {"StudyDate": "20260101", "StudyTime": "120000", "StudyID": "1", "AccessionNumber": ""}
            directory = FileSet()
            for path in series(tags(**numbered, SeriesNumber=1))(folder / "series").iterdir():
                header = pydicom.dcmread(path)
                directory.add(header)
                if header.InstanceNumber in absent:
                    lost.append(header.SOPInstanceUID)
            directory.write(folder / "ct")
            for path in (folder / "ct").rglob("*"):
                if path.is_file() and pydicom.dcmread(path, force=True).get("SOPInstanceUID") in lost:
                    path.unlink()
            return folder / "ct"

        lost: list[str] = []
        return make

    def by_itk(name, values=volume, change=lambda content: content, **options):
        def make(folder):
            path = write_itk(folder / name, values, affine, **options)
            path.write_bytes(change(path.read_bytes()))
            return path

        return make

    def zipped(make, change=lambda content: content, prefix=""):
        def pack(folder):
            inner = make(folder)
            files = [inner] if inner.is_file() else sorted(inner.iterdir())
            with ZipFile(folder / "ct.zip", "w", ZIP_DEFLATED) as archive:
                for file in files:
                    archive.writestr(prefix + file.name, file.read_bytes())
            (folder / "ct.zip").write_bytes(change((folder / "ct.zip").read_bytes()))
            return folder / "ct.zip"

        return pack

    def in_directory(offset, value):
        """Change a field of each entry of an archive's directory."""

        def change(content):
            parts = content.split(b"PK\x01\x02")
            fields = [part[: offset - 4] + value + part[offset - 4 + len(value) :] for part in parts[1:]]
            return b"PK\x01\x02".join([parts[0], *fields])

        return change

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

    def of_its_own(header, index):
        header.SeriesInstanceUID = f"{SERIES}.{index}"

    def misstated(folder):
        return misstate(series()(folder), SeriesNumber="4a", TriggerTime="N/A", AcquisitionNumber="1\\2")

    def with_a_pipe(folder):
        os.mkfifo(series()(folder) / "0000a")
        return folder / "ct"

    def phases(header, index):
        header.NominalPercentageOfCardiacPhase = 75

    def shape_of(*sizes):
        return lambda content: (
            content[:40] + np.array([len(sizes), *sizes, 1, 1, 1, 1][:8], "<i2").tobytes() + content[56:]
        )

    in_metres = affine.copy()
    in_metres[:3, :3] *= 1e-3
    far_away = affine.copy()
    far_away[0, 3] = 1e9
    color = np.zeros(shape, dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    grid = np.linspace(-1, 1, shape[0])
    padded = np.where((np.hypot(grid[:, None], grid[None]) > 1)[..., None], np.int16(-2000), volume)
    holes = np.where(volume > 0, np.nan, volume).astype(np.float32)
    but_one = tuple(range(1, 40))
    localizer = {"skip": but_one, "series": SERIES, "across": (0, 1, 0), "down": (0, 0, -1)}
    return [
        Defect("DICOM, nothing odd", series(), {}),
        Defect("DICOM, a slice missing", series(skip=(20,)), {}),
        Defect("DICOM, a slice 1 mm off", series(moved(1.0)), {}),
        Defect("DICOM, a slice 0.1 mm off", series(moved(0.1)), {}),
        Defect("DICOM, a single slice", series(skip=but_one), {}),
        Defect("DICOM, all slices at one place", series(step=(0, 0, 0)), {}),
        Defect("DICOM, gantry tilted by 14°", series(step=(0, 0.75, 3.0)), {}),
        Defect("DICOM, every file twice", copied, {}),
        Defect("DICOM, each place twice", beside(lambda header, index: None, series=SERIES), {}),
        Defect("DICOM, one place twice", beside(lambda header, index: None, series=SERIES, skip=but_one), {}),
        Defect("DICOM, a localizer among the slices", beside(tags(ImageType=["ORIGINAL"]), **localizer), {}),
        Defect("DICOM, a UID of its own for every slice", series(of_its_own), {}),
        Defect("DICOM, numbers that nothing needs and that are none", misstated, {}),
        Defect("DICOM, a size that is none", lambda folder: misstate(series()(folder), Rows="many"), {}),
        Defect("DICOM, a pipe among the files", with_a_pipe, {}),
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
        Defect("DICOM, compressed (JPEG lossless)", native("JPEGLosslessSV1"), {}),
        Defect("DICOM, compressed (JPEG-LS)", native("JPEGLSLossless"), {}),
        Defect("DICOM, compressed (JPEG 2000)", native("JPEG2000Lossless"), {}),
        Defect("DICOM, compressed (HTJ2K)", native("HTJ2KLossless"), {}),
        Defect("DICOM, lossy JPEG", native("JPEGExtended12Bit", tags(BitsStored=12, HighBit=11)), {}),
        Defect("DICOM, a disc with its DICOMDIR", disc(), {}),
        Defect("DICOM, a disc without its last slices", disc(absent=(1, 2)), {}),
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
        Defect("NIfTI, 1000 km from the origin", nifti(to=far_away), {}),
        Defect("NIfTI, named .nii though gzip", nifti(change=gzip.compress), {}),
        Defect("NIfTI, compressed by bzip2", nifti(change=bz2.compress), {}),
        Defect("NIfTI, a pointer of Git LFS", nifti(change=lambda content: b"version https://git-lfs..."), {}),
        Defect("NIfTI, quaternion longer than 1", nifti(change=_field("quatern_b", 1.1, "qform_code", 1)), {}),
        Defect("NIfTI, sform of zeros", nifti(change=_field("srow_x", 0, "srow_y", 0, "qform_code", 1)), {}),
        Defect("NIfTI, an unknown unit", nifti(change=_field("xyzt_units", 5)), {}),
        Defect("NIfTI, an intercept of NaN", nifti(change=_field("scl_slope", 1, "scl_inter", np.nan)), {}),
        Defect("NIfTI, -2000 beyond a circle", nifti(padded), {}),
        Defect("NIfTI, -2000 beyond a circle, less 1024", nifti(padded - 1024), {}),
        Defect("NIfTI, NaN", nifti(holes), {}),
        Defect("NIfTI, NaN, forced", nifti(holes), {"force": True}),
        Defect("NIfTI, grey levels 0 to 255", nifti(((volume + 1000) / 4.4).astype(np.int16)), {}),
        Defect("NIfTI, values from 0 to 1", nifti(((volume + 1000) / 1100).astype(np.float32)), {}),
        Defect("NIfTI, constant", nifti(np.zeros_like(volume)), {}),
        Defect("NRRD, nothing odd", by_itk("ct.nrrd"), {}),
        Defect("NRRD, compressed", by_itk("ct.nrrd", compressed=True), {}),
        Defect("NRRD, cut off", by_itk("ct.nrrd", change=lambda content: content[:5000]), {}),
        Defect("NRRD, colour", by_itk("ct.nrrd", np.stack([volume] * 3, axis=-1), vector=True), {}),
        Defect("NRRD, two volumes", by_itk("ct.nrrd", np.stack([volume] * 2, axis=-1)), {}),
        Defect("NRRD, no space", by_itk("ct.nrrd", change=_in_no_space), {}),
        Defect("NRRD, encoded as text", by_itk("ct.nrrd", change=_encoded("ascii")), {}),
        Defect("NRRD, compressed by bzip2", by_itk("ct.nrrd", change=_encoded("bzip2")), {}),
        Defect("NRRD, an unknown field", by_itk("ct.nrrd", change=_encoded("raw\nodd: 1")), {}),
        Defect("NRRD, a file of another folder", by_itk("ct.nrrd", change=_encoded("raw\ndata file: ../ct.raw")), {}),
        Defect("NRRD, a sequence of 3D Slicer", _sequence(volume), {}),
        Defect("NRRD, a sequence, `phase` 2", _sequence(volume), {"phase": 2}),
        Defect("MHA, nothing odd", by_itk("ct.mha"), {}),
        Defect("MHA, compressed", by_itk("ct.mha", compressed=True), {}),
        Defect("MHA, cut off", by_itk("ct.mha", change=lambda content: content[:5000]), {}),
        Defect("MHA, header claims 54 TB", by_itk("ct.mha", change=_claiming), {}),
        Defect("zip of DICOM", zipped(series()), {}),
        Defect("zip of NIfTI", zipped(nifti()), {}),
        Defect("zip, a path that leads outside", zipped(nifti(), prefix="../../../"), {}),
        Defect("zip, encrypted", zipped(nifti(), in_directory(8, b"\1\0")), {}),
        Defect("zip, a bomb", zipped(nifti(), in_directory(24, b"\0\0\0\x7f")), {}),
        Defect("zip, cut off", zipped(nifti(), lambda content: content[:900]), {}),
    ]


def _field(*changes) -> Callable[[bytes], bytes]:
    """Change fields of a NIfTI header: names and values in turn."""

    def change(content: bytes) -> bytes:
        header = nibabel.Nifti1Header(content[:348], check=False)
        for name, value in zip(changes[::2], changes[1::2], strict=True):
            header[name] = value
        return header.binaryblock + content[348:]

    return change


def _encoded(how: str) -> Callable[[bytes], bytes]:
    return lambda content: content.replace(b"encoding: raw", b"encoding: " + how.encode())


def _sequence(volume: np.ndarray) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        sizes = " ".join(map(str, (2, *volume.shape)))
        header = f"NRRD0005\ntype: short\ndimension: 4\nspace: left-posterior-superior\nsizes: {sizes}\n"
        header += "space directions: none (3,0,0) (0,3,0) (0,0,3)\nkinds: list domain domain domain\nendian: little\n"
        content = header.encode() + b"encoding: raw\n\n" + np.stack([volume, volume]).astype("<i2").tobytes(order="F")
        (folder / "ct.seq.nrrd").write_bytes(content)
        return folder / "ct.seq.nrrd"

    return make


def _claiming(content: bytes) -> bytes:
    return content.replace(b"40 40 40", b"30000 30000 30000")


def _in_no_space(content: bytes) -> bytes:
    return content.replace(b"space: left-posterior-superior", b"space dimension: 3")


def _two_phases(volume: np.ndarray) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        for percent in (40, 75):

            def edit(header, index, percent=percent):
                header.NominalPercentageOfCardiacPhase = percent

            write_series(folder / "ct" / str(percent), volume, series=SERIES, spacing=(3, 3, 3), edit=edit)
        return folder / "ct"

    return make
