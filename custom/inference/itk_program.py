"""NRRD and MHA by ITK, as a program for `custom.apart`: it imports nothing of the package."""

from __future__ import annotations

from collections.abc import Iterator

import itk
import numpy as np


def read(path: str) -> Iterator[np.ndarray]:
    """Yield in turn, of the file at `path`:

    - its shape, followed by the number of components of a voxel and the bytes of a component, int64; empty, and the
      last, where ITK knows no reader for the file;
    - the axes of a voxel (3, 3), direction times spacing, and the origin (3,), float64, LPS mm;
    - the volume, its axes in reversed order.
    """
    reader = itk.ImageIOFactory.CreateImageIO(path, itk.CommonEnums.IOFileMode_ReadMode)
    if reader is None:
        yield np.empty(0, dtype=np.int64)
        return
    reader.SetFileName(path)
    reader.ReadImageInformation()
    shape = [reader.GetDimensions(axis) for axis in range(reader.GetNumberOfDimensions())]
    yield np.array([*shape, reader.GetNumberOfComponents(), reader.GetComponentSize()], dtype=np.int64)
    image = itk.imread(path)
    direction = np.asarray(itk.array_from_matrix(image.GetDirection()), dtype=np.float64)
    yield direction[:3, :3] * np.array(image.GetSpacing())[:3]
    yield np.array(image.GetOrigin(), dtype=np.float64)[:3]
    yield itk.array_view_from_image(image)
