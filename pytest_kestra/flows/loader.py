"""YAML as Kestra's parser takes it, where PyYAML takes less."""

from __future__ import annotations

from typing import Any

import yaml

BREAKS = "\r\n\x85\u2028\u2029"


class _Tabs:
    """Take tabs within and after a text without quotes, as SnakeYAML does; elsewhere both refuse them."""

    def scan_plain_spaces(self: Any, indent: int, start_mark: yaml.Mark) -> list[str] | None:
        blanks = ""
        while self.peek() in " \t":
            blanks += self.peek()
            self.forward()
        if self.peek() in BREAKS:
            found: list[str] | None = super().scan_plain_spaces(indent, start_mark)  # type: ignore[misc]
            return found
        return [blanks] if blanks else []


class Loader(_Tabs, yaml.SafeLoader):
    """Make Python's own values of YAML."""


class TextLoader(_Tabs, yaml.BaseLoader):
    """Make texts, lists and mappings of YAML: `off` may be an id, and `1` the value of a case."""
