from __future__ import annotations

from tests.conftest import ROOT
from tools.make_option_table import BEGIN, END, table


def test_option_table_is_the_one_of_the_code() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")

    assert BEGIN + table() + END in text, "run: python tools/make_option_table.py"
