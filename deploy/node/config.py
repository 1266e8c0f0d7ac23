"""The config file: JSON, whose keys and defaults are these classes; `README.md` beside this file explains them."""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from difflib import get_close_matches
from ipaddress import ip_network
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from custom.inputs import InputError

TRUSTS = ("ok", "check", "do not use")
"""As in a report, the best first."""


@dataclass(frozen=True)
class TLS:
    """Files in PEM. `authority` has issued the certificates that the other side may show."""

    authority: str = ""
    certificate: str = ""
    key: str = ""


@dataclass(frozen=True)
class Caller:
    """Who may open an association: an AE title from one of these addresses or networks."""

    ae_title: str
    addresses: list[str]


@dataclass(frozen=True)
class Receive:
    """C-STORE in."""

    ae_title: str
    port: int
    callers: list[Caller]
    address: str = "0.0.0.0"
    tls: TLS | None = None
    associations: int = 10
    associations_per_minute: int = 120
    instance_mb: float = 1024
    idle_s: float = 60


@dataclass(frozen=True)
class Fetch:
    """A PACS that is asked by DICOMweb for studies which match `query`."""

    url: str
    query: dict[str, str]
    days: int = 2
    every_s: float = 30
    authority: str = ""
    authorization_file: str = ""


@dataclass(frozen=True)
class Destination:
    """Where results go: by C-STORE to `host`, `port` and `ae_title`, or by DICOMweb to `url`."""

    name: str
    ae_title: str = ""
    host: str = ""
    port: int = 0
    calling_ae_title: str = "CHAMBERS"
    tls: TLS | None = None
    url: str = ""
    authority: str = ""
    authorization_file: str = ""


@dataclass(frozen=True)
class Config:
    """All of a node."""

    queue: str
    send: list[Destination]
    receive: Receive | None = None
    fetch: Fetch | None = None
    process: bool = True
    complete_after_s: float = 60
    abandoned_after_s: float = 3600
    least_trust: str = "check"
    attempts: int = 5
    retry_s: float = 10
    longest_retry_s: float = 600
    study_instances: int = 20000
    study_mb: float = 20000
    least_free_mb: float = 10000
    keep_done_h: float = 24
    keep_aside_h: float = 720
    status_every_s: float = 10
    inference: dict[str, Any] = field(default_factory=dict)


def read_config(path: Path) -> Config:
    """The config in a file.

    Raises InputError that names what is wrong with which key.
    """
    try:
        values = json.loads(path.read_text())
    except OSError as error:
        raise InputError(f"{path.name}: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"{path.name} is not JSON: {error}") from error
    config = _made(Config, values, "")
    _check(config)
    return config


def _made(kind: Any, value: Any, key: str) -> Any:
    """`value` as what the annotation `kind` says."""
    if isinstance(kind, types.UnionType):  # of something and None
        kind = get_args(kind)[0]
        return None if value is None else _made(kind, value, key)
    if is_dataclass(kind):
        return _record(kind, value, key)
    if get_origin(kind) is list:
        if not isinstance(value, list):
            raise InputError(f"{key}: a list is expected")
        return [_made(get_args(kind)[0], item, f"{key}[{index}]") for index, item in enumerate(value)]
    if get_origin(kind) is dict:
        kind = dict
    right = isinstance(value, (int, float) if kind is float else kind) and isinstance(value, bool) == (kind is bool)
    if not right or (kind in (int, float) and value < 0):
        raise InputError(f"{key}: {json.dumps(value)}; {_NAMES[kind]} is expected")
    return value


_NAMES = {str: "a text", int: "a whole number, not negative", float: "a number, not negative", bool: "true or false"}
_NAMES |= {dict: "an object {...}"}


def _record(kind: Any, values: Any, key: str) -> Any:
    if not isinstance(values, Mapping):
        raise InputError(f"{key or 'the config'}: an object {{...}} is expected")
    hints, known = get_type_hints(kind), {item.name: item for item in fields(kind)}
    prefix = f"{key}." if key else ""
    for name in values:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            raise InputError(f"there is no key `{prefix}{name}`" + (f"; is `{near[0]}` meant?" if near else ""))
    for name, item in known.items():
        if name not in values and item.default is MISSING and item.default_factory is MISSING:
            raise InputError(f"the key `{prefix}{name}` is missing")
    return kind(**{name: _made(hints[name], value, f"{prefix}{name}") for name, value in values.items()})


def _check(config: Config) -> None:
    """What the types do not tell."""
    if config.receive is None and config.fetch is None and not config.process:
        raise InputError("the node has nothing to do: give `receive`, `fetch` or `process`")
    if config.process and not config.send:
        raise InputError("send: name at least one destination for the results")
    if config.least_trust not in TRUSTS:
        raise InputError(f"least_trust: {config.least_trust}; choose from {', '.join(TRUSTS)}")
    if config.attempts < 1:
        raise InputError("attempts: at least 1")
    for destination in config.send:
        by_dicom = bool(destination.ae_title and destination.host and destination.port)
        if by_dicom == bool(destination.url):
            raise InputError(f"send: `{destination.name}` needs either ae_title, host and port, or url")
    if len({destination.name for destination in config.send}) < len(config.send):
        raise InputError("send: two destinations have the same name")
    if config.receive is not None:
        if not config.receive.callers:
            raise InputError("receive.callers: name at least one AE title and its addresses")
        for caller in config.receive.callers:
            for address in caller.addresses:
                try:
                    ip_network(address)
                except ValueError as error:
                    raise InputError(f"receive.callers: {error}") from error
        titles = [caller.ae_title for caller in config.receive.callers] + [config.receive.ae_title]
        if any(not 1 <= len(title) <= 16 for title in titles):
            raise InputError("an AE title has 1 to 16 characters")
