"""Steps of one training by the package that is on the path, timed: `one_training.py TREE '{"volume_size": 128, ...}'`.

The tree's own train.json, all of it learning from the first step on, with data made in this process: the patients of
the first of `epochs` are painted and scanned, those of the later ones are painted already and scanned afresh. Prints
JSON: `painting`, `scanning` and `learning`, processor seconds of each step, and `memory`, the most held, MiB.
"""

import json
import logging
import resource
import sys
import tempfile
from itertools import chain
from pathlib import Path

from monai.bundle import ConfigParser


def seconds() -> float:
    """Of the processor, in all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


tree, keys = Path(sys.argv[1]), json.loads(sys.argv[2])
epochs = keys.pop("epochs")
logging.disable(logging.INFO)
found: dict[str, list[float]] = {"painting": [], "scanning": [], "learning": []}
with tempfile.TemporaryDirectory() as folder:
    parser = ConfigParser()
    parser.read_config(str(tree / "bundle" / "configs" / "train.json"))
    parser.update({
        "bundle_root": str(tree / "bundle"), "output_dir": folder, "segmentation_epochs": 0,
        "num_workers": 0, "batch_size": 1, "validation_count": 1, **keys,
    })  # fmt: skip
    parser.get_parsed_content("initialize")
    trainer = parser.get_parsed_content("train#trainer")
    patients = len(parser.get_parsed_content("cases")["training"])
    loader = parser.get_parsed_content("train#dataloader")  # of one epoch or of all, as the revision has it
    batches = chain.from_iterable(loader for _ in range(epochs))
    for step in range(patients * epochs):
        begun = seconds()
        batch = next(batches)
        made = seconds()
        trainer.state.iteration = step + 1
        trainer._iteration(trainer, batch)
        found["painting" if step < patients else "scanning"].append(made - begun)
        found["learning"].append(seconds() - made)
found["learning"] = found["learning"][1:]  # the first loads libraries
print(json.dumps({**found, "memory": [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]}))
