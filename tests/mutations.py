"""Small CTs of every kind that is read, and what damage does to files: for `fuzz.py`."""

from __future__ import annotations

import gzip
import random
import re
import struct
import tempfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from unittest import mock
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import nibabel
import numpy as np
import pydicom
import SimpleITK
from dicom_files import transcode, write_enhanced, write_series
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.fileset import FileSet
from pydicom.uid import DeflatedExplicitVRLittleEndian, RLELossless

Files = dict[str, bytes]
"""Path from the folder of a case to content."""
_NATIVE = ("JPEGLosslessSV1", "JPEGLSLossless", "JPEG2000Lossless", "HTJ2KLossless")
_BY_ITK = ("ct.nrrd", "ct.nhdr", "ct.mha", "ct.mhd")
_ZEROS = (*(10**6,) * 24, 10**8)
_NUMBERS = (0, 1, -1, 127, 255, 256, 32767, 65535, 2**31 - 1, -(2**31), 2**32 - 1, 1e30, float("nan"))


@mock.patch("secrets.randbelow", random.Random(0).randrange)  # the UIDs that pydicom makes up are the same each time
def undamaged() -> dict[str, tuple[str, Files]]:
    """Kind to the name of what is read, and its files."""
    index = np.stack(np.meshgrid(*map(np.arange, (7, 8, 5)), indexing="ij"), axis=-1)
    volume = np.where(((index - (3, 3.5, 2)) ** 2).sum(axis=-1) < 9, 60, -1000).astype(np.int16)
    made: dict[str, tuple[str, Files]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)

        def add(kind: str, path: Path) -> None:
            files = [path] if path.is_file() else [file for file in sorted(path.rglob("*")) if file.is_file()]
            made[kind] = (path.name, {str(file.relative_to(path.parent)): file.read_bytes() for file in files})

        def zipped(kind: str) -> None:
            made[f"zip of {kind}"] = ("ct.zip", {"ct.zip": _zip(made[kind][1])})

        def series(name: str, **arguments) -> Path:
            return write_series(root / name / "ct", volume, series="1.2.3.1", **arguments)

        add("DICOM", series("plain"))
        zipped("DICOM")
        add("DICOM, RLE", _resaved(series("rle"), lambda header: header.compress(RLELossless)))
        add("DICOM, deflated", _resaved(series("deflated"), _deflate))
        add("DICOM, no preamble", _resaved(series("bare"), _strip, implicit_vr=True, little_endian=True))
        add("DICOM, enhanced", write_enhanced(root / "enhanced" / "ct", volume))
        add("DICOM, DICOMDIR", _disc(root / "disc" / "ct", series("on disc", edit=_dated)))
        for syntax in _NATIVE:
            add(f"DICOM, {syntax}", transcode(series(syntax, edit=_dated), syntax))
        image = nibabel.Nifti1Image(volume, np.diag([-2.0, -2.0, 2.0, 1.0]))
        for name in ("ct.nii", "ct.nii.gz"):
            nibabel.save(image, root / name)
            add(f"NIfTI, {name[2:]}", root / name)
        zipped("NIfTI, .nii")
        nibabel.save(nibabel.Nifti2Image.from_image(image), root / "ct.nii")
        add("NIfTI-2, .nii", root / "ct.nii")
        image = SimpleITK.GetImageFromArray(volume.T)
        for name in _BY_ITK:
            for how in ("", ", compressed"):
                folder = root / f"{name}{how}"
                folder.mkdir()
                SimpleITK.WriteImage(image, folder / name, useCompression=bool(how))
                files = {file.name: file.read_bytes() for file in folder.iterdir()}
                made[f"{name[3:].upper()}{how}"] = (name, files)
    return made


def _zip(files: Files) -> bytes:
    target = BytesIO()
    with ZipFile(target, "w") as archive:
        for name, content in files.items():
            archive.writestr(ZipInfo(name), content, ZIP_DEFLATED)  # its date is the same each time
    return target.getvalue()


def _resaved(folder: Path, change: Callable, **options) -> Path:
    for path in folder.iterdir():
        header = pydicom.dcmread(path)
        change(header)
        header.save_as(path, **options)
    return folder


def _deflate(header) -> None:
    header.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian


def _strip(header) -> None:
    header.file_meta, header.preamble = FileMetaDataset(), None


def _dated(header, index: int) -> None:
    """What a DICOMDIR needs, and what GDCM adds where it is absent, as of now."""
    header.StudyDate, header.StudyTime, header.StudyID = "20260101", "120000", "1"
    header.SeriesNumber, header.AccessionNumber = 1, ""


def _disc(folder: Path, series: Path) -> Path:
    disc = FileSet()
    for path in series.iterdir():
        disc.add(path)
    disc.write(folder)
    return folder


def damaged(files: Files, chance: random.Random) -> Files:
    """One to three mutations, each of one file or of all files alike."""
    for _ in range(chance.choice((1, 1, 2, 3))):
        names, same = sorted(files), chance.random()
        struck = names if chance.random() < 0.5 else [chance.choice(names)]
        files = {name: _damage(files[name], random.Random(same)) if name in struck else files[name] for name in names}
    return files


def _damage(content: bytes, chance: random.Random) -> bytes:
    """Damage to what the content means, where it still means something, or to its bytes."""
    meaning: list[Callable[[bytes, random.Random], bytes]] = []
    if content[:2] == b"\x1f\x8b":
        meaning = [_inside_gzip, _inside_gzip, _inflate]
    elif content[:4] == b"PK\3\4":
        meaning = [_inside_zip]
    elif content[128:132] == b"DICM":
        meaning = [_delete_element, _swap_elements, _falsify_element, _falsify_element, _lengthen]
    elif content[:4] in (b"NRRD", b"Obje"):
        meaning = [_change_line, _change_number, _change_number, _space_oddly, _point_elsewhere, _comment]
    elif content[:4] in (b"\x5c\1\0\0", b"\x1c\2\0\0"):
        meaning = [_falsify_nifti]
    if meaning and chance.random() < 0.6:
        try:
            return chance.choice(meaning)(content, chance)
        except Exception:  # an earlier mutation has left nothing to be found, or what cannot be written like that
            pass
    return chance.choice((_flip, _flip, _cut, _repeat, _overwrite))(content, chance)


def _flip(content: bytes, chance: random.Random) -> bytes:
    """Up to 8 bytes, rather near the start, where headers are."""
    changed = bytearray(content)
    for _ in range(chance.randint(1, 8) if content else 0):
        changed[int(len(content) * chance.random() ** 2)] = chance.randrange(256)
    return bytes(changed)


def _cut(content: bytes, chance: random.Random) -> bytes:
    return content[: int(len(content) * chance.random())]


def _repeat(content: bytes, chance: random.Random) -> bytes:
    start, place = chance.randrange(len(content) + 1), chance.randrange(len(content) + 1)
    return content[:place] + content[start : start + chance.randint(1, 200)] + content[place:]


def _overwrite(content: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(content) + 1)
    pattern = chance.choice((b"\0", b"\xff", b"\x7f\xff", b"\xfe\xff\xdd\xe0")) * chance.randint(1, 8)
    return content[:place] + pattern + content[place + len(pattern) :]


def _inside_gzip(content: bytes, chance: random.Random) -> bytes:
    return gzip.compress(_damage(gzip.decompress(content), chance), mtime=0)


def _inside_zip(content: bytes, chance: random.Random) -> bytes:
    with ZipFile(BytesIO(content)) as archive:
        files = {member.filename: archive.read(member) for member in archive.infolist()}
    return _zip(damaged(files, chance))


def _with_elements(content: bytes, change: Callable) -> bytes:
    header = pydicom.dcmread(BytesIO(content))
    change(header, [*header.file_meta, *header.iterall()])
    target = BytesIO()
    header.save_as(target, enforce_file_format=False)
    return target.getvalue()


def _delete_element(content: bytes, chance: random.Random) -> bytes:
    def change(header, elements) -> None:
        tag = chance.choice(elements).tag
        for dataset in (header, header.file_meta):
            if tag in dataset:
                del dataset[tag]

    return _with_elements(content, change)


def _swap_elements(content: bytes, chance: random.Random) -> bytes:
    def change(header, elements) -> None:
        one, other = chance.sample(elements, 2)
        one._value, other._value = other._value, one._value

    return _with_elements(content, change)


def _falsify_element(content: bytes, chance: random.Random) -> bytes:
    def change(header, elements) -> None:
        element, number = chance.choice(elements), chance.choice(_NUMBERS)
        limit = {"US": 2**16, "SS": 2**15, "UL": 2**32, "SL": 2**31}.get(element.VR)
        if limit is not None:
            element._value = int(abs(number)) % limit
        elif element.VR in ("DS", "IS"):
            values = ("nan", "inf", "-1e30", "0", "1,5", "text", f"{number:g}")
            element._value = [chance.choice(values) for _ in range(chance.choice((0, 1, 2, 3, 6, 40)))]
        elif element.VR in ("FD", "FL"):
            element._value = float(number)
        elif isinstance(element.value, bytes):
            element._value = _cut(element.value, chance)
        else:
            element._value = chance.choice(("", "\0", "\\\\", "x" * 3000, "Ä", "1.2.840.10008.1.2.4.70", "MONOCHROME1"))

    return _with_elements(content, change)


def _lengthen(content: bytes, chance: random.Random) -> bytes:
    """A sequence of many empty items, of stated length or none, or zeros that a deflated file hardly grows by."""

    def change(header, elements) -> None:
        if chance.random() < 0.5:
            header.add_new("ContrastBolusAgentSequence", "SQ", [Dataset() for _ in range(chance.choice((100, 3000)))])
            header["ContrastBolusAgentSequence"].is_undefined_length = chance.random() < 0.5
        else:
            header.add_new(0x00091010, "OB", bytes(chance.choice(_ZEROS)))
            header.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian

    return _with_elements(content, change)


def _inflate(content: bytes, chance: random.Random) -> bytes:
    """Zeros behind what a gzip file holds, of which it hardly grows."""
    return gzip.compress(gzip.decompress(content) + bytes(chance.choice(_ZEROS)), compresslevel=1, mtime=0)


def _space_oddly(content: bytes, chance: random.Random) -> bytes:
    """White space of some kind before, within or after a line of a text header."""
    place = chance.choice([match.start() for match in re.finditer(rb"[\n:= ]", content[:400])])
    return content[:place] + chance.choice((b"\n", b"\r", b"\f", b"\v", b"\t", b" ", b"\0", b"\n\n")) + content[place:]


def _point_elsewhere(content: bytes, chance: random.Random) -> bytes:
    """Another file, or several, as those that hold the voxels."""
    there = chance.choice((b"/etc/passwd", b"../ct.raw", b"LIST", b"LIST 2\nct.raw\nct.raw", b"ct%d.raw 1 5 1", b"."))
    pattern = rb"(data ?file: *|ElementDataFile *= *)[^\n]*" if chance.random() < 0.7 else rb"(encoding): [^\n]*"
    return re.sub(pattern, lambda match: match[1] + there, content, count=1)


def _comment(content: bytes, chance: random.Random) -> bytes:
    """Many comments, or much of one, after the first line of a text header."""
    first, rest = content.split(b"\n", 1)
    line = b"# x\n" if content[:4] == b"NRRD" else b"Comment = x\n"
    return first + b"\n" + chance.choice((line * 5000, line[:-1] * 50_000 + b"\n")) + rest


def _change_line(content: bytes, chance: random.Random) -> bytes:
    """Delete a line of a text header, double it, or swap two."""
    lines = content.split(b"\n", 20)
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    kind = chance.randrange(3)
    if kind == 0:
        del lines[one]
    elif kind == 1:
        lines.insert(other, lines[one])
    else:
        lines[one], lines[other] = lines[other], lines[one]
    return b"\n".join(lines)


def _change_number(content: bytes, chance: random.Random) -> bytes:
    """Another number in a text header."""
    place = chance.choice(list(re.finditer(rb"-?\d+(\.\d+)?", content[:400])))
    return content[: place.start()] + f"{chance.choice(_NUMBERS):.15g}".encode() + content[place.end() :]


def _falsify_nifti(content: bytes, chance: random.Random) -> bytes:
    """Another number in a field of a NIfTI header that tells sizes, type, place or scale."""
    if content[0] == 0x5C:  # NIfTI-1
        shorts, floats = [*range(40, 56, 2), 70, 72, 252, 254], [*range(76, 120, 4), *range(256, 328, 4)]
        formats = {**dict.fromkeys(shorts, "<h"), **dict.fromkeys(floats, "<f")}
    else:
        longs, doubles = [*range(16, 80, 8), 168], [*range(104, 192, 8), *range(352, 496, 8)]
        formats = {**dict.fromkeys(longs, "<q"), **dict.fromkeys(doubles, "<d")}
    place, number = chance.choice(list(formats)), chance.choice(_NUMBERS)
    changed = bytearray(content)
    kind = formats[place]
    if kind in ("<h", "<q"):
        number = int(number) if number == number else 0
        number = (number + 2**15) % 2**16 - 2**15 if kind == "<h" else number
    struct.pack_into(kind, changed, place, number)
    return bytes(changed)
