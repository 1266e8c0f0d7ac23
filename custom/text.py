"""Text that is shown: what comes from outside (names of files, values of headers) is made fit for it."""

from __future__ import annotations

import os
from unicodedata import category

RESEARCH_ONLY = "Research only: not for diagnosis or treatment"
"""What every file says that is made for a reader who has no other text at hand."""
SPACE = "Zs"  # Unicode's category
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Beginnings of cells that spreadsheets evaluate."""


def printable(text: str) -> str:
    r"""`text` in one line that steers no terminal: what is not printed stands as Python escapes it.

    That is control characters, line ends, marks of writing direction, and bytes that are no UTF-8, which Python keeps
    in the names of files as lone surrogates: `\n`, `\x1b`, `\u202e`, `\xe9`.
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or category(character) == SPACE else _escaped(character)
        for character in text
    )


def cell(value: object) -> object:
    """A value as a cell of a CSV file: what a spreadsheet would take for a formula gets an apostrophe before it."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _escaped(character: str) -> str:
    try:
        character = os.fsencode(character).decode("latin-1") if category(character) == "Cs" else character
    except UnicodeEncodeError:  # a surrogate that stands for no byte
        pass
    return character.encode("unicode_escape").decode()
