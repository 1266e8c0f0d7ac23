"""Which volumes of a DICOM folder are the phases of a heart beat."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_files import write_enhanced, write_series

from custom.dicom import list_phases, read_slices
from custom.inputs import Findings, InputError

VOLUME = np.random.default_rng(0).integers(-100, 300, (8, 7, 6)).astype(np.int16)


def _one_series(folder: Path, *tags: dict) -> Path:
    """Phases of one series, each with its tags; their files lie side by side."""
    for index, values in enumerate(tags):

        def edit(header, place, values=values, index=index):
            header.StudyInstanceUID = "1.2.3"
            for tag, value in values.items():
                setattr(header, tag, value(place) if callable(value) else value)

        write_series(folder / f"part{index}", VOLUME + index, series="1.2.3.4", edit=edit)
    return folder


def _study(folder: Path, *tags: dict) -> Path:
    for index, values in enumerate(tags):

        def edit(header, _, values=values, index=index):
            header.StudyInstanceUID, header.SeriesNumber = "1.2.3", index + 1
            for tag, value in values.items():
                setattr(header, tag, value)

        write_series(folder / f"series{index}", VOLUME + index, series=f"1.2.3.{index + 1}", edit=edit)
    return folder


def _listed(folder: Path, **arguments) -> tuple[list[float], Findings]:
    """Percentages of the phases, whose slices are checked to be all of one volume; and what was noted."""
    findings = Findings()
    phases = list_phases(folder, findings, **arguments)
    for _, places, choice in phases:
        values = read_slices(places, choice, Findings()).values
        offsets = np.unique(values.astype(int) - VOLUME)
        assert values.shape == VOLUME.shape and len(offsets) == 1
    return [percent for percent, _, _ in phases], findings


def _after(seconds: float) -> str:
    return f"1159{30 + seconds:09.6f}"


def test_one_series_is_sorted_by_what_tells_its_phases_apart(tmp_path):
    percents = ({"NominalPercentageOfCardiacPhase": value} for value in (60, 0, 30))
    assert _listed(_one_series(tmp_path / "percent", *percents))[0] == [0, 30, 60]
    triggers = ({"TriggerTime": value, "NominalInterval": 1000} for value in (0, 700, 350))
    assert _listed(_one_series(tmp_path / "trigger", *triggers))[0] == [0, 35, 70]
    unknown = ({"TriggerTime": value} for value in (0, 600, 300))
    found, findings = _listed(_one_series(tmp_path / "no interval", *unknown))
    assert found == pytest.approx([0, 100 / 3, 200 / 3]) and "taken as 900 ms" in findings.warnings["beat_assumed"]
    counted = ({"TemporalPositionIdentifier": value} for value in (2, 1))
    found, findings = _listed(_one_series(tmp_path / "counted", *counted))
    assert found == [0, 50] and "phases_assumed" in findings.warnings


def test_times_of_acquisition_alone_suffice(tmp_path):
    """At each place the order of the times, which drift along the patient, is that of the phases."""
    times = ({"AcquisitionTime": lambda place, k=k: _after(0.2 * k + 1.5 * place), "HeartRate": 60} for k in (2, 0, 1))
    assert _listed(_one_series(tmp_path, *times))[0] == pytest.approx([0, 20, 40])


def test_an_enhanced_file_of_several_phases(tmp_path):
    write_enhanced(tmp_path, VOLUME, phases=(70, 30))
    assert _listed(tmp_path)[0] == [30, 70]


def test_a_study_is_sorted_and_what_is_no_phase_is_passed_over(tmp_path):
    smooth = [{"SeriesDescription": f"CTA {value} %", "ConvolutionKernel": "B26f"} for value in (80, 5, 40)]
    _study(tmp_path, *smooth, {"SeriesDescription": "CTA 40 %", "ConvolutionKernel": "B46f"})
    write_series(
        tmp_path / "scout", VOLUME, series="1.2.9", edit=lambda header, _: header.ImageType.append("LOCALIZER")
    )
    found, findings = _listed(tmp_path)
    assert found == [5, 40, 80]
    assert list(findings.warnings) == ["phases_in_series"]
    numbers = [choice["series_number"] for _, _, choice in list_phases(tmp_path, Findings())]
    assert numbers == [2, 3, 1]


@pytest.mark.parametrize(
    ("outcome", "tags"),
    [
        ("doubled_phase", [{"SeriesDescription": f"CTA {value} %"} for value in (80, 40, 40)]),
        ("unknown_phase", [{"SeriesDescription": "CTA"}] * 2),
        ("one_phase", [{"SeriesDescription": "CTA 75 %"}]),
    ],
)
def test_a_study_that_is_no_beat_is_refused(tmp_path, outcome, tags):
    with pytest.raises(InputError) as refused:
        list_phases(_study(tmp_path, *tags), Findings())
    assert refused.value.outcome == outcome


@pytest.mark.parametrize(
    "tags",
    [
        [{"AcquisitionNumber": k + 1, "AcquisitionTime": _after(2.0 * k)} for k in range(3)],
        [{"AcquisitionTime": _after(1.5 * k)} for k in range(3)],
        [{"TriggerTime": 1100 * k} for k in range(3)],
    ],
    ids=["acquisitions", "times only", "triggers"],
)
def test_a_scan_over_seconds_is_no_beat(tmp_path, tags):
    folder = _one_series(tmp_path, *tags)
    with pytest.raises(InputError, match="bolus or perfusion") as refused:
        list_phases(folder, Findings())
    assert refused.value.outcome == "no_beat"
    forced = Findings(force=True)
    assert len(list_phases(folder, forced)) == 3 and forced.forced == ["no_beat"]


def test_a_missing_slice_is_refused_in_its_phase(tmp_path):
    folder = _one_series(tmp_path, *({"NominalPercentageOfCardiacPhase": value} for value in (0, 50)))
    gone = next(
        path for path in (folder / "part1").iterdir() if abs(pydicom.dcmread(path).ImagePositionPatient[2] - 54) < 0.1
    )
    gone.unlink()
    with pytest.raises(InputError):
        for _, places, choice in list_phases(folder, Findings()):
            read_slices(places, choice, Findings())
