"""How well meshes agree with label maps, case by case and system by system: what `evaluate.json` puts together."""

from .cases import Truth, check_evaluation, labelled_images
from .systems import compare_systems, systems_table
from .workflow import conclude

__all__ = ["Truth", "check_evaluation", "compare_systems", "conclude", "labelled_images", "systems_table"]
