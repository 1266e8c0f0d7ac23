"""The rules by which a series is chosen, at their limits."""

from __future__ import annotations

import numpy as np
import pytest
from dicom_files import write_series

from custom.dicom import read_series
from custom.inputs import Findings


def _series(folder, number: int, slices: int, thickness: float = 2.0, **tags):
    def edit(header, index):
        for tag, value in tags.items():
            setattr(header, tag, value)

    volume = np.zeros((4, 5, slices), np.int16)
    write_series(folder / str(number), volume, series=f"1.2.3.{number}", spacing=(1, 1, thickness), edit=edit)


def _chosen(folder) -> dict:
    return read_series(folder, Findings())[2]


@pytest.mark.parametrize(
    ("slices", "thickness", "whole"),
    [(20, 5.3, True), (19, 6.0, False), (51, 2.0, True), (50, 2.0, False)],
    ids=["20 slices", "19 slices", "100 mm", "98 mm"],
)
def test_a_whole_heart_is_a_hundred_millimetres_in_twenty_slices(tmp_path, slices, thickness, whole):
    _series(tmp_path, 1, slices, thickness)
    assert _chosen(tmp_path)["whole_heart"] is whole


@pytest.mark.parametrize(("percent", "stated"), [(26, True), (24, False)])
def test_a_phase_that_is_not_stated_counts_as_fifty_per_cent_away(tmp_path, percent, stated):
    _series(tmp_path, 1, 6, SeriesDescription=f"{percent} %")
    _series(tmp_path, 2, 6)
    chosen = _chosen(tmp_path)
    assert chosen["chosen_by"] == "phase" and (chosen["series_uid"] == "1.2.3.1") is stated


@pytest.mark.parametrize(("best", "other"), [(75, 77), (74, 77), (70.5, 70)])
def test_the_phase_nearest_to_rest_is_taken(tmp_path, best, other):
    _series(tmp_path, 1, 6, SeriesDescription=f"{other}%")
    _series(tmp_path, 2, 6, SeriesDescription=f"{best} %")
    assert _chosen(tmp_path)["series_uid"] == "1.2.3.2"


def test_a_tag_says_more_of_the_phase_than_the_description(tmp_path):
    _series(tmp_path, 1, 6, SeriesDescription="75 %", NominalPercentageOfCardiacPhase=30)
    _series(tmp_path, 2, 6, SeriesDescription="30 %", NominalPercentageOfCardiacPhase=70)
    assert _chosen(tmp_path)["series_uid"] == "1.2.3.2"


@pytest.mark.parametrize("tag", ["BodyPartExamined", "ProtocolName", "StudyDescription", "SeriesDescription"])
def test_each_description_can_speak_of_the_heart(tmp_path, tag):
    _series(tmp_path, 1, 6)
    _series(tmp_path, 2, 6, **{tag: "HEART"})
    chosen = _chosen(tmp_path)
    assert (chosen["series_uid"], chosen["chosen_by"], chosen["cardiac"]) == ("1.2.3.2", "cardiac", True)


@pytest.mark.parametrize("kind", ["MPR", "MIP", "REFORMATTED", "PROJECTION IMAGE", "SECONDARY"])
def test_what_was_made_of_another_series_is_not_original(tmp_path, kind):
    _series(tmp_path, 1, 6, ImageType=["DERIVED", "PRIMARY", kind])
    assert _chosen(tmp_path)["original"] is False


def test_steps_count_in_tenths_of_a_millimetre(tmp_path):
    _series(tmp_path, 1, 6, thickness=0.62)
    _series(tmp_path, 2, 7, thickness=0.64)
    _series(tmp_path, 3, 6, thickness=0.7)
    chosen = _chosen(tmp_path)
    assert (chosen["series_uid"], chosen["chosen_by"]) == ("1.2.3.2", "slices")
    assert [other["series_uid"] for other in chosen["alternatives"]] == ["1.2.3.1", "1.2.3.3"]


def test_a_single_slice_is_taken_only_where_there_is_nothing_else(tmp_path):
    _series(tmp_path, 1, 1, ContrastBolusAgent="agent")
    _series(tmp_path, 2, 2)
    chosen = _chosen(tmp_path)
    assert (chosen["series_uid"], chosen["chosen_by"], chosen["slices"]) == ("1.2.3.2", "only_candidate", 2)


def test_the_choice_is_described_by_number_and_size(tmp_path):
    _series(tmp_path, 1, 6, SeriesNumber=7)
    _series(tmp_path, 2, 6)
    chosen = _chosen(tmp_path)
    assert (chosen["series_number"], chosen["size"], chosen["alternatives"][0]["series_number"]) == (0, [4, 5], 7)
