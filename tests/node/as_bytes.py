"""What the tests of the node share."""

from __future__ import annotations

from io import BytesIO

import pydicom
from pydicom.dataset import FileDataset


def encoded(header: FileDataset) -> bytes:
    """The bytes of its file."""
    stream = BytesIO()
    pydicom.dcmwrite(stream, header, enforce_file_format=True)
    return stream.getvalue()
