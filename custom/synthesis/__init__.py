"""Generated hearts: a seed becomes a patient, a patient a structure map, a structure map as many scans as wanted."""

from .acquisition import Acquisition, Protocol
from .case import Case, Kind, generate_case
from .workflow import synthesize

__all__ = ["Acquisition", "Case", "Kind", "Protocol", "generate_case", "synthesize"]
