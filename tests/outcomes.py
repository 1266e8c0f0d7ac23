"""What the user finds after a run that did not go its way: `python tests/outcomes.py` prints the table.

Each line names the test that shows it. `bundle/docs/outcomes.md` keeps the table.
"""

from __future__ import annotations

from typing import NamedTuple


class Outcome(NamedTuple):
    """One thing that can happen to a run."""

    what: str
    code: str
    """Exit code."""
    left: str
    """What is found afterwards."""
    test: str
    """File below tests/, and function."""


OUTCOMES = (
    Outcome(
        "Ctrl-C, SIGTERM or SIGHUP (not after `nohup`)",
        "130, 143 or 129",
        "one sentence. Cases that were done are whole; of the one under way there is nothing. The summary lists it and "
        "those after it as `not done` (`interrupted`); `--skip_existing True` does these",
        "inference/test_endings.py::test_a_signal_ends_the_run_with_a_sentence_and_a_summary",
    ),
    Outcome(
        "the same while a case's files are written",
        "as above",
        "that case is whole and `done`",
        "inference/test_endings.py::test_a_signal_while_files_are_written_waits_until_they_are_whole",
    ),
    Outcome(
        "the same while a zip is read",
        "as above",
        "nothing of its content",
        "inference/test_endings.py::test_a_signal_while_a_zip_is_read_leaves_nothing_of_it",
    ),
    Outcome(
        "the same signal twice within a second, as `timeout` sends it",
        "as above",
        "as after one",
        "inference/test_endings.py::test_a_signal_that_comes_twice_at_once_is_one",
    ),
    Outcome(
        "a second signal, later",
        "that of the signal",
        "as after `kill -9`",
        "inference/test_endings.py::test_a_second_signal_ends_at_once",
    ),
    Outcome(
        "a signal in an evaluation",
        "as above",
        "the summary as above; measures of an earlier evaluation as they were, and no new ones",
        "evaluation/test_evaluation_workflow.py::"
        "test_neither_a_signal_nor_another_program_s_file_costs_what_was_measured_before",
    ),
    Outcome(
        "a signal in a training",
        "as above",
        "after the step under way `checkpoint.pt`, with which `--resume` goes on to the bit",
        "training/test_resuming.py::test_training_goes_on_where_it_stopped",
    ),
    Outcome(
        "a signal in `synthesize`",
        "as above",
        "the cases in `patients.csv`, whole, and no others",
        "synthesis/test_case.py::test_a_signal_leaves_whole_cases_and_their_table",
    ),
    Outcome(
        "`kill -9`, the system's own killing where memory runs out, a power cut",
        "137",
        "no summary. Cases that were done are whole. Of one that was being written there may be files without a "
        "report, or `.NAME.part` and `.NAME.lock`: the next run of it removes them",
        "inference/writing/test_files.py::test_killed_at_any_moment_nothing_is_partial_and_the_next_run_completes",
    ),
    Outcome(
        "one process of `torchrun` is killed",
        "1 (of `torchrun`)",
        "`torchrun` ends the others, and these write the summary: what any of them has done is `done`, the rest "
        "`not done`",
        "inference/test_endings.py::test_a_process_of_torchrun_that_is_killed_leaves_a_summary",
    ),
    Outcome(
        "the folder for the outputs is removed meanwhile",
        "1",
        "it is not made anew: all cases `failed` (`outputs_gone`, or `folder_gone` where they were not written yet)",
        "inference/test_endings.py::test_a_case_whose_files_are_gone_is_never_done",
    ),
    Outcome(
        "a file of a case that was done is removed meanwhile",
        "1",
        "that case `failed` (`outputs_gone`)",
        "inference/test_endings.py::test_a_file_that_is_gone_fails_its_case",
    ),
    Outcome(
        "the disk is full, or its file system becomes read-only",
        "1",
        "the case `failed` (`disk_full`, `read_only`); files of an earlier run as they were",
        "inference/writing/test_files.py::test_a_full_and_a_read_only_disk_are_named_and_keep_what_was_there",
    ),
    Outcome(
        "a case takes more memory than its process can have",
        "1",
        "that case `failed`, the others done",
        "inference/test_endings.py::test_a_case_that_takes_all_memory_costs_itself",
    ),
    Outcome(
        "the preview cannot be drawn",
        "0",
        "the case without it; the report says so (`no_preview`)",
        "inference/test_endings.py::test_a_preview_that_cannot_be_drawn_costs_no_case",
    ),
    Outcome(
        "an output's name is that of an input of the call, or outputs would come among the slices of a series",
        "2",
        "all as it was",
        "inference/writing/test_outputs.py::test_an_output_that_is_an_input_ends_the_call_before_anything_is_done",
    ),
    Outcome(
        "a file that no earlier run's report lists stands in an output's place",
        "1",
        "it stays, and the case is refused before any work (`in_the_way`), unless with `--overwrite True`",
        "inference/writing/test_outputs.py::test_a_case_with_something_in_its_way_is_refused_by_name_before_the_work",
    ),
    Outcome(
        "the same in the summary's place",
        "2",
        "all as it was",
        "inference/writing/test_outputs.py::test_the_summary_takes_no_other_file_s_place",
    ),
    Outcome(
        "an earlier report is damaged",
        "0",
        "it counts as none and is replaced; the files that it listed are in the way",
        "inference/writing/test_outputs.py::test_odd_reports_stop_no_batch",
    ),
    Outcome(
        "a name is too long for its outputs",
        "1",
        "the case is refused before any work (`name_too_long`)",
        "inference/writing/test_outputs.py::test_a_name_too_long_for_its_outputs_is_refused_before_the_work",
    ),
    Outcome(
        "two runs write the same case at once",
        "0",
        "all its files are those of one of them",
        "inference/writing/test_files.py::test_several_runs_of_one_case_at_once_all_end_well",
    ),
    Outcome(
        "standard output or error is closed",
        "as without",
        "nothing is said, all is written",
        "inference/test_endings.py::test_closed_standard_streams_change_nothing_but_what_is_said",
    ),
)

HEAD = """# What is left after an interrupted or failed run

Printed by `python tests/outcomes.py`. Each line has a test of its own. The files of a case appear together or not at
all, and its report last: if `NAME_report.json` exists, everything that it lists is complete. Inputs are never written.

| what happens | exit code | what is found afterwards |
|---|---|---|"""


def main() -> None:
    print(HEAD)
    for outcome in OUTCOMES:
        print(f"| {outcome.what} | {outcome.code} | {outcome.left} |")


if __name__ == "__main__":
    main()
