"""Files that are no weights: refused in a sentence, and nothing in them runs."""

import os
import pickle
import zipfile

import pytest
import torch
from torch import nn

from custom.calls.kinds import weights
from custom.inputs import InputError
from custom.networks.weights import load_weights, read_weights


class Runs:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (os.mkdir, (self.path,))


def write_pickle(path, mark):
    path.write_bytes(pickle.dumps({"a": Runs(mark)}))


def write_archive_of_pickle(path, mark):
    torch.save({"a": Runs(mark)}, path)


def write_exported_program(path, mark):
    """As torch.export lays it out, its sample inputs a pickle."""
    torch.export.save(torch.export.export(nn.Linear(2, 2), (torch.zeros(1, 2),)), path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, pickle.dumps(Runs(mark)) if "sample_inputs" in name else content)


def write_pointer(path, mark):
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9191883\n")


def write_truncated(path, mark):
    torch.save({"a": torch.zeros(1000)}, path)
    path.write_bytes(path.read_bytes()[:2000])


def write_program(path, mark):
    torch.jit.script(nn.Linear(2, 2)).save(path)


def write_list(path, mark):
    torch.save([torch.zeros(2)], path)


@pytest.mark.parametrize(
    ("write", "name", "reason"),
    [
        (lambda path, mark: None, "model.pt", "there is no file model.pt"),
        (lambda path, mark: path.touch(), "model.pt", "model.pt is empty"),
        (lambda path, mark: path.write_text("<html>"), "model.pt", "damaged, or holds more than weights"),
        (write_pickle, "model.pt", "damaged, or holds more than weights"),
        (write_archive_of_pickle, "model.pt", "damaged, or holds more than weights"),
        (write_exported_program, "model.pt2", "damaged, or holds more than weights"),
        (write_pointer, "model.pt", "pointer of Git LFS"),
        (write_truncated, "model.pt", "damaged, or holds more than weights"),
        (write_program, "model.pt", "TorchScript, not weights"),
        (write_list, "model.pt", "holds no state dict"),
        (write_pickle, "model.ts", "model.ts cannot be loaded"),
        (write_pickle, "model.onnx", "model.onnx cannot be loaded"),
    ],
)
def test_what_is_no_file_of_weights_is_refused(tmp_path, write, name, reason):
    path, mark = tmp_path / name, tmp_path / "ran"
    write(path, mark)
    hint = weights(path)
    assert reason in hint and "\n" not in hint and "weights_only" not in hint and str(tmp_path) not in hint
    assert not mark.exists()


def test_weights_of_another_network_are_refused(tmp_path):
    torch.save(nn.Linear(2, 3).state_dict(), tmp_path / "model.pt")
    network = nn.Linear(2, 3)
    load_weights(network, tmp_path / "model.pt")
    torch.testing.assert_close(network.state_dict(), read_weights(tmp_path / "model.pt"))
    with pytest.raises(InputError, match=r"weight has shape \(3, 2\), not \(4, 2\)"):
        load_weights(nn.Linear(2, 4), tmp_path / "model.pt")
    with pytest.raises(InputError, match="lacks 1 of its tensors, such as other"):
        other = nn.Linear(2, 3)
        other.other = nn.Parameter(torch.zeros(1))
        load_weights(other, tmp_path / "model.pt")
    with pytest.raises(InputError, match="has besides 1 of its tensors, such as bias"):
        load_weights(nn.Linear(2, 3, bias=False), tmp_path / "model.pt")
