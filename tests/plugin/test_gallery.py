from __future__ import annotations

from tools import make_gallery


def test_page_of_failures_is_what_pytest_shows_today() -> None:
    page = make_gallery.written(make_gallery.output())

    assert make_gallery.compared(page) == make_gallery.compared(make_gallery.PAGE.read_text(encoding="utf-8"))
