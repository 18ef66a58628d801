"""The command as `python -m pytest_kestra.cli`."""

from __future__ import annotations

import sys

from pytest_kestra.cli import main

if __name__ == "__main__":
    sys.exit(main())
