"""Label maps of which only a box holds labels: whole, in part, and as a file, they are the same."""

import gzip

import nibabel
import numpy as np
import pytest

from custom.inference.writing.files import encode_label_maps, encode_nifti
from custom.label_map import LabelMap

SHAPE = (7, 9, 11)
AFFINE = np.diag([-0.4, -0.5, 0.8, 1.0])


@pytest.fixture(params=[((1, 4), (2, 8), (3, 6)), ((0, 7), (0, 9), (0, 11)), ((5, 7), (0, 2), (9, 11))])
def labels(request):
    box = tuple(slice(*ends) for ends in request.param)
    size = [axis.stop - axis.start for axis in box]
    return LabelMap(SHAPE, box, np.random.default_rng(0).integers(0, 4, size).astype(np.uint8))


def test_outside_the_box_there_is_nothing(labels):
    whole = labels.whole()
    assert whole.shape == SHAPE and whole.dtype == np.uint8 and whole.sum() == labels.values.sum()
    np.testing.assert_array_equal(whole[labels.box], labels.values)
    np.testing.assert_array_equal(np.stack([plane.copy() for plane in labels.planes()], axis=2), whole)
    wider = tuple(
        slice(max(axis.start - 1, 0), min(axis.stop + 2, size)) for axis, size in zip(labels.box, SHAPE, strict=True)
    )
    np.testing.assert_array_equal(labels.part(wider), whole[wider])


def test_as_a_file_it_is_what_the_whole_is(tmp_path, labels):
    alone, whole = encode_label_maps([labels], AFFINE, "a remark"), encode_nifti(labels.whole(), AFFINE, "a remark")
    assert gzip.decompress(alone) == gzip.decompress(whole)
    other = labels._replace(values=3 - labels.values)
    (tmp_path / "two.nii.gz").write_bytes(encode_label_maps([labels, other], AFFINE))
    read = np.asanyarray(nibabel.load(tmp_path / "two.nii.gz").dataobj)
    np.testing.assert_array_equal(read, np.stack([labels.whole(), other.whole()], axis=3))
