"""Every exchange that was recorded with a real Kestra 1.3.19 is answered alike by the embedded engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from tests.engine.conformance import NUMBERS, Conformance

# What is right though it differs from the recording, each with its reason.
OWN = "flows find the credentials for the engine's own API among the secrets"
UNKNOWN = "the jars that Kestra publishes do not tell from which commit they were built"
STAND_IN = "where no official plugin is configured, classes of the same names stand in, outside of a plugin's jar"
DIFFERENCES: dict[str, dict[str, str]] = {
    "149": {
        '$.results[] has also {"key": "KESTRA_API_PASSWORD"}': OWN,
        '$.results[] has also {"key": "KESTRA_API_USER"}': OWN,
    },
    "151": {"$.commitDate is missing": UNKNOWN, "$.commitId is missing": UNKNOWN},
    "152": {
        '$.core.tasks[] has also {"cls": "<text>"}': STAND_IN,
        "$.plugin-script-python is missing": STAND_IN,
        "$.plugin-script-shell is missing": STAND_IN,
    },
    "153": {"$.schema.properties.properties.pluginDefaultsRef was not recorded": "1.3.31 has it, 1.3.19 had not"},
}


def test_every_recorded_exchange(
    own_engine: httpx.Client, recorded: Callable[[str], Any], record_property: Callable[[str, object], None]
) -> None:
    recorded("001")
    lines, matched, unexpected = [], 0, []
    for exchange in Conformance(own_engine, recorded).run():
        listed = DIFFERENCES.get(exchange.number, {})
        wrong = [difference for difference in exchange.differences if difference not in listed]
        gone = [difference for difference in listed if difference not in exchange.differences]
        matched += not exchange.differences
        verdict = "same" if not exchange.differences else "differs as listed" if not wrong else "DIFFERS"
        lines.append(f"{exchange.number} {exchange.status} {exchange.name}: {verdict}")
        lines += [f"      {difference}" for difference in exchange.differences]
        unexpected += [f"{exchange.number} {exchange.name}: {difference}" for difference in wrong]
        unexpected += [f"{exchange.number} {exchange.name}: no longer differs: {difference}" for difference in gone]
    lines.append(f"{matched} of {len(NUMBERS)} recorded exchanges are answered the same")
    record_property("report", "\n".join(lines))
    print("\n".join(lines))

    assert not unexpected
    assert len(NUMBERS) == 158
