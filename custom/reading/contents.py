"""What a file is by its first bytes, where it is not what its name says."""

from __future__ import annotations

from pathlib import Path

from ..inputs import InputError

START = 512
"""Bytes that tell."""
_UNPACK = "unpack it first"
_SIGNATURES = (
    (b"\x1f\x8b", "compressed by gzip", "add .gz to its name, or unpack it"),
    (b"BZh", "compressed by bzip2", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "compressed by Zstandard", _UNPACK),
    (b"\xfd7zXZ\0", "compressed by xz", _UNPACK),
    (b"\x04\x22\x4d\x18", "compressed by lz4", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    (b"Rar!", "a RAR archive", _UNPACK),
    (b"PK\3\4", "a zip archive", "name it .zip"),
    (b"NRRD000", "an NRRD file", "name it .nrrd"),
    (b"ObjectType", "a MetaImage file", "name it .mha"),
    (b"n+1\0", "a NIfTI file", "name it .nii"),
    (b"\x5c\x01\0\0", "a NIfTI file", "name it .nii"),
    (b"\0\0\x01\x5c", "a NIfTI file", "name it .nii"),
    (b"\x1c\x02\0\0", "a NIfTI file", "name it .nii"),
    (b"\0\0\x02\x1c", "a NIfTI file", "name it .nii"),
    (b"\x89HDF", "an HDF5 file (MINC?)", "convert it to NIfTI"),
    (b"CDF", "a netCDF file (MINC?)", "convert it to NIfTI"),
    (b"\x89PNG", "a picture", "give the CT itself"),
    (b"\xff\xd8\xff", "a picture", "give the CT itself"),
    (b"II*\0", "a picture", "give the CT itself"),
    (b"MM\0*", "a picture", "give the CT itself"),
    (b"%PDF", "a PDF document", "give the CT itself"),
    (b"version https://git-lfs", "a pointer of Git LFS", "fetch it with `git lfs pull`"),
    (b"/annex/objects", "a pointer of git-annex", "fetch it with `git annex get`"),
)


def refuse_content(path: Path, start: bytes, wanted: str) -> InputError:
    """The refusal, by what it is instead, of a file whose first `START` bytes are not those of a `wanted` file."""
    what, advice = _what(start)
    outcome = "compression" if advice == _UNPACK else "other_kind"
    return InputError(f"{path.name} is {what}, not {wanted}: {advice}", outcome)


def _what(start: bytes) -> tuple[str, str]:
    for signature, what, advice in _SIGNATURES:
        if start.startswith(signature):
            return what, advice
    if start[128:132] == b"DICM":
        return "a DICOM file", "take away the ending of its name, and give the folder of its series"
    if not start.strip(b"\0"):
        return "filled with zeros", "copy it again"
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return "a web page or XML", "download the image itself"
    if all(byte in b"\t\r\n" or 32 <= byte < 127 for byte in start):
        return "a text file", "give the image itself"
    return "of a kind that is not known", "export it again"
