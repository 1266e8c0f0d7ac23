"""The bundle on the Hugging Face Hub, of which a folder stands in: laid out, uploaded and downloaded by MONAI."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from monai.bundle import download, push_to_hf_hub, scripts

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))

from hub import _LINK, NAME, lay_out  # noqa: E402

VERSION = json.loads((ROOT / "bundle" / "configs" / "metadata.json").read_text())["version"]


class Hub:
    """Takes the place of `huggingface_hub`: a folder for each repository and revision, and a record of all calls."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls: list[tuple[str, dict]] = []
        self._main: dict[str, Path] = {}
        absent = type("NotFound", (Exception,), {})
        self.errors = SimpleNamespace(RevisionNotFoundError=absent, RepositoryNotFoundError=absent)

    def HfApi(self, token: str | None) -> Hub:
        return self

    def create_repo(self, **call) -> None:
        self.calls.append(("create_repo", call))

    def upload_folder(self, repo_id: str, folder_path: str) -> str:
        self._main[repo_id] = Path(folder_path)
        self.calls.append(("upload_folder", {"repo_id": repo_id}))
        return f"hub/{repo_id}"

    def create_tag(self, repo_id: str, tag: str, exist_ok: bool) -> None:
        shutil.copytree(self._main[repo_id], self.folder / repo_id / tag)
        self.calls.append(("create_tag", {"repo_id": repo_id, "tag": tag}))

    def snapshot_download(self, repo_id: str, revision: str, local_dir: str) -> None:
        there = self.folder / repo_id / revision
        if not there.is_dir():
            raise self.errors.RevisionNotFoundError(revision)
        shutil.copytree(there, local_dir, dirs_exist_ok=True)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Path:
    return lay_out(tmp_path_factory.mktemp("hub"))


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Hub:
    made = Hub(tmp_path / "served")
    monkeypatch.setattr(scripts, "huggingface_hub", made)
    return made


def test_front_matter_is_what_the_hub_reads(bundle):
    _, front, card = (bundle / "README.md").read_text().split("---\n", 2)
    assert {"license: apache-2.0", "library_name: monai", "tags:", "- medical"} <= set(front.splitlines())
    assert card.startswith("# Model card")
    for link in _LINK.findall(card):
        assert (bundle / link.split("#")[0]).exists(), link


def test_metadata_and_licence_agree(bundle):
    metadata = json.loads((bundle / "configs" / "metadata.json").read_text())
    assert metadata["license"] == "Apache-2.0"
    assert "Apache License" in (bundle / "LICENSE").read_text()


def test_pushed_and_downloaded_it_is_the_same(bundle, hub, tmp_path):
    push_to_hf_hub(repo=f"MONAI/{NAME}", name=NAME, bundle_dir=str(bundle.parent), version=VERSION)
    assert [name for name, _ in hub.calls] == ["create_repo", "upload_folder", "create_tag"]
    assert hub.calls[0][1]["private"]
    download(name=NAME, version=VERSION, source="monaihosting", bundle_dir=str(tmp_path / "got"), progress=False)
    files = sorted(path.relative_to(bundle) for path in bundle.rglob("*") if path.is_file())
    assert {Path("README.md"), Path("LICENSE"), Path("configs/metadata.json"), Path("models/model.pt")} <= set(files)
    got = tmp_path / "got" / NAME
    assert sorted(path.relative_to(got) for path in got.rglob("*") if path.is_file()) == files
    for file in files:
        assert (got / file).read_bytes() == (bundle / file).read_bytes(), file
    assert max((got / file).stat().st_size for file in files) < 25 * 10**6  # more goes through large_files.yml


def test_from_a_repository_of_ones_own(bundle, hub, tmp_path):
    push_to_hf_hub(repo=f"me/{NAME}", name=NAME, bundle_dir=str(bundle.parent), version="main")
    own = {"source": "huggingface_hub", "repo": f"me/{NAME}", "version": "main"}
    download(name=NAME, bundle_dir=str(tmp_path / "got"), progress=False, **own)
    assert (tmp_path / "got" / NAME / "configs" / "inference.json").is_file()
