"""The page a clinician opens: the CT round the chambers in three planes, the surfaces, and what is to be known of them.

`page` puts it together: `words` and `tables` say what was found, `beat` shows the phases, `drawing` packs what NiiVue
draws, out of the installed package ipyniivue. `browser` holds what runs there.
"""

from .beat import Phase
from .drawing import find_viewer, installed
from .frame import Frame
from .page import Page

__all__ = ["Frame", "Page", "Phase", "find_viewer", "installed"]
