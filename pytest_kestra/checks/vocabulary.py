"""The filters and functions that expressions may use on a server."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_kestra.checks.pebble import Use
from pytest_kestra.client.client import Client
from pytest_kestra.errors import hint

# What Pebble itself brings, or reads as a word of its own, besides what Kestra lists (io.pebbletemplates.pebble).
BROUGHT: dict[str, set[str]] = {"filter": set(), "function": {"block", "i18n", "parent"}}


@dataclass(frozen=True)
class Vocabulary:
    """Know the names that a server has, by their kinds; of a kind that it does not tell, every name is known."""

    known: dict[str, frozenset[str]]

    @classmethod
    def of(cls, client: Client) -> Vocabulary:
        """Return the names that a server tells; older ones tell none."""
        told = {"filter": client.plugins.filters(), "function": client.plugins.functions()}
        return cls({kind: frozenset(names) for kind, names in told.items() if names})

    def unknown(self, use: Use) -> str | None:
        """Return what is wrong with the use of a filter or a function, or None."""
        known = self.known.get(use.kind)
        if known is None or use.name in known or use.name in BROUGHT[use.kind]:
            return None
        shown = f"| {use.name}" if use.kind == "filter" else f"{use.name}()"
        return f"`{shown}`: Kestra has no {use.kind} {use.name!r}{hint(use.name, sorted(known))}"
