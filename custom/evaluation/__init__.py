"""How well meshes agree with label maps, case by case and method by method: what `evaluate.json` puts together."""

from .cases import Truth, check_evaluation, labelled_images
from .comparison import compare_methods, methods_table
from .workflow import conclude

__all__ = ["Truth", "check_evaluation", "compare_methods", "conclude", "labelled_images", "methods_table"]
