"""The table of all options: for the command line, the ini file, the environment, and the README."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

PREFIX = "kestra"
SERVERS = ("auto", "embedded", "container")


@dataclass(frozen=True)
class Option:
    """Describe one option; `parse` reads its text and raises ValueError, which says what it takes.

    A `flag` needs no value on the command line; one of `many` values may be given there again, one that is `listed` may
    be a list in TOML. The value of a `secret` is never shown; an address may hold one.
    """

    name: str
    parse: Callable[[str], Any]
    help: str
    metavar: str | None = None
    flag: bool = False
    secret: bool = False
    many: bool = False
    listed: bool = False

    @property
    def attribute(self) -> str:
        """The option as a Python name."""
        return self.name.replace("-", "_")

    @property
    def flag_name(self) -> str:
        """The option on the command line."""
        return f"--{PREFIX}-{self.name}"

    @property
    def ini_name(self) -> str:
        """The option in pytest's ini file."""
        return f"{PREFIX}_{self.attribute}"

    @property
    def variable(self) -> str:
        """The option in the environment."""
        return f"PYTEST_KESTRA_{self.attribute.upper()}"


def _text(value: str) -> str:
    return value


def _versions(value: str) -> str:
    versions = value.replace(",", " ").split()
    if not versions:
        raise ValueError("a version or line of Kestra such as 1.3, or several with blanks between them")
    return " ".join(dict.fromkeys(versions))


def _path(value: str) -> str:
    if not value.strip():
        raise ValueError("a path")
    return value


def _paths(value: str) -> tuple[str, ...]:
    paths = tuple(path.strip() for path in re.split(r"[,\n]", value) if path.strip())
    if not paths:
        raise ValueError("paths with commas or line breaks between them")
    return paths


def _seconds(value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise ValueError("a number of seconds above 0, such as 60 or 2.5")
    return seconds


def _truth(value: str) -> bool:
    word = value.strip().lower()
    if word in ("1", "true", "yes", "on"):
        return True
    if word in ("0", "false", "no", "off", ""):
        return False
    raise ValueError("true or false")


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in words:
            raise ValueError(f"{', '.join(words[:-1])} or {words[-1]}")
        return value

    return parse


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        wrong = not parts.hostname or parts.port == 0
    except ValueError:  # such as a port that is none
        wrong = True
    if wrong or not value.isprintable() or " " in value:
        raise ValueError("an address such as http://localhost:8080")
    if parts.query or parts.fragment or parts.path.startswith("/ui"):
        raise ValueError(f"the address of the server, but of a page: give {parts.scheme}://{parts.netloc}")
    return value.rstrip("/")


def _token(value: str) -> str:
    # What stands in a header; an error about that would show it.
    if not (value.isascii() and value.isprintable()):
        raise ValueError("a token: it has letters beyond ASCII, or a line break")
    return value


def _patterns(value: str) -> tuple[str, ...]:
    patterns = tuple(value.replace(",", " ").split())
    if not patterns or not all(re.fullmatch(r"!?[\w.*?-]+", pattern) for pattern in patterns):
        raise ValueError("types of tasks, or patterns such as io.kestra.plugin.jdbc.* and !io.kestra.plugin.core.*")
    return patterns


def _namespace(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*(\.[a-z0-9_-]+)*", value):
        raise ValueError("a namespace, such as ci.tests: small letters, digits, `-`, `_`, in parts with dots between")
    return value


def _server(value: str) -> str:
    if "@" in value:
        raise ValueError("an address without user and password: give these in PYTEST_KESTRA_USER and _PASSWORD")
    if value in SERVERS:
        return value
    if value.startswith(("http://", "https://")):
        return _url(value)
    raise ValueError("auto, embedded, container or the http:// address of a Kestra server")


OPTIONS = (
    Option(
        "server",
        _server,
        "where Kestra comes from: `embedded` starts the engine on this machine, `container` the official image, a URL "
        "uses the server there, `auto` is embedded where that extra is installed, else container",
        metavar="auto|embedded|container|URL",
    ),
    Option(
        "version",
        _versions,
        "the version or line of Kestra that is started; where there are several, each test runs on each",
        metavar="VERSION",
        many=True,
        listed=True,
    ),
    Option("image", _text, "the image of the container, instead of the official one of the version", metavar="NAME"),
    Option(
        "docker-socket",
        _truth,
        "give Docker's socket to the container, so that scripts run in containers of their own",
        flag=True,
    ),
    Option("timeout", _seconds, "how long an execution may take, in seconds", metavar="SECONDS"),
    Option("startup-timeout", _seconds, "how long a server may take to start, in seconds", metavar="SECONDS"),
    Option(
        "isolation",
        _one_of("namespace", "none"),
        "`namespace` gives every test a namespace below its flows' own, `none` deploys flows where they say",
        metavar="namespace|none",
    ),
    Option(
        "prefix",
        _namespace,
        "a namespace below which the namespaces of all tests are, instead of below their flows' own",
        metavar="NAMESPACE",
    ),
    Option("reuse", _truth, "keep the server that is started warm between runs", flag=True),
    Option(
        "keep",
        _one_of("no", "failed", "all"),
        "after which tests flows and executions stay on the server",
        metavar="no|failed|all",
    ),
    Option(
        "fail-on-log-level",
        _one_of("none", "TRACE", "DEBUG", "INFO", "WARN", "ERROR"),
        "the log level from which on a test fails whose executions log at it, unless its mark `kestra_allow_logs` "
        "allows that",
        metavar="none|TRACE|DEBUG|INFO|WARN|ERROR",
    ),
    Option(
        "strict-mocks",
        _truth,
        "let no flow run that has a task which reaches out of Kestra and is not mocked",
        flag=True,
    ),
    Option(
        "side-effects",
        _patterns,
        "which types of tasks reach out: patterns, of which the last that fits decides; `!` before one says that not",
        metavar="PATTERNS",
        listed=True,
    ),
    Option(
        "flow-folders",
        _paths,
        "where the flows of unit-test suites are found: folders below that of the ini file",
        metavar="PATHS",
        listed=True,
    ),
    Option("html", _path, "a file for one HTML page about all tests and their executions", metavar="PATH"),
    Option(
        "artifacts",
        _path,
        "a folder for files about the executions of each failed test: its diagnosis, its data, its logs, its flow",
        metavar="FOLDER",
    ),
    Option("validate", _truth, "collect each flow file as a test that checks it without running it", flag=True),
    Option("user", _text, "the user of the server at a URL", metavar="NAME"),
    Option("password", _text, "that user's password; better in the environment", metavar="TEXT", secret=True),
    Option("token", _token, "an API token instead of both; better in the environment", metavar="TEXT", secret=True),
    Option("tenant", _text, "the tenant of the server at a URL", metavar="NAME"),
    Option(
        "repository",
        _text,
        "the Maven repository from which the embedded engine is downloaded, instead of Maven Central",
        metavar="URL",
        secret=True,
    ),
)
