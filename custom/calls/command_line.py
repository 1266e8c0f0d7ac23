"""The command line as it was typed.

Fire reads a value as a Python literal where it can, and MONAI takes `$`, `%`, `@` and `#` in it for its own syntax: a
folder 2024_02_20 becomes the number 20240220, `Doe,John` two names, and of `patient #7` a `patient` is left. What was
typed is still in `sys.argv`, and a path that would not arrive as it was typed is refused.
"""

from __future__ import annotations

import ast
import builtins
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fire.parser import DefaultParseValue

from ..inputs import InputError

PATHS = (
    *("input", "output_dir", "dataset_dir", "data_list", "cache_dir", "exported", "bundle_root"),
    *(
        "checkpoint",
        "locator_checkpoint",
        "directions_checkpoint",
        "edges_checkpoint",
        "mitral_checkpoint",
        "aortic_checkpoint",
        "template_checkpoint",
        "parts_checkpoint",
        "error_checkpoint",
        "initial_weights",
        "representation_weights",
        "resume",
    ),
)
"""Keys whose values are paths."""
OF_MONAI = (
    *("run_id", "init_id", "final_id", "meta_file", "config_file", "logging_file", "tracking", "args_file"),
    *("workflow_name", "workflow_type", "properties_path"),
)
"""What `monai.bundle run` takes beside keys of the config."""
_FLAG = re.compile(r"--|-[a-zA-Z]")
_EXPRESSION_NAMES = {*dir(builtins), "monai", "torch", "np", "numpy", "os"}


def typed(arguments: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """The words and the flags of a command line: key to text, `-` in a key as `_`, and "True" where none follows.

    The last of several of one key counts, as Fire has it. Raises InputError where these are paths: all but the last
    would be dropped without a word.
    """
    words: list[str] = []
    flags: dict[str, str] = {}
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        if not _FLAG.match(argument):
            words.append(argument)
            continue
        key, equals, text = argument.lstrip("-").partition("=")
        if not equals:
            text = rest.pop(0) if rest and not _FLAG.match(rest[0]) else "True"
        key = key.replace("-", "_")
        if key in flags and key in PATHS:
            raise InputError(f"{key} is given twice: give several values as one list, \"['a', 'b']\"")
        flags[key] = text
    return words, flags


def runs_a_bundle() -> bool:
    """Whether this process is `python -m monai.bundle ...`; otherwise `sys.argv` is somebody else's."""
    return Path(sys.argv[0]).parts[-3:] == ("monai", "bundle", "__main__.py")


def config_files(text: str) -> list[str]:
    """The files of a typed `config_file`."""
    value = DefaultParseValue(text)
    if isinstance(value, str) and not Path(value).is_file():
        value = value.split(",")
    return [str(file) for file in (value if isinstance(value, (list, tuple)) else [value])]


def check_path(key: str, text: str, config: Mapping[str, Any]) -> None:
    """Refuse, with InputError, a typed path that would arrive as something else."""
    value = DefaultParseValue(text)
    if text.startswith("$"):
        _check_expression(key, text)
    elif text.startswith("@"):
        if re.split("::|#", text[1:])[0] not in config:
            raise InputError(f"{key}: @ at the start means a key of the config: write {_plain(text)}")
    elif isinstance(value, list) or (isinstance(value, tuple) and text.startswith("(")):
        for part in value:
            if not isinstance(part, str):
                raise InputError(f"{key}: {part!r} in the list is no text: write it in quotes, '{part}'")
            check_plain(key, part)
    elif "#" in text:
        raise InputError(f"{key}: {text}: the command line cannot take a path with a # in it: rename it")
    elif value is not None and value != text and text[:1] not in ("'", '"'):
        raise InputError(f"{key}: {text} would be read as {value!r}: write {_plain(text)}")


def check_plain(key: str, text: str) -> None:
    """Refuse, with InputError, a path that MONAI would take for its own syntax."""
    if "#" in text or text[:1] in ("$", "%", "@"):
        raise InputError(f"{key}: {text}: a path here cannot hold # or begin with $, % or @: rename it")


def _check_expression(key: str, text: str) -> None:
    """MONAI evaluates what begins with a dollar sign; a file of such a name is no expression."""
    try:
        tree = ast.parse(re.sub(r"@[\w#:]+", "None", text[1:]).strip(), mode="eval")
        names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
        bound = {node.id for node in names if isinstance(node.ctx, ast.Store)}
        unknown = {node.id for node in names} - bound - _EXPRESSION_NAMES
    except SyntaxError:
        unknown = {text}
    if os.path.lexists(text) or unknown:
        raise InputError(f"{key}: {text} would be evaluated, for it begins with $: write {_plain(text)}")


def _plain(text: str) -> str:
    return f"./{text}"
