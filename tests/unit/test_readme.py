from __future__ import annotations

from tools.make_readme import README, written


def test_readme_has_what_the_code_has() -> None:
    text = README.read_text(encoding="utf-8")

    assert written(text) == text, "run: python -m tools.make_readme"
