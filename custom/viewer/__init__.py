"""The page a clinician opens: the CT round the chambers in three planes, the surfaces, and what is to be known of them.

`page` makes it, of `page.html`, `page.css` and `page.js`. What draws is NiiVue, out of the installed package ipyniivue.
"""

from .frame import Frame
from .page import Page, find_viewer, installed

__all__ = ["Frame", "Page", "find_viewer", "installed"]
