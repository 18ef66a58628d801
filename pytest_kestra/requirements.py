"""What a test requires of the server."""

from __future__ import annotations

import re
from collections.abc import Collection

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from pytest_kestra.errors import hint


def unmet(
    actual: str | None,
    capabilities: Collection[str],
    *,
    known: Collection[str],
    version: str | None = None,
    capability: str | None = None,
) -> str | None:
    """Return why a server does not meet the requirements, or None where it does.

    `version` is a range such as `>=1.3.20,<2`, `known` are the capabilities that there are; ValueError for others.
    """
    if version is not None:
        try:
            wished = SpecifierSet(version)
        except InvalidSpecifier:
            raise ValueError(f"{version!r} is not a range of versions such as '>=1.3.20'") from None
        # A snapshot counts as the version that it will be.
        number = re.match(r"v?(\d+(?:\.\d+)*)", actual or "")
        if number is None or not wished.contains(number[1]):
            return f"needs Kestra {version}, and the server is {actual or 'of an unknown version'}"
    if capability is not None and capability not in known:
        raise ValueError(f"there is no capability {capability!r}{hint(capability, sorted(known))}")
    if capability is not None and capability not in capabilities:
        has = ", ".join(sorted(capabilities)) or "none"
        return f"needs a server with the capability {capability!r}, and this one has: {has}"
    return None
