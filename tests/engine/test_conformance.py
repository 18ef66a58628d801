"""Every exchange that was recorded with a real Kestra 1.3.19 is answered alike by the embedded engine."""

from __future__ import annotations

from collections.abc import Callable

from tests.engine.conformance import NUMBERS, Exchange
from tests.engine.differences import DIFFERENCES, RECORDED, SOMETIMES


def test_every_recorded_exchange(exchanges: list[Exchange], record_property: Callable[[str, object], None]) -> None:
    lines, matched, unexpected = [], 0, []
    for exchange in exchanges:
        listed, sometimes = DIFFERENCES.get(exchange.number, {}), SOMETIMES.get(exchange.number, {})
        found = [difference for difference in exchange.differences if difference not in sometimes]
        wrong = [difference for difference in found if difference not in listed]
        gone = [difference for difference in listed if difference not in found]
        matched += not found
        verdict = "same" if not found else "differs as listed" if not wrong else "DIFFERS"
        lines.append(f"{exchange.number} {exchange.status} {exchange.name}: {verdict}")
        lines += [f"      {difference}" for difference in exchange.differences]
        unexpected += [f"{exchange.number} {exchange.name}: {difference}" for difference in wrong]
        unexpected += [f"{exchange.number} {exchange.name}: no longer differs: {difference}" for difference in gone]
    lines.append(f"{matched} of {len(NUMBERS)} recorded exchanges are answered the same")
    record_property("report", "\n".join(lines))
    print("\n".join(lines))

    assert not unexpected
    assert len(NUMBERS) == RECORDED
    assert matched == RECORDED - len(DIFFERENCES)
