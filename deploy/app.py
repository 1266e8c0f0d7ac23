"""A MONAI Deploy application: a DICOM study to Encapsulated STL, DICOM SEG, SR, a page, STL, VTK and a report.

The App SDK's operators load the study and select the series. Reading, predicting and writing are the bundle's own
inference, which the model path holds unpacked: it checks the series' geometry and keeps the study's identity.
"""

from __future__ import annotations

import json
from pathlib import Path

from monai.bundle import run
from monai.deploy.conditions import CountCondition
from monai.deploy.core import (
    AppContext,
    Application,
    ExecutionContext,
    Fragment,
    InputContext,
    Operator,
    OperatorSpec,
    OutputContext,
)
from monai.deploy.operators.dicom_data_loader_operator import DICOMDataLoaderOperator
from monai.deploy.operators.dicom_series_selector_operator import DICOMSeriesSelectorOperator

RULES = {"selections": [{"name": "CT", "conditions": {"Modality": "CT"}}]}
"""Series that may be taken, in the selector's own language; of several, the one of most images is."""
SELECTED = "study_selected_series_list"


class ChamberMeshOperator(Operator):
    """Run the bundle's inference on the first selected series of each study.

    Named input:
        study_selected_series_list: list of StudySelectedSeries, of which the SeriesInstanceUIDs are used.

    Args:
        fragment: the application.
        input_folder: the DICOM folder that the studies were loaded from.
        output_folder: gets a folder for each series, of the name of its SeriesInstanceUID.
        bundle: the unpacked bundle, with `configs` and `scripts`.

    Raises RuntimeError if there is no series, or one cannot be done; the log says why.
    """

    def __init__(
        self, fragment: Fragment, *args: object, input_folder: Path, output_folder: Path, bundle: Path, **kwargs: object
    ) -> None:
        self.input_folder = input_folder
        self.output_folder = output_folder
        self.bundle = bundle
        super().__init__(fragment, *args, **kwargs)  # the SDK wants attributes set before

    def setup(self, spec: OperatorSpec) -> None:
        spec.input(SELECTED)

    def compute(self, op_input: InputContext, op_output: OutputContext, context: ExecutionContext) -> None:
        studies = op_input.receive(SELECTED)
        if not studies:
            raise RuntimeError("the input holds no CT series")
        for study in studies:
            uid = str(study.selected_series[0].series.SeriesInstanceUID)
            try:
                run(
                    "inference",
                    config_file=str(self.bundle / "configs" / "inference.json"),
                    bundle_root=str(self.bundle),
                    input=str(self.input_folder),
                    series_uid=uid,
                    output_dir=str(self.output_folder / uid),
                    dicom_output=True,
                )
            except SystemExit as ended:  # how the command line ends a run; here the SDK's runtime has to hear of it
                raise RuntimeError(f"series {uid} gave no meshes; the log says why") from ended


class ChamberMeshApp(Application):
    """Study folder -> loader -> selector -> chamber meshes."""

    def compose(self) -> None:
        context: AppContext = Application.init_app_context(self.argv)
        study, output, bundle = (
            Path(path).absolute() for path in (context.input_path, context.output_path, context.model_path)
        )
        loader = DICOMDataLoaderOperator(self, CountCondition(self, 1), input_folder=study, name="loader")
        selector = DICOMSeriesSelectorOperator(
            self, rules=json.dumps(RULES), all_matched=True, sort_by_sop_instance_count=True, name="selector"
        )
        chambers = ChamberMeshOperator(self, input_folder=study, output_folder=output, bundle=bundle, name="chambers")
        self.add_flow(loader, selector, {("dicom_study_list", "dicom_study_list")})
        self.add_flow(selector, chambers, {(SELECTED, SELECTED)})


if __name__ == "__main__":
    ChamberMeshApp().run()
