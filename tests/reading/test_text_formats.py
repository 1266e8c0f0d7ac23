"""NRRD and MetaImage: read as SimpleITK reads them, or refused; and nothing but what was meant is opened."""

from __future__ import annotations

import gzip
import itertools
import os
import zlib
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pytest
import SimpleITK

from custom.frames import affine_of_lps
from custom.inputs import Findings, InputError
from custom.reading.ct import read_ct, read_volume

VOLUME = np.random.default_rng(0).integers(-1000, 1000, (5, 4, 3))
TYPES = {
    **{"i1": ("signed char", "MET_CHAR"), "u1": ("uchar", "MET_UCHAR"), "i2": ("short", "MET_SHORT")},
    **{"u2": ("unsigned short", "MET_USHORT"), "i4": ("int", "MET_INT"), "u4": ("uint32", "MET_UINT")},
    **{"i8": ("long long", "MET_LONG_LONG"), "u8": ("uint64_t", "MET_ULONG_LONG")},
    **{"f4": ("float", "MET_FLOAT"), "f8": ("double", "MET_DOUBLE")},
}
AXES = np.array([[-0.9, 0.2, 0], [0.1, 0, 1.5], [0, -1.1, 0.3]])  # LPS, column k the step along axis k
ORIGIN = (10.5, -20.0, 1e-3)


def _nrrd(**fields) -> bytes:
    steps = " ".join(f"({','.join(map(str, step))})" for step in AXES.T)
    known = {
        "type": "short",
        "dimension": "3",
        "space": "left-posterior-superior",
        "sizes": "5 4 3",
        "space directions": steps,
        "kinds": "domain domain domain",
        "endian": "little",
        "encoding": "raw",
        "space origin": f"({','.join(map(str, ORIGIN))})",
    }
    fields = {**known, **{name.replace("_", " "): value for name, value in fields.items()}}
    lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return ("\n".join(["NRRD0005", "# a comment", *lines, "key:=value"]) + "\n\n").encode()


def _meta(**fields) -> bytes:
    spacing = np.linalg.norm(AXES, axis=0)
    known = {
        "ObjectType": "Image",
        "NDims": "3",
        "BinaryData": "True",
        "TransformMatrix": " ".join(map(str, (AXES / spacing).T.ravel())),
        "Offset": " ".join(map(str, ORIGIN)),
        "CenterOfRotation": "0 0 0",
        "AnatomicalOrientation": "RAI",
        "ElementSpacing": " ".join(map(str, spacing)),
        "DimSize": "5 4 3",
        "ElementType": "MET_SHORT",
        "ElementDataFile": "LOCAL",
    }
    fields = {**known, **fields, "ElementDataFile": fields.get("ElementDataFile", "LOCAL")}
    fields["ElementDataFile"] = fields.pop("ElementDataFile")  # the last
    return "".join(f"{name} = {value}\n" for name, value in fields.items() if value is not None).encode()


def _bytes(dtype: str = "<i2", values: np.ndarray = VOLUME) -> bytes:
    return values.astype(dtype).tobytes(order="F")


def _read(path: Path, force: bool = False, **arguments) -> tuple[np.ndarray, np.ndarray]:
    facts, values = (read_ct if arguments else read_volume)(str(path), Findings(force), **arguments)
    return values.T, np.array(facts["affine"])


def _refused(path: Path, outcome: str, match: str) -> None:
    with pytest.raises(InputError, match=match) as refused:
        _read(path)
    assert refused.value.outcome == outcome, refused.value
    assert str(path.parent) not in str(refused.value)


def _as_itk(path: Path) -> None:
    """`path` is read as by SimpleITK."""
    image = SimpleITK.ReadImage(path)
    expected = SimpleITK.GetArrayFromImage(image).T.astype(np.float32)
    axes = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    values, affine = _read(path)
    np.testing.assert_array_equal(values, expected)
    np.testing.assert_allclose(affine, affine_of_lps(axes, np.array(image.GetOrigin())), atol=1e-6)


def _orthogonal(order, signs) -> np.ndarray:
    """Axes (3, 3) in one of the 48 orders and directions, turned a little, each of another spacing."""
    turn = np.array([[np.cos(0.1), 0, np.sin(0.1)], [0, 1, 0], [-np.sin(0.1), 0, np.cos(0.1)]])
    return turn[:, order] * np.array(signs) * (0.5, 1.25, 2)


@pytest.mark.parametrize("space", ["left-posterior-superior", "RAS", "left-anterior-superior", "LPS"])
def test_nrrd_of_all_axis_orders(tmp_path, space):
    for order, signs in itertools.product(itertools.permutations(range(3)), itertools.product((1, -1), repeat=3)):
        steps = " ".join(f"( {','.join(map(str, step))} )" for step in _orthogonal(order, signs).T)
        (tmp_path / "ct.nrrd").write_bytes(_nrrd(space=space, space_directions=steps) + _bytes())
        _as_itk(tmp_path / "ct.nrrd")


def test_meta_images_of_all_axis_orders(tmp_path):
    for order, signs in itertools.product(itertools.permutations(range(3)), itertools.product((1, -1), repeat=3)):
        axes = _orthogonal(order, signs)
        spacing = np.linalg.norm(axes, axis=0)
        matrix, sizes = (" ".join(map(str, values)) for values in ((axes / spacing).T.ravel(), spacing))
        (tmp_path / "ct.mha").write_bytes(_meta(TransformMatrix=matrix, ElementSpacing=sizes) + _bytes())
        _as_itk(tmp_path / "ct.mha")


@pytest.mark.parametrize("kind", TYPES)
def test_types_byte_orders_and_compressions(tmp_path, kind):
    for end, packed in itertools.product(("little", "big"), (False, True)):
        content = _bytes(
            {"little": "<", "big": ">"}[end] + kind, np.abs(VOLUME) // 8 if kind[0] == "u" else VOLUME // 8
        )
        header = _nrrd(type=TYPES[kind][0], endian=end, encoding="gzip" if packed else "raw")
        (tmp_path / "ct.nrrd").write_bytes(header + (gzip.compress(content) if packed else content))
        _as_itk(tmp_path / "ct.nrrd")
        data = zlib.compress(content) if packed else content
        size = {"CompressedDataSize": str(len(data))} if packed else {}
        msb, flag = str(end == "big"), str(packed)
        header = _meta(ElementType=TYPES[kind][1], BinaryDataByteOrderMSB=msb, CompressedData=flag, **size)
        (tmp_path / "ct.mha").write_bytes(header + data)
        _as_itk(tmp_path / "ct.mha")


SYNONYMS = {
    "Position": {"Offset": None, "Position": "1 2 3"},
    "Origin": {"Offset": None, "Origin": "1 2 3"},
    "Rotation": {"TransformMatrix": None, "Rotation": "0 1 0 -1 0 0 0 0 1"},
    "Orientation": {"TransformMatrix": None, "Orientation": "0 1 0 -1 0 0 0 0 1"},
    "ElementByteOrderMSB": {"ElementByteOrderMSB": "False"},
    "what ITK adds": {"ITK_InputFilterName": "NrrdImageIO", "0008|0060": "CT", "Modality": "MET_MOD_CT"},
    "a long": {"ElementType": "MET_LONG", "DimSize": "5 2 3"},
    "no matrix": {"TransformMatrix": None},
    "centre of rotation": {"CenterOfRotation": "5 6 7"},
}


@pytest.mark.parametrize("fields", SYNONYMS.values(), ids=SYNONYMS.keys())
def test_what_meta_images_say_in_several_ways(tmp_path, fields):
    (tmp_path / "ct.mha").write_bytes(_meta(**fields) + _bytes())
    _as_itk(tmp_path / "ct.mha")


def test_voxels_in_a_file_beside_the_header(tmp_path):
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "ct.raw").write_bytes(b"skipped" + _bytes())
    for name, header in (
        ("ct.nhdr", _nrrd(data_file="below/ct.raw", byte_skip="7")),
        ("ct.nhdr", _nrrd(datafile="./below/ct.raw", byteskip="-1")),
        ("ct.mhd", _meta(ElementDataFile="below/ct.raw", HeaderSize="7")),
        ("ct.mhd", _meta(ElementDataFile="below/ct.raw", HeaderSize="-1")),
    ):
        (tmp_path / name).write_bytes(header)
        _as_itk(tmp_path / name)
    (tmp_path / "ct.raw").write_bytes(b"one\ntwo\n" + gzip.compress(_bytes()))
    (tmp_path / "ct.nhdr").write_bytes(_nrrd(data_file="ct.raw", line_skip="2", encoding="gz"))
    np.testing.assert_array_equal(_read(tmp_path / "ct.nhdr")[0], VOLUME)


ELSEWHERE = {
    "as it is": b"ElementDataFile = %s",
    "an empty line before": b"\nElementDataFile = %s",
    "a colon": b"ElementDataFile: %s",
    "form feeds": b"\f\fElementDataFile = %s",
    "on two lines": b"ElementDataFile\n= %s",
    "an empty value before": b"ElementDataFile =\n%s",
    "much before it": b"Comment = x\n" * 8000 + b"ElementDataFile = %s",
    "a list": b"ElementDataFile = LIST\n%s",
    "a list of planes": b"ElementDataFile = LIST 2\n%s\n%s\n%s",
    "small letters": b"elementdatafile = %s",
    "twice": b"ElementDataFile = LOCAL\nElementDataFile = %s",
    "a pattern": b"ElementDataFile = %s%%d 1 3 1",
}
ELSEWHERE_NRRD = {
    "as it is": b"data file: %s",
    "no space": b"data file:%s",
    "tabs": b"\tdata file: %s",
    "much before it": b"# x\n" * 20000 + b"datafile: %s",
    "a list": b"data file: LIST\n%s",
    "a list of planes": b"data file: LIST 3\n%s",
    "capitals": b"DATA FILE: %s",
    "a pattern": b"data file: %s.%%d 1 3 1",
    "a carriage return": b"\rdata file: %s",
}


@pytest.mark.parametrize("zipped", [False, True], ids=["a file", "a zip"])
@pytest.mark.parametrize("name", ["absolute", "up", "link", "linked folder"])
@pytest.mark.parametrize(
    "line",
    [(".mhd", line) for line in ELSEWHERE.values()] + [(".nhdr", line) for line in ELSEWHERE_NRRD.values()],
    ids=[*ELSEWHERE, *(f"NRRD, {what}" for what in ELSEWHERE_NRRD)],
)
def test_no_header_opens_another_patients_file(tmp_path, line, name, zipped, monkeypatch):
    other = tmp_path / "other" / "patient.raw"
    other.parent.mkdir()
    other.write_bytes(_bytes())
    case = tmp_path / "case"
    case.mkdir()
    (case / "link.raw").symlink_to(other)
    (case / "linked").symlink_to(other.parent)
    names = {
        "absolute": str(other),
        "up": "../other/patient.raw",
        "link": "link.raw",
        "linked folder": "linked/patient.raw",
    }
    suffix, line = line
    said = line.replace(b"%s", names[name].encode()).replace(b"%%", b"%")
    header = _nrrd()[:-1] if suffix == ".nhdr" else b"\n".join(_meta().split(b"\n")[:-2]) + b"\n"
    path = case / f"ct{suffix}"
    path.write_bytes(header + said + b"\n")
    if zipped:
        with ZipFile(tmp_path / "ct.zip", "w", ZIP_DEFLATED) as archive:
            archive.write(path, path.name)
        path = tmp_path / "ct.zip"
    opened = []
    real = open
    monkeypatch.setattr(
        "builtins.open", lambda file, *rest, **options: opened.append(file) or real(file, *rest, **options)
    )
    with pytest.raises(InputError) as refused:
        read_ct(str(path), Findings(force=True))
    assert refused.value.outcome in ("outside", "no_voxels", "unreadable", "truncated")
    assert not [file for file in opened if os.path.realpath(file) == str(other)]


def test_voxels_in_what_is_no_regular_file(tmp_path):
    os.mkfifo(tmp_path / "pipe.raw")
    (tmp_path / "ct.mhd").write_bytes(_meta(ElementDataFile="pipe.raw"))
    _refused(tmp_path / "ct.mhd", "no_voxels", "not beside it")
    (tmp_path / "ct.nhdr").write_bytes(_nrrd(data_file="pipe.raw"))
    _refused(tmp_path / "ct.nhdr", "no_voxels", "not beside it")


UNREAD_NRRD = {
    "ascii": ({"encoding": "ascii"}, "compression", "encoded"),
    "hex": ({"encoding": "hex"}, "compression", "hex"),
    "bzip2": ({"encoding": "bzip2"}, "compression", "bzip2"),
    "an unknown encoding": ({"encoding": "DOE^JOHN"}, "compression", "unknown"),
    "blocks": ({"type": "block"}, "data_type", "type of numbers"),
    "no byte order": ({"endian": None}, "unreadable", "`endian`"),
    "too few sizes": ({"sizes": "5 4"}, "unreadable", "`sizes`"),
    "a field twice": ({"dimension": "3\ndimension: 3"}, "unreadable", "`dimension` twice"),
    "too few directions": ({"space_directions": "(1,0,0) (0,1,0)"}, "unreadable", "`space directions`"),
    "text among directions": ({"space_directions": "(1,0,0) x (0,1,0) (0,0,1)"}, "unreadable", "`space directions`"),
    "an unknown field": ({"nonsense": "1"}, "unreadable", "none of NRRD"),
    "metres": ({"space_units": '"m" "m" "m"'}, "units", "not mm"),
}
UNREAD_META = {
    "text": ({"BinaryData": "False"}, "compression", "text"),
    "an unknown type": ({"ElementType": "MET_OTHER"}, "data_type", "type of numbers"),
    "channels": ({"ElementNumberOfChannels": "3"}, "colour", "several values"),
    "a truth of its own": ({"CompressedData": "perhaps"}, "unreadable", "`CompressedData`"),
    "a skip of half a byte": ({"HeaderSize": "0.5"}, "unreadable", "`HeaderSize` is not a whole number"),
    "skips in each slice": ({"HeaderSizePerSlice": "4"}, "unreadable", "HeaderSizePerSlice"),
    "a slope": ({"ElementToIntensityFunctionSlope": "2"}, "unreadable", "Slope"),
    "no mesh": ({"ObjectType": "Mesh"}, "other_kind", "no image"),
    "two places": ({"Position": "1 2 3"}, "unreadable", "`Offset` twice"),
}


@pytest.mark.parametrize("what", UNREAD_NRRD)
def test_nrrd_that_is_not_read_is_named(tmp_path, what):
    fields, outcome, match = UNREAD_NRRD[what]
    (tmp_path / "ct.nrrd").write_bytes(_nrrd(**fields) + _bytes())
    _refused(tmp_path / "ct.nrrd", outcome, match)


@pytest.mark.parametrize("what", UNREAD_META)
def test_meta_images_that_are_not_read_are_named(tmp_path, what):
    fields, outcome, match = UNREAD_META[what]
    (tmp_path / "ct.mha").write_bytes(_meta(**fields) + _bytes())
    _refused(tmp_path / "ct.mha", outcome, match)


def _sequence(list_axis: int, kind: str = "list") -> tuple[bytes, np.ndarray]:
    """Two volumes as 3D Slicer writes a sequence, the list along any axis; the volumes (2, 12, 10, 8)."""
    volumes = np.stack([np.random.default_rng(seed).integers(-1000, 1000, (12, 10, 8)) for seed in (1, 2)])
    sizes, kinds = [12, 10, 8], ["domain"] * 3
    steps = [f"({','.join(map(str, step))})" for step in AXES.T]
    for values, new in ((sizes, 2), (kinds, kind), (steps, "none")):
        values.insert(list_axis, new)
    header = _nrrd(
        dimension="4", sizes=" ".join(map(str, sizes)), kinds=" ".join(kinds), space_directions=" ".join(steps)
    )
    header = header.replace(b"key:=value", b"axis 0 index type:=numeric\naxis 0 index values:=0 1")
    return header + np.moveaxis(volumes, 0, list_axis).astype("<i2").tobytes(order="F"), volumes


@pytest.mark.parametrize("list_axis", range(4))
def test_a_sequence_of_slicer_is_several_volumes(tmp_path, list_axis):
    content, volumes = _sequence(list_axis)
    path = tmp_path / "ct.seq.nrrd"
    path.write_bytes(content)
    _refused(path, "phases", "2 volumes: set `phase` to one of 1 to 2")
    for phase in (1, 2):
        values, affine = _read(path, phase=phase)
        np.testing.assert_array_equal(values, volumes[phase - 1])
        np.testing.assert_allclose(affine, affine_of_lps(AXES, np.array(ORIGIN)), atol=1e-9)


@pytest.mark.parametrize("kind", ["vector", "RGB-color", "complex", "2-vector", "covariant-vector"])
def test_vectors_are_no_sequence(tmp_path, kind):
    (tmp_path / "ct.nrrd").write_bytes(_sequence(0, kind)[0])
    _refused(tmp_path / "ct.nrrd", "colour", "several values a voxel")
