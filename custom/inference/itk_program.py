"""NRRD and MHA by SimpleITK, as a program for `custom.apart`: it imports nothing of the package."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import SimpleITK

READERS = ("MetaImageIO", "NrrdImageIO")


def read(path: str) -> Iterator[np.ndarray]:
    """Yield in turn, of the file at `path`:

    - its shape, followed by the number of components of a voxel, int64; empty, and the last, where the file is neither
      NRRD nor MHA;
    - the axes of a voxel (3, 3), direction times spacing, and the origin (3,), float64, LPS mm;
    - the volume, its axes in reversed order.
    """
    reader = SimpleITK.ImageFileReader()
    if reader.GetImageIOFromFileName(path) not in READERS:
        yield np.empty(0, dtype=np.int64)
        return
    reader.SetFileName(path)
    reader.ReadImageInformation()
    yield np.array([*reader.GetSize(), reader.GetNumberOfComponents()], dtype=np.int64)
    image = reader.Execute()
    axes = image.GetDimension()
    yield np.reshape(image.GetDirection(), (axes, axes))[:3, :3] * image.GetSpacing()[:3]
    yield np.array(image.GetOrigin()[:3])
    yield SimpleITK.GetArrayViewFromImage(image)
