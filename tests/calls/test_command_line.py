"""What was typed arrives as it was typed, or the call is refused."""

import sys
from pathlib import Path

import pytest

from custom.calls import check_command_line
from custom.calls.command_line import PATHS, check_path, config_files, typed
from custom.inputs import InputError

CONFIGS = Path(__file__).parents[2] / "bundle" / "configs"


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("2024_02_20", "would be read as 20240220: write ./2024_02_20"),
        ("20240115", "write ./20240115"),
        ("1e5", "write ./1e5"),
        ("0x10", "write ./0x10"),
        ("True", "write ./True"),
        ("Doe,John", "write ./Doe,John"),
        ("(a)", "write ./(a)"),
        ("{a}", "write ./{a}"),
        ("patient #7", "with a # in it: rename it"),
        ("./patient #7", "with a # in it: rename it"),
        ("a@#b", "with a # in it: rename it"),
        ("$x.nii", "write ./$x.nii"),
        ("$", "write ./$"),
        ("@x", "write ./@x"),
        ("['a','$b']", "cannot hold # or begin with"),
        ("['a','b#1']", "cannot hold # or begin with"),
        ("[a,7]", "7 in the list is no text"),
    ],
)
def test_a_path_that_would_arrive_as_something_else_is_refused(text, advice):
    with pytest.raises(InputError) as refusal:
        check_path("input", text, {"dataset_dir": ""})
    assert advice in str(refusal.value) and "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "text",
    [
        *("ct.nii.gz", "./2024_02_20", "./Doe,John", "a.nii,b.nii", "x y", "~/x", "a-b", "007", "a@b", "x=y", "./$x"),
        *("['a','b']", "[a,b]", "('a','b')", "'a'", "None", "@dataset_dir", "$@bundle_root + '/x.pt'"),
        *("$[case for case in @labelled]", "$os.path.join('a', 'b')"),
    ],
)
def test_what_arrives_is_let_through(text):
    check_path("input", text, {"dataset_dir": "", "bundle_root": "", "labelled": []})


def test_an_expression_that_is_a_files_name_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_path("input", "$1", {})
    Path("$1").touch()
    with pytest.raises(InputError, match=r"write \./\$1"):
        check_path("input", "$1", {})


def test_words_and_flags_are_read_as_fire_does():
    words, flags = typed(["run", "inference", "--input", "a b", "--output-dir=x=y", "--force", "-d", "-5", "--amp"])
    assert words == ["run", "inference"]
    assert flags == {"input": "a b", "output_dir": "x=y", "force": "True", "d": "-5", "amp": "True"}
    with pytest.raises(InputError, match="input is given twice"):
        typed(["--input", "a", "--input=b"])


def test_config_files_are_listed_as_monai_does():
    assert config_files("['a.json','b.json']") == config_files("a.json,b.json") == ["a.json", "b.json"]
    assert config_files("a.json") == ["a.json"]


def test_paths_are_keys_of_the_configs():
    known = "".join(path.read_text() for path in CONFIGS.glob("*.json"))
    assert [key for key in PATHS if f'"{key}":' not in known] == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--structurs", "LA"], "there is no key `structurs`; is `structures` meant?"),
        (["--dataloader#num_worker", "1"], None),  # a parameter of a component
        (["--loss#dice", "1"], "there is no key `loss#dice`"),
        (["--output_dir", "2024_02_20"], "output_dir: 2024_02_20 would be read as 20240220"),
        (["--input", "a.nii", "b.nii", "c.nii"], "words that belong to no key: b.nii, c.nii"),
        (["--input", "a.nii", "--input", "b.nii"], "input is given twice"),
        (["--input", "a.nii", "--test_time_augmentation", "[]"], None),
    ],
)
def test_the_command_line_is_checked_against_the_configs(monkeypatch, arguments, sentence):
    program = "/somewhere/monai/bundle/__main__.py"
    config = str(CONFIGS / "inference.json")
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # put back afterwards
    monkeypatch.setattr(sys, "argv", [program, "run", "inference", "--config_file", config, *arguments])
    if sentence is None:
        check_command_line()
        return
    with pytest.raises(InputError) as refusal:
        check_command_line()
    assert sentence in str(refusal.value)


def test_another_programs_arguments_are_not_ours(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["pytest", "--structurs", "a", "b", "c"])
    check_command_line()
