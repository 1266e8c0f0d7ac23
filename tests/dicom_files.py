"""CT series of known content, written by pydicom, right or with one thing odd about them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import CTImageStorage, EnhancedCTImageStorage, ExplicitVRLittleEndian, generate_uid

PATIENT = "Doe^Jane"
PATIENT_ID = "Jane-4711"  # letters: digits alone turn up in a UID by chance


def write_series(
    folder: Path,
    volume: np.ndarray,
    *,
    across=(1.0, 0.0, 0.0),
    down=(0.0, 1.0, 0.0),
    step=None,
    origin=(-60.0, -200.0, 50.0),
    spacing=(1.5, 1.25, 2.0),
    modality: str = "CT",
    series: str | None = None,
    skip: tuple[int, ...] = (),
    edit: Callable[[FileDataset, int], None] = lambda header, index: None,
) -> Path:
    """A series of one file a slice, file names in no order and without extension.

    Slice k of `volume` (columns, rows, slices), HU, lies k times `step` (LPS mm, by default along the normal) from
    `origin`. `spacing` is in mm between columns, rows and slices. `edit` changes the header of slice k before writing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    series = series or generate_uid()
    across, down = np.asarray(across), np.asarray(down)
    step = spacing[2] * np.cross(across, down) if step is None else np.asarray(step)
    shuffled = np.random.default_rng(1).permutation(volume.shape[2])
    for index in sorted(set(range(volume.shape[2])) - set(skip)):
        header = _header(CTImageStorage, series, modality)
        header.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        header.ImagePositionPatient = _decimals(np.asarray(origin) + index * step, 6)
        header.ImageOrientationPatient = _decimals((*across, *down), 8)
        header.PixelSpacing = [spacing[1], spacing[0]]  # between rows, then between columns
        header.SliceThickness = spacing[2]
        header.InstanceNumber = volume.shape[2] - index
        header.RescaleIntercept, header.RescaleSlope = -1024, 1
        _add_pixels(header, volume[:, :, index] + 1024)
        edit(header, index)
        pydicom.dcmwrite(folder / f"{shuffled[index]:04d}", header, enforce_file_format=True)
    return folder


def write_enhanced(
    folder: Path,
    volume: np.ndarray,
    *,
    origin=(-60.0, -200.0, 50.0),
    spacing=(1.5, 1.25, 2.0),
    phases: tuple[int, ...] = (),
    edit: Callable[[FileDataset], None] = lambda header: None,
) -> Path:
    """One enhanced CT file of axial frames, the highest first; with `phases`, the volume once for each percentage."""
    folder.mkdir(parents=True, exist_ok=True)
    header = _header(EnhancedCTImageStorage, generate_uid(), "CT")
    header.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    measures = _item(PixelSpacing=[spacing[1], spacing[0]], SliceThickness=spacing[2])
    shared = {
        "PixelMeasuresSequence": measures,
        "PlaneOrientationSequence": _item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0]),
        "PixelValueTransformationSequence": _item(RescaleIntercept=-1024, RescaleSlope=1, RescaleType="HU"),
    }
    header.SharedFunctionalGroupsSequence = Sequence([_macros(shared)])
    frames, pixels = [], []
    for phase in phases or (None,):
        for index in reversed(range(volume.shape[2])):
            place = np.asarray(origin) + [0, 0, index * spacing[2]]
            macros = {"PlanePositionSequence": _item(ImagePositionPatient=_decimals(place, 6))}
            if phase is not None:
                macros["CardiacSynchronizationSequence"] = _item(NominalPercentageOfCardiacPhase=float(phase))
            frames.append(_macros(macros))
            pixels.append(volume[:, :, index].T + 1024 + (phase or 0))
    header.PerFrameFunctionalGroupsSequence = Sequence(frames)
    header.NumberOfFrames = len(frames)
    _add_pixels(header, volume[:, :, 0])
    header.PixelData = np.stack(pixels).astype("<u2").tobytes()
    edit(header)
    pydicom.dcmwrite(folder / "enhanced.dcm", header, enforce_file_format=True)
    return folder


def misstate(folder: Path, **texts: str) -> Path:
    """Put texts in place of values that they cannot be, of every file of a classic series; a sequence becomes text."""
    for path in folder.iterdir():
        header = pydicom.dcmread(path)
        for tag, text in texts.items():
            header[tag] = pydicom.DataElement(tag, "UT" if _vr(tag) == "SQ" else "LO", text)
        header.save_as(path)
        content = path.read_bytes()
        for tag in texts:
            number = Tag(tag)
            start = number.group.to_bytes(2, "little") + number.elem.to_bytes(2, "little")
            written = start + (b"UT" if _vr(tag) == "SQ" else b"LO")
            assert content.count(written) == 1
            content = content.replace(written, start + _vr(tag).encode())
        path.write_bytes(content)
    return folder


def _vr(tag: str) -> str:
    return dictionary_VR(tag)[:2]  # of "US or SS" the first


def transcode(folder: Path, syntax: str) -> Path:
    """Compress a classic series in place; `syntax` is the name of one in `pydicom.uid`."""
    uid = getattr(pydicom.uid, syntax)
    for path in folder.iterdir():
        (_transcode_htj2k if syntax.startswith("HTJ2K") else _transcode_gdcm)(path, uid)
        assert pydicom.dcmread(path).file_meta.TransferSyntaxUID == uid
    return folder


def _transcode_gdcm(path: Path, uid: str) -> None:
    import gdcm

    reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
    reader.SetFileName(str(path))
    assert reader.Read()
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(uid)))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer.SetFileName(str(path))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()


def _transcode_htj2k(path: Path, uid: str) -> None:
    import imagecodecs

    header = pydicom.dcmread(path)
    stream = imagecodecs.htj2k_encode(header.pixel_array, reversible=uid == pydicom.uid.HTJ2KLossless)
    header.PixelData = encapsulate([stream])
    header["PixelData"].VR = "OB"
    header.file_meta.TransferSyntaxUID = uid
    header.save_as(path)


def _header(kind: str, series: str, modality: str) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = kind, generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    header.SOPClassUID, header.SOPInstanceUID = kind, meta.MediaStorageSOPInstanceUID
    header.PatientName, header.PatientID, header.Modality = PATIENT, PATIENT_ID, modality
    header.StudyInstanceUID, header.SeriesInstanceUID, header.FrameOfReferenceUID = "1.2.3", series, "1.2.4"
    return header


def _add_pixels(header: Dataset, plane: np.ndarray) -> None:
    """Stored values (columns, rows) as unsigned 16 bits."""
    header.Columns, header.Rows = plane.shape
    header.SamplesPerPixel, header.PhotometricInterpretation = 1, "MONOCHROME2"
    header.BitsAllocated = header.BitsStored = 16
    header.HighBit, header.PixelRepresentation = 15, 0
    header.PixelData = plane.T.astype("<u2").tobytes()


def _item(**values) -> Sequence:
    item = Dataset()
    for tag, value in values.items():
        setattr(item, tag, value)
    return Sequence([item])


def _macros(sequences: dict[str, Sequence]) -> Dataset:
    macros = Dataset()
    for tag, sequence in sequences.items():
        setattr(macros, tag, sequence)
    return macros


def _decimals(values, places: int) -> list[str]:
    return [f"{value:.{places}f}" for value in values]
