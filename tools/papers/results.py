"""What runs of the tests found, from pytest's JUnit files: outcomes without times, so that the papers stay the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

ORDER = ("failed", "passed", "skipped")
"""The worst first: of a test with several sets of values, and of several runs."""
NOT_RUN = "not run"


class Results:
    """Outcomes of tests by their names, `tests/a/test_b.py::test_c`, values in brackets left out."""

    def __init__(self, files: Iterable[Path]) -> None:
        self._of: dict[str, list[str]] = defaultdict(list)
        for file in files:
            for case in ElementTree.parse(file).iter("testcase"):
                name = f"{case.attrib['classname'].replace('.', '/')}.py::{case.attrib['name'].split('[')[0]}"
                self._of[name].append(_outcome(case))

    def outcome(self, test: str) -> str:
        """`passed` if it passed with all its values, else the worst of `ORDER`, or `not run`.

        Values that were skipped do not count where others passed.
        """
        found = self._of.get(test, [])
        return next((outcome for outcome in ORDER if outcome in found), NOT_RUN)

    def counts(self) -> dict[str, dict[str, int]]:
        """Of each file of tests, how many had each outcome."""
        counted: dict[str, dict[str, int]] = {}
        for name in sorted(self._of):
            row = counted.setdefault(name.split("::")[0], dict.fromkeys(ORDER, 0))
            for outcome in self._of[name]:
                row[outcome] += 1
        return counted


def _outcome(case: ElementTree.Element) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"
