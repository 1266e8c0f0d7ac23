"""Stored values become HU, whatever way they are stored."""

from __future__ import annotations

import zlib

import numpy as np
import pydicom
import pytest
from dicom_files import transcode, write_enhanced, write_series
from pydicom.uid import RLELossless

from custom.dicom import read_series
from custom.inference import LoadCTd
from custom.inputs import Findings, InputError

VOLUME = np.random.default_rng(0).integers(-1000, 1000, (12, 10, 4)).astype(np.int16)


def _read(folder, force: bool = False):
    findings = Findings(force)
    return read_series(folder, findings)[0], findings


def _with(**tags):
    def edit(header, index):
        for tag, value in tags.items():
            setattr(header, tag, value)

    return edit


def test_each_slice_has_its_own_rescale(tmp_path):
    def edit(header, index):
        header.RescaleSlope, header.RescaleIntercept = 0.5 + index, -1000 - index

    write_series(tmp_path, VOLUME, edit=edit)
    stored, index = VOLUME + 1024.0, np.arange(4)
    np.testing.assert_allclose(_read(tmp_path)[0], stored * (0.5 + index) - 1000 - index, rtol=1e-6)


def test_signed_values(tmp_path):
    def edit(header, index):
        header.PixelRepresentation, header.RescaleIntercept = 1, 0
        header.PixelData = VOLUME[:, :, index].T.astype("<i2").tobytes()

    write_series(tmp_path, VOLUME, edit=edit)
    np.testing.assert_array_equal(_read(tmp_path)[0], VOLUME)


def test_twelve_bits_with_an_overlay_in_the_others(tmp_path):
    def edit(header, index):
        header.BitsStored, header.HighBit = 12, 11
        header.PixelData = ((VOLUME[:, :, index].T + 1024).astype("<u2") | 0xA000).tobytes()

    write_series(tmp_path, VOLUME, edit=edit)
    np.testing.assert_array_equal(_read(tmp_path)[0], VOLUME)


def test_a_description_of_an_unknown_type_whose_head_is_longer(tmp_path):
    write_series(tmp_path, VOLUME)
    known, unknown = b"\x28\0\x02\0US\x02\0", b"\x28\0\x02\0UN\0\0\x02\0\0\0"
    for path in tmp_path.iterdir():
        content = path.read_bytes()
        assert content.count(known) == 1
        path.write_bytes(content.replace(known, unknown))
    np.testing.assert_array_equal(_read(tmp_path)[0], VOLUME)


def test_monochrome1_leaves_hounsfield_units_as_they_are(tmp_path):
    write_series(tmp_path, VOLUME, edit=_with(PhotometricInterpretation="MONOCHROME1"))
    np.testing.assert_array_equal(_read(tmp_path)[0], VOLUME)


@pytest.mark.parametrize(
    ("signed", "value", "limit"), [(False, 5, None), (True, -2000, None), (True, 63536, None), (False, 5, 9)]
)
def test_padding_becomes_air(tmp_path, signed, value, limit):
    stored = value - 65536 if value > 32767 else value

    def edit(header, index):
        plane = VOLUME[:, :, index].T + 1024
        plane[0, 0], plane[0, 1] = stored, stored + 1
        header.PixelRepresentation = int(signed)
        header.PixelData = plane.astype("<i2" if signed else "<u2").tobytes()
        header.add_new("PixelPaddingValue", "US" if value > 32767 or not signed else "SS", value)
        if limit is not None:
            header.add_new("PixelPaddingRangeLimit", "US", limit)

    write_series(tmp_path, VOLUME, edit=edit)
    values, _ = _read(tmp_path)
    assert (values[0, 0] == -1000).all()
    assert (values[1, 0] == (-1000 if limit else stored + 1 - 1024)).all()
    np.testing.assert_array_equal(values[2:], VOLUME[2:])


@pytest.mark.parametrize("limit", [None, 1064])
def test_of_padding_that_tissue_can_have_only_what_reaches_the_edge_becomes_air(tmp_path, limit):
    """0 HU beyond a circle that was cut out, and water within it."""

    def edit(header, index):
        plane = np.full((10, 12), 1124)
        plane[:2], plane[2, :3], plane[6, 6:8] = 1024, 1024, 1024
        header.PixelData = plane.astype("<u2").tobytes()
        header.PixelPaddingValue = 1024
        if limit is not None:
            header.PixelPaddingRangeLimit = limit

    write_series(tmp_path, VOLUME, edit=edit)
    values, _ = _read(tmp_path)
    assert (values[:, :2] == -1000).all() and (values[:3, 2] == -1000).all() and (values[6:8, 6] == 0).all()
    assert (values == -1000).sum() == 4 * 27


@pytest.mark.parametrize(
    "syntax", ["JPEGLossless", "JPEGLosslessSV1", "JPEGLSLossless", "JPEG2000Lossless", "HTJ2KLossless"]
)
def test_compressed_series(tmp_path, syntax):
    """GDCM, which encodes all but the last, also writes that the unit is unspecified."""
    transcode(write_series(tmp_path, VOLUME), syntax)
    values, findings = _read(tmp_path)
    np.testing.assert_array_equal(values, VOLUME)
    assert list(findings.warnings) == ["rescale_type"] * (syntax != "HTJ2KLossless")


def _smooth() -> np.ndarray:
    """(24, 20, 4) int16, values that a lossy codec keeps nearly."""
    return np.add.outer(np.add.outer(np.arange(24) * 20, np.arange(20) * 10), np.arange(4)).astype(np.int16)


def test_a_series_compressed_with_loss(tmp_path):
    transcode(write_series(tmp_path, _smooth()), "HTJ2K")
    np.testing.assert_allclose(_read(tmp_path)[0], _smooth(), atol=5)


def test_lossy_jpeg_of_twelve_bits_is_named(tmp_path):
    """No decoder of a licence that suits reads it."""
    transcode(write_series(tmp_path, _smooth(), edit=_with(BitsStored=12, HighBit=11)), "JPEGExtended12Bit")
    with pytest.raises(InputError, match="lossy JPEG of 12 bits") as refused:
        _read(tmp_path)
    assert refused.value.outcome == "compression"


def test_run_length_and_deflated_series(tmp_path):
    write_series(tmp_path, VOLUME)
    first, second, *_ = sorted(tmp_path.iterdir())
    header = pydicom.dcmread(first)
    header.compress(RLELossless, generate_instance_uid=False)
    header.save_as(first)
    header = pydicom.dcmread(second)
    header.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    header.save_as(second)
    np.testing.assert_array_equal(_read(tmp_path)[0], VOLUME)


def test_an_enhanced_file_compressed(tmp_path):
    def edit(header):
        header.compress(RLELossless)

    np.testing.assert_array_equal(_read(write_enhanced(tmp_path, VOLUME, edit=edit))[0], VOLUME)


def test_values_that_may_not_be_hounsfield_units_need_force(tmp_path):
    def without(header, index):
        if index == 2:
            del header.RescaleSlope, header.RescaleIntercept

    for name, edit in (("missing_rescale", without), ("not_hounsfield", _with(RescaleType="MGML"))):
        write_series(tmp_path / name, VOLUME, edit=edit)
        with pytest.raises(InputError, match="HU") as refused:
            _read(tmp_path / name)
        assert refused.value.outcome == name
        values, findings = _read(tmp_path / name, force=True)
        assert findings.forced == [name] and list(findings.warnings) == [name]
        np.testing.assert_array_equal(values[:, :, 2] - VOLUME[:, :, 2], 1024 if edit is without else 0)


REFUSED = {
    "colour": ("colour", _with(PhotometricInterpretation="RGB", SamplesPerPixel=3)),
    "palette": ("colour", _with(PhotometricInterpretation="PALETTE COLOR")),
    "too few bytes": ("undecodable", _with(PixelData=b"\0" * 100)),
    "no pixels": ("undecodable", lambda header, index: delattr(header, "PixelData")),
    "rows lied about": ("truncated", _with(Rows=20000, Columns=30000)),
    "terabytes": ("too_large", _with(Rows=65535, Columns=65535)),
    "slope of zero": ("damaged", _with(RescaleSlope=0)),
}


@pytest.mark.parametrize("what", REFUSED)
def test_pixels_that_cannot_be_had(tmp_path, what):
    outcome, edit = REFUSED[what]
    write_series(tmp_path, VOLUME, edit=edit, skip=(2, 3) if what == "rows lied about" else ())
    with pytest.raises(InputError) as refused:
        _read(tmp_path)
    assert refused.value.outcome == outcome
    assert str(tmp_path) not in str(refused.value)


def test_a_compression_that_is_not_decoded_is_named(tmp_path):
    write_series(tmp_path, VOLUME)
    for path in tmp_path.iterdir():
        header = pydicom.dcmread(path)
        header.PixelData = pydicom.encaps.encapsulate([b"\0" * 20])
        header.file_meta.TransferSyntaxUID = pydicom.uid.MPEG2MPML
        header.save_as(path)
    with pytest.raises(InputError, match="compression .MPEG2.* cannot be decoded") as refused:
        _read(tmp_path)
    assert refused.value.outcome == "compression"


def test_a_slice_cut_off(tmp_path):
    write_series(tmp_path, VOLUME)
    path = sorted(tmp_path.iterdir())[1]
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(InputError, match="0001 cannot be decoded"):
        _read(tmp_path)


def _refused_apart(folder) -> InputError:
    with pytest.raises(InputError) as refused:
        LoadCTd("image")({"image": str(folder)})
    return refused.value


def test_pixels_that_abort_their_codec(tmp_path):
    """GDCM ends the process it runs in on a JPEG 2000 stream whose bit depth is damaged; a fuzz run found this."""
    write_series(tmp_path, VOLUME)
    transcode(tmp_path, "JPEG2000Lossless")
    path = sorted(tmp_path.iterdir())[1]
    content = bytearray(path.read_bytes())
    content[content.index(b"\xff\x4f\xff\x51") + 42] = 255
    path.write_bytes(content)
    refused = _refused_apart(tmp_path)
    assert "0001 cannot be decoded" in str(refused) and refused.outcome == "undecodable"


def test_a_decoder_that_claims_too_much_memory_fails_by_itself(tmp_path):
    """A JPEG 2000 stream of a few bytes that says it is 60000 x 60000 pixels of 16 bits."""
    transcode(write_series(tmp_path, VOLUME), "JPEG2000Lossless")
    path = sorted(tmp_path.iterdir())[1]
    content = bytearray(path.read_bytes())
    sizes = content.index(b"\xff\x4f\xff\x51") + 8
    for place in (sizes, sizes + 16):  # of the image, and of its only tile
        content[place : place + 8] = (60000).to_bytes(4, "big") * 2
    path.write_bytes(content)
    refused = _refused_apart(tmp_path)
    assert "0001 cannot be decoded" in str(refused) and refused.outcome == "undecodable"


def test_what_is_deflated_inflates_to_a_bound(tmp_path, monkeypatch):
    """A file of 100 KB that would inflate to 100 MB is not inflated, also where only its header is read."""
    inflated = []
    real = zlib.decompressobj

    class Watched:
        def __init__(self, *arguments):
            self._inflater = real(*arguments)

        def decompress(self, *arguments):
            inflated.append(len(content := self._inflater.decompress(*arguments)))
            return content

        def __getattr__(self, name):
            return getattr(self._inflater, name)

    monkeypatch.setattr("custom.dicom.decoding.zlib.decompressobj", Watched)
    write_series(tmp_path, VOLUME)
    path = sorted(tmp_path.iterdir())[1]
    header = pydicom.dcmread(path)
    header.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    header.add_new(0x00091010, "OB", bytes(100_000_000))
    header.save_as(path)
    assert path.stat().st_size < 200_000
    with pytest.raises(InputError) as refused:
        _read(tmp_path)
    assert refused.value.outcome in ("missing_slice", "uneven_spacing")
    assert 0 < max(inflated) < 80_000_000
