"""`pytest-kestra record`: make a unit-test suite of an execution."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pytest_kestra.cli.parsers import Commands, command, server_settings

HELP = "make a unit-test suite of an execution: its inputs, fixtures for tasks that reach out, assertions on outputs"


def add(commands: Commands) -> None:
    """Add the command."""
    record = command(commands, "record", HELP, _record)
    record.add_argument("execution", metavar="EXECUTION", help="the id of the execution")
    record.add_argument("--server", metavar="URL", help="its server (default: what PYTEST_KESTRA_SERVER says)")
    record.add_argument("--output", type=Path, metavar="FILE", help="write it there instead of to the standard output")


def _record(options: argparse.Namespace) -> int:
    from pytest_kestra.client.client import Client
    from pytest_kestra.errors import KestraError, NotFoundError
    from pytest_kestra.server.existing import ExistingServer
    from pytest_kestra.suites.recording import Recording

    output: Path | None = options.output
    if output is not None and output.exists():
        raise KestraError(f"{output} is there already: name another file.")
    settings = server_settings(options, "Which server has the execution?")
    with Client(ExistingServer(settings).open().address) as client:
        try:
            execution = client.executions.get(options.execution)
        except NotFoundError:
            raise KestraError(f"There is no execution {options.execution!r} at {client.address.url}.") from None
        if not execution.state.is_final:
            raise KestraError(f"The execution {execution.id} is {execution.state}: record one that has ended.")
        flow = client.flows.get(execution.namespace, execution.flow_id, execution.revision)
        text = Recording(execution, flow, settings.side_effects, client.flows.get).text()
    if output is None:
        sys.stdout.write(text)
        return 0
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise KestraError(f"{output} cannot be written: {error.strerror or error}. Name another file.") from error
    print(f"{output} is written; run it with: pytest {output}")
    return 0
