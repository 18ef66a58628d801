"""Flows of tests on the line of Kestra that they are deployed on: loops are written as 1.3 knows them."""

from __future__ import annotations

import re

from pytest_kestra import Client

# What Kestra's migration guide for 2.0 says of loops: https://kestra.io/docs/migration-guide/v2.0.0
OF_LOOPS = (
    (r"flow\.ForEach\b", "flow.Loop"),
    (r"\[taskrun\.value\]", ""),
    (r"parent\.taskrun\.value", "item.parent.value"),
    (r"taskrun\.value", "item.value"),
    (r"taskrun\.iteration", "item.index"),
    (r"currentEachOutput\(([\w.]+)\)", r"\1"),
)


def is_two(client: Client) -> bool:
    """Return whether a test runs on Kestra 2.0."""
    return client.address.is_two


def on_line(text: str, client: Client) -> str:
    """Return the text of a flow for the line that a client speaks to, each line of it at its place."""
    return newer(text) if is_two(client) else text


def newer(text: str) -> str:
    """Return the text of a flow with the loops of 2.0."""
    for pattern, other in OF_LOOPS:
        text = re.sub(pattern, other, text)
    return text
