"""Write the option table of the README: `python tools/make_option_table.py`."""

from __future__ import annotations

from pathlib import Path

from pytest_kestra.options import OPTIONS
from pytest_kestra.settings import Settings

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN, END = "<!-- options: written by tools/make_option_table.py -->\n", "<!-- end of options -->"


def main() -> None:
    """Put the table into the README, in place of the one that is there."""
    before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    README.write_text(before + BEGIN + table() + END + after, encoding="utf-8", newline="\n")


def table() -> str:
    """Return the options as a table in Markdown."""
    defaults = Settings()
    rows = ["| command line | ini file | environment | default | what it sets |", "|---|---|---|---|---|"]
    for option in OPTIONS:
        default = getattr(defaults, option.attribute)
        shown = "–" if default is None else f"`{default}`"
        names = f"`{option.flag_name}` | `{option.ini_name}` | `{option.variable}`"
        rows.append(f"| {names} | {shown} | {option.help} |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    main()
