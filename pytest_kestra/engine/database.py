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


def load(snapshot: Path) -> None:
    """Create the tables from a snapshot."""
    connection: Any = java("java.sql.DriverManager").getConnection(URL, USER, "")
    try:
        prepared = connection.prepareStatement("RUNSCRIPT FROM ?")
        prepared.setString(1, str(snapshot))
        prepared.execute()
    finally:
        connection.close()
