"""What every server is, wherever it comes from."""

from __future__ import annotations

from typing import Protocol

from pytest_kestra.address import Address

CAPABILITIES = frozenset(
    {"embedded", "container", "settled", "ephemeral", "pages", "secrets", "plugins", "configuration", "mocks", "clock"}
)


class Server(Protocol):
    """A Kestra server that tests may use."""

    @property
    def kind(self) -> str:
        """Say where the server comes from: `embedded`, `container` or `url`."""
        ...

    @property
    def address(self) -> Address:
        """Say where the server answers, and who may ask it."""
        ...

    @property
    def capabilities(self) -> frozenset[str]:
        """Name what tests may rely on.

        `embedded` is our own engine, `container` a container that this run has started, `settled` means that logs are
        complete when an execution has ended, `ephemeral` that the server forgets everything when the run ends, `pages`
        that it has Kestra's user interface. `secrets`, `plugins` and `configuration` mean that the server has what the
        fixtures of these names give, and `secrets` those of Kestra's own API, too.
        """
        ...

    def close(self) -> None:
        """Give up the server; one that others use goes on."""
        ...

    def log_tail(self, lines: int = 50) -> str:
        """Return the last lines of the server's log, or nothing where it cannot be had."""
        ...

    def ending(self) -> str | None:
        """Say how the server has ended, or that it hangs, and where its log is; None where nobody can know."""
        ...

    def renew(self) -> bool:
        """Let the server be there again where it has ended or hangs; return whether its address is another now."""
        ...

    def doubt(self) -> None:
        """Let `renew` ask the server whether it still answers."""
        ...
