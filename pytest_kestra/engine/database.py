"""The engine's database in memory, and a snapshot of its empty tables.

Kestra's migrations make the tables in half a second at every start. Their result is written once, by the training run
that makes the AOT cache, and read at the next start, while Kestra's services are still being put together.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pytest_kestra.engine.jvm import java

# Milliseconds. Kestra ends its server where a lock comes late, and H2's two seconds pass quickly on a busy machine: in
# a long loop all results wait for one execution. Transactions that wait for each other are found at once, as before.
LOCK_TIMEOUT = 60_000
URL = f"jdbc:h2:mem:public;DB_CLOSE_DELAY=-1;DB_CLOSE_ON_EXIT=FALSE;LOCK_TIMEOUT={LOCK_TIMEOUT}"
USER = "sa"
# For `JdbcFlowRepositoryService` of ours: of Kestra's own indexes each begins with whether a flow is deleted.
INDEX = 'CREATE INDEX flows_revisions ON flows ("tenant_id", "namespace", "id", "revision")'


def load(snapshot: Path) -> None:
    """Create the tables from a snapshot."""
    _execute("RUNSCRIPT FROM ?", str(snapshot))


def index() -> None:
    """Create our index, when the tables are there."""
    _execute(INDEX)


def _execute(statement: str, *values: str) -> None:
    connection: Any = java("java.sql.DriverManager").getConnection(URL, USER, "")
    try:
        prepared = connection.prepareStatement(statement)
        for number, value in enumerate(values, 1):
            prepared.setString(number, value)
        prepared.execute()
    finally:
        connection.close()
