"""The kinds of image files, by their names."""

from __future__ import annotations

from pathlib import Path

NIFTI_SUFFIXES = (".nii.gz", ".nii")
ITK_SUFFIXES = (".nrrd", ".nhdr", ".mha", ".mhd")
ARCHIVE_SUFFIX = ".zip"
SINGLE_FILES = (*NIFTI_SUFFIXES, ".nrrd", ".mha", ARCHIVE_SUFFIX)
"""Of those that hold a whole case, or nearly always do."""
LABEL_MAP_ENDING, SEQUENCE_ENDING = "_labels.nii.gz", "_labels.seq.nrrd"


def is_archive(path: Path) -> bool:
    """Whether a path is that of a zip file, which holds one case."""
    return path.name.lower().endswith(ARCHIVE_SUFFIX) and path.is_file()


def is_image(path: Path) -> bool:
    """Whether a file is a NIfTI, NRRD or MHA image by its name, and none of the label maps of an earlier run."""
    name = path.name.lower()
    return name.endswith(NIFTI_SUFFIXES + ITK_SUFFIXES) and not name.endswith((LABEL_MAP_ENDING, SEQUENCE_ENDING))
