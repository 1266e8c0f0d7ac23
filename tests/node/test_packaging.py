"""What stands round the node: its page, its unit and its container file speak of what there is."""

from __future__ import annotations

import json
import re
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import get_args, get_type_hints

from deploy.node.config import Config

ROOT = Path(__file__).parents[2]
NODE = ROOT / "deploy" / "node"
PAGE = (NODE / "README.md").read_text()
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)\)")


def keys(kind: type) -> set[str]:
    """All keys of the config, at any depth."""
    found = set()
    for name, hint in get_type_hints(kind).items():
        found.add(name)
        for part in (hint, *get_args(hint)):
            if is_dataclass(part):
                found |= keys(part)
    return found


def test_the_page_explains_every_key_and_no_other():
    table = PAGE.split("## Keys")[1].split("## Several")[0]
    named = {word for words in re.findall(r"`([^`]+)`", table) for word in re.findall(r"[a-z_]+", words)}
    assert keys(Config) <= named
    for row in re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE):
        assert {key.split(".")[-1] for key in re.findall(r"`([^`]+)`", row)} <= keys(Config), row


def test_the_page_states_the_defaults():
    rows = dict(re.findall(r"^\| `(\w+)` \|.*\| ([^|]*) \|$", PAGE, re.MULTILINE))
    plain = {item.name: item.default for item in fields(Config) if isinstance(item.default, (int, float, str))}
    for name, default in plain.items():
        if name in rows and default is not MISSING:
            assert json.dumps(default).strip('"') == rows[name].strip("`"), name


def test_the_page_shows_the_example_and_its_links_lead_somewhere():
    (example,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert json.loads(example) == json.loads((NODE / "node.json").read_text())
    pages = [ROOT / "deploy" / folder / "README.md" for folder in (".", "node", "papers")]
    for page in (*pages, ROOT / "SECURITY.md"):
        for target in LINK.findall(page.read_text()):
            assert (page.parent / target).exists(), target


def test_the_container_copies_what_there_is_and_all_that_is_needed():
    lines = (NODE / "Containerfile").read_text().splitlines()
    copied = [line.split()[1] for line in lines if line.startswith("COPY")]
    assert {"bundle", "custom", "deploy/node"} <= set(copied)
    assert all((ROOT / source).exists() for source in copied)
    assert 'CMD ["python", "-m", "deploy.node", "/etc/chambers-node.json"]' in lines


def test_unit_container_and_example_agree():
    unit = (NODE / "chambers-node.service").read_text()
    config = json.loads((NODE / "node.json").read_text())
    assert "-m deploy.node /etc/chambers-node.json" in unit
    assert "StateDirectory=chambers-node\n" in unit and config["queue"] == "/var/lib/chambers-node"
    assert f"EXPOSE {config['receive']['port']}" in (NODE / "Containerfile").read_text()
    (words,) = re.findall(r"^(?:make node-env|sudo (make node-env))$", PAGE, re.MULTILINE)
    assert f"\n{words.split()[1]}:" in (ROOT / "Makefile").read_text()
