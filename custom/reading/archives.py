"""A zip file that holds one case, opened into a temporary folder of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from ..inputs import InputError
from .kinds import is_archive, is_image

MOST_FILES = 100_000
LARGEST_CONTENT = 32 * 2**30
"""Bytes of all files in an archive."""
UNPACKED, UNPACKED_A_BYTE = 2**30, 32
"""Bytes that an archive may unpack to, whatever its size, and more for each of its own; CTs reach about 10."""
_METHODS = {ZIP_STORED, ZIP_DEFLATED, ZIP_BZIP2, ZIP_LZMA}
_ENCRYPTED = 1  # bit of a member's flags


@contextmanager
def opened(path: Path) -> Iterator[Path]:
    """What there is to read of an input, while the context lasts: the path itself, but of a zip what it holds.

    That is a folder where the zip holds DICOM, its one NIfTI, NRRD or MHA file otherwise, in a temporary folder, under
    the same names each time. Sizes and counts are checked before anything is written, and no file gets more bytes than
    its checked size. Names that lead elsewhere (absolute, or up by `..`) end within the folder, and links become files.

    Raises:
        InputError: an archive that is encrypted, too large, a bomb, damaged, or does not hold one case.
        Exception: whatever zipfile raises on damaged bytes.
    """
    if not is_archive(path):
        yield path
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "content")
        with _archive(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            _check(members, path.stat().st_size)
            try:
                archive.extractall(folder, members)
            except (IsADirectoryError, NotADirectoryError) as error:
                message = "the archive holds a file and a folder of one name: it is damaged"
                raise InputError(message, "damaged") from error
        if sum(file.is_file() for file in folder.rglob("*")) != len(members):
            raise InputError("the archive holds several files of one name: it is damaged", "damaged")
        yield _case_in(folder)


def _archive(path: Path) -> ZipFile:
    try:
        return ZipFile(path)
    except BadZipFile as error:  # it has no directory, which stands at its end
        with open(path, "rb") as stream:
            what = "is it complete?" if stream.read(4) == b"PK\3\4" else "it is no zip archive"
        raise InputError(f"{path.name} cannot be read: {what}", "unreadable") from error


def _check(members: Sequence[ZipInfo], size: int) -> None:
    """Look at what the directory of an archive of `size` bytes claims."""
    claimed = sum(member.file_size for member in members)
    if len(members) > MOST_FILES or claimed > LARGEST_CONTENT:
        raise InputError(
            f"the archive claims {len(members)} files of {claimed / 2**30:.1f} GiB, more than are read", "too_large"
        )
    if claimed > UNPACKED + UNPACKED_A_BYTE * size:
        raise InputError("the archive claims far more than it can hold: a zip bomb?", "zip_bomb")
    if any(member.flag_bits & _ENCRYPTED for member in members):
        raise InputError("the archive is encrypted: unpack it with its password, and give the folder", "encrypted")
    if any(member.compress_type not in _METHODS for member in members):
        raise InputError("the archive's compression is not read here: unpack it, and give the folder", "compression")


def _case_in(folder: Path) -> Path:
    from ..dicom import files_below, holds_dicom  # only here, as in `ct`

    if holds_dicom(folder):
        return folder
    images = [path for path in files_below(folder) if is_image(path)]
    if len(images) != 1:
        what = f"{len(images)} images" if images else "no image that is read here"
        raise InputError(f"the archive holds {what}: one case a zip, a DICOM series or one image file", "no_case")
    return images[0]
