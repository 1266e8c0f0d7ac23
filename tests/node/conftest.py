"""A queue, and small DICOM files of studies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from deploy.node.queue import Queue


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    made = Queue(tmp_path / "queue")
    yield made
    made.close()


@pytest.fixture
def image() -> Callable[..., FileDataset]:
    """A small object of a study, by default a CT image of a new UID."""

    def make(study: str = "1.2.3", instance: str | None = None, sop_class: str = CTImageStorage) -> FileDataset:
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = sop_class, ExplicitVRLittleEndian
        meta.MediaStorageSOPInstanceUID = instance or generate_uid()
        header = FileDataset(None, {}, file_meta=meta, preamble=bytes(128))
        header.SOPClassUID, header.SOPInstanceUID = sop_class, meta.MediaStorageSOPInstanceUID
        header.StudyInstanceUID, header.SeriesInstanceUID, header.Modality = study, f"{study}.1", "CT"
        header.PatientName = "Doe^Jane"
        header.Rows = header.Columns = 8
        header.SamplesPerPixel, header.PhotometricInterpretation = 1, "MONOCHROME2"
        header.BitsAllocated = header.BitsStored = 16
        header.HighBit, header.PixelRepresentation = 15, 0
        header.PixelData = bytes(128)
        return header

    return make
