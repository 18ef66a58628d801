from __future__ import annotations

import json

import pytest

from pytest_kestra.masking import masked

KEY = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0\nshort\n-----END KEY-----\n"


@pytest.mark.parametrize(
    ("text", "secrets", "told"),
    [
        ("a s3cret-word b", ["s3cret-word"], "a ***** b"),
        ("xs3cret-wordx", ["s3cret-word"], "x*****x"),
        ("s3cret-2 and s3cret", ["s3cret", "s3cret-2"], "***** and *****"),
        ("nothing", [""], "nothing"),
        ("* and *****", ["*", "*****"], "* and *****"),
        (repr('quote\'s "and" \\ more'), ['quote\'s "and" \\ more'], "'*****'"),
        (json.dumps("Übergröße\t1"), ["Übergröße\t1"], '"*****"'),
        (f"{KEY}", [KEY], "*****"),
        ("SECRET_KEY=czNjcmV0LXdvcmQ= and", ["s3cret-word"], "SECRET_KEY=*****= and"),
        ("{'key': 'w7xiZXI/Pz8+'} w7xiZXI_Pz8-", ["über???>"], "{'key': '*****'} *****"),
        ("https://a.b/?key=%C3%BCber%20%2F%26x", ["über /&"], "https://a.b/?key=*****x"),
        ("https://a.b/ab/cd%2Bef", ["ab/cd+ef"], "https://a.b/*****"),
        ("?key=a+b%26c", ["a b&c"], "?key=*****"),
        ("?key=%2fab%c3%bc", ["/abü"], "?key=*****"),
        ("psql --password hunter2 x", ["hunter2\n"], "psql --password ***** x"),
        ("b2xk is old, b2xkZXI is older", ["old"], "***** is *****, b2xkZXI is older"),
        ("E    - MIIEvQIBADANBgkqhkiG9w0\nE    - short", [KEY], "E    - *****\nE    - short"),
    ],
)
def test_secrets_are_stars_however_they_are_written(text: str, secrets: list[str], told: str) -> None:
    assert masked(text, secrets) == told


@pytest.mark.parametrize("word", ["test", "a", "orders"])
def test_short_word_is_no_part_of_another(word: str) -> None:
    text = f"def test_orders(kestra): {word}.run('{word}')"

    assert masked(text, [word]) == "def test_orders(kestra): *****.run('*****')"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("'abcdefgh...stuvwxyz'", "'*****...*****'"),
        ("'before abcdefghij…'", "'before *****…'"),
        ("'before abcde...vwxyz'", "'before abcde...vwxyz'"),
        ("loading...", "loading..."),
        ("'YWJjZGVmZ2hp...dnd4eXo='", "'*****...*****='"),
        ("abcdefgh...tuvwxyz, abcdefgh... and …tuvwxyz", "*****...*****, *****... and …*****"),
    ],
)
def test_parts_of_a_secret_before_and_after_a_cut_are_stars(text: str, told: str) -> None:
    assert masked(text, ["abcdefghijklmnopqrstuvwxyz"]) == told


def test_secrets_that_are_added_count_at_once() -> None:
    secrets = ["s3cret-word"]
    assert masked("another-word", secrets) == "another-word"
    secrets.append("another-word")

    assert masked("another-word", secrets) == "*****"


def test_parts_of_a_secret_that_repeats_itself_go_as_a_whole() -> None:
    secret = "the-token-that-nobody-sees " * 20

    assert masked(f"'{secret[:60]}...{secret[-40:]}'", [secret]) == "'*****...*****'"
