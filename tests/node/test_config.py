"""The config file: what is wrong is refused in one sentence that names the key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from custom.inputs import InputError
from deploy.node.config import Config, read_config

PACS = {"name": "pacs", "ae_title": "PACS", "host": "pacs", "port": 104}
RECEIVE = {"ae_title": "CHAMBERS", "port": 11112, "callers": [{"ae_title": "CT1", "addresses": ["10.0.0.0/8"]}]}
GOOD = {"queue": "queue", "send": [PACS], "receive": RECEIVE}


def read(tmp_path: Path, **changes) -> Config:
    path = tmp_path / "node.json"
    path.write_text(json.dumps({**GOOD, **changes}))
    return read_config(path)


def test_the_example_of_the_docs_is_right():
    config = read_config(Path(__file__).parents[2] / "deploy" / "node" / "node.json")
    assert config.receive.callers and config.send and config.least_trust == "check"


def test_what_is_left_out_has_the_default(tmp_path):
    config = read(tmp_path)
    assert config.complete_after_s == 60 and config.receive.tls is None and config.fetch is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sent": []}, "there is no key `sent`; is `send` meant?"),
        ({"send": []}, "send: name at least one"),
        ({"send": [{**PACS, "port": "104"}]}, r'send\[0\].port: "104"; a whole number'),
        ({"send": [{**PACS, "url": "http://pacs"}]}, "`pacs` needs either"),
        ({"send": [PACS, PACS]}, "the same name"),
        ({"send": [{"ae_title": "PACS"}]}, r"the key `send\[0\].name` is missing"),
        ({"receive": {**RECEIVE, "callers": []}}, "receive.callers: name at least one"),
        ({"receive": {**RECEIVE, "callers": [{"ae_title": "CT1", "addresses": ["ten"]}]}}, "receive.callers: 'ten'"),
        ({"receive": {**RECEIVE, "ae_title": "A" * 17}}, "1 to 16 characters"),
        ({"receive": {**RECEIVE, "tls": {"keys": "k"}}}, "no key `receive.tls.keys`; is `key` meant"),
        ({"least_trust": "good"}, "least_trust: good; choose from ok, check, do not use"),
        ({"attempts": 0}, "attempts: at least 1"),
        ({"process": 1}, "process: 1; true or false"),
        ({"retry_s": -1}, "retry_s: -1; a number, not negative"),
        ({"receive": None, "process": False}, "nothing to do"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, changes, said):
    with pytest.raises(InputError, match=said):
        read(tmp_path, **changes)


def test_a_file_that_is_no_json_is_named(tmp_path):
    (tmp_path / "node.json").write_text("{")
    with pytest.raises(InputError, match="node.json is not JSON"):
        read_config(tmp_path / "node.json")
    with pytest.raises(InputError, match="none.json: No such file"):
        read_config(tmp_path / "none.json")
