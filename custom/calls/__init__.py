"""Is a call right? Looked at before anything heavy is loaded, for every workflow in the same way.

`command_line` reads what was typed, which Fire and MONAI change before a workflow sees it; `kinds` is the table of what
each key can be; `checking` holds the steps that configs begin with. What they refuse is an InputError, which ends a
process that runs a bundle with one sentence and exit code 2 (`custom.runtime.errors`).
"""

from .checking import check_command_line, check_keys, check_network, check_overrides, check_values

__all__ = ["check_command_line", "check_keys", "check_network", "check_overrides", "check_values"]
