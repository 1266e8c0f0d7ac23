"""A page in a notebook."""

from __future__ import annotations

from html import escape


class Frame:
    """What notebooks display of a page: a frame that may run its scripts and nothing else.

    Args:
        page: HTML in UTF-8.
        height: of the frame, pixels.
    """

    def __init__(self, page: bytes, height: int) -> None:
        self.page = page
        self.height = height

    def _repr_html_(self) -> str:
        document = escape(self.page.decode())
        return f'<iframe srcdoc="{document}" sandbox="allow-scripts" width="100%" height="{self.height}"></iframe>'
