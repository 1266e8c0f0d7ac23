"""Generated hearts: a seed becomes a patient, a patient a structure map, a structure map as many scans as wanted.

Numbers come from `distributions`: who a patient is (`population`), each parameter drawn from a stream of its own
(`streams`), so that a new one changes no other. `layout` says where the parts of the heart lie; on it `heart` puts
their shapes, implicit functions in mm (`shapes`), with `ventricle`, `left_atrium`, `arteries`, `right_heart`,
`caval_veins` and `coronaries`; valves are `annulus` and `semilunar`. `chest` is what lies round it. `painting.paint`
paints them on a `canvas`, what is painted first stays:

================ ======================================================================================================
`left_heart`     what decides the labels: aorta, left ventricle and atrium, myocardium, pulmonary veins
`right_chambers` right ventricle, right atrium and pulmonary trunk
`mediastinum`    great vessels, oesophagus, airways, fat
`thorax`         spine, ribs and sternum; `lungs`, `abdomen` and `body` what lies round them
`devices`        leads, valves, stents, wires
================ ======================================================================================================

`structures` names what is painted, and which of it is labelled; `truth` knows the landmarks. A scan begins with an
`acquisition`, drawn from a protocol: `tissue` gives each structure its HU, `scanner` makes the image, `artefacts` what
goes wrong in it, with the noise of `random_fields`. `case` is a whole examination, `beating` the patient at any moment
of a beat; `workflow` writes many, `dicom_series` one as DICOM, `contact_sheet` a picture of all; `transforms` makes
training data of seeds.
"""

from .acquisition import Acquisition, Protocol
from .case import Case, Kind, generate_case
from .workflow import synthesize

__all__ = ["Acquisition", "Case", "Kind", "Protocol", "generate_case", "synthesize"]
