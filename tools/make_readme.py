"""Write what the README has from the code, between marks: `python -m tools.make_readme`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pytest_kestra.engine.api import unserved
from pytest_kestra.options import OPTIONS
from pytest_kestra.settings import Settings
from tests.engine.differences import DIFFERENCES, RECORDED

README = Path(__file__).resolve().parent.parent / "README.md"


def main() -> None:
    """Put every block into the README, in place of the one that is there."""
    README.write_text(written(README.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")


def written(text: str) -> str:
    """Return the text of the README with its blocks as the code has them now."""
    for name, block in BLOCKS.items():
        begin, end = f"<!-- {name}: written by tools/make_readme.py -->\n", f"<!-- end of {name} -->"
        before, mark, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not mark or not closed:
            raise ValueError(f"The README has no block {name}.")
        text = before + begin + block() + end + after
    return text


def options() -> str:
    """Return the options as a table in Markdown."""
    defaults = Settings()
    rows = ["| command line | ini file | environment | default | what it sets |", "|---|---|---|---|---|"]
    for option in OPTIONS:
        default = getattr(defaults, option.attribute)
        text = " ".join(default) if isinstance(default, tuple) else default
        shown = "–" if default is None else f"`{text}`"
        names = f"`{option.flag_name}` | `{option.ini_name}` | `{option.variable}`"
        rows.append(f"| {names} | {shown} | {option.help} |")
    return "\n".join(rows) + "\n"


def conformance() -> str:
    """Return how many recorded exchanges are answered the same, and all exceptions, in Markdown."""
    same = RECORDED - len(DIFFERENCES)
    rows = [f"**{same} of {RECORDED}** recorded exchanges are answered the same. The others:\n"]
    rows += ["| exchange | how it differs | why |", "|---|---|---|"]
    for number, differences in DIFFERENCES.items():
        rows += [f"| {number} | `{difference}` | {reason} |" for difference, reason in differences.items()]
    return "\n".join(rows) + "\n"


def not_served() -> str:
    """Return the routes that are answered 501, by their reason, as a table in Markdown."""
    reasons: dict[str, list[str]] = {}
    for route in unserved.routes("2.0"):
        line = " (2.0)" if route in unserved.NEW else ""
        reasons.setdefault(route.why, []).append(f"`{route.method} {route.path}`{line}")
    rows = ["| not served, because | routes |", "|---|---|"]
    rows += [f"| {why} | {', '.join(routes)} |" for why, routes in reasons.items()]
    return "\n".join(rows) + "\n"


BLOCKS: dict[str, Callable[[], str]] = {"options": options, "conformance": conformance, "unserved": not_served}


if __name__ == "__main__":
    main()
