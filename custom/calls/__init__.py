"""Is a call right? Looked at before anything heavy is loaded, for every workflow in the same way.

`command_line` reads what was typed, which Fire and MONAI change before a workflow sees it; `kinds` is the table of what
each key can be; `checking` holds the steps that configs begin with, each of which ends a wrong call with one sentence
and exit code 2. From Python the same checks raise InputError.
"""

from .checking import check_call, check_command_line, check_network, check_overrides, check_values, exits_with_2, fit

__all__ = [
    "check_call",
    "check_command_line",
    "check_network",
    "check_overrides",
    "check_values",
    "exits_with_2",
    "fit",
]
