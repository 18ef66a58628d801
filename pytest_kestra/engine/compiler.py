"""Compiling the plugin's own Java sources into a jar."""

from __future__ import annotations

import os
import subprocess
import tempfile
import zipfile
from collections.abc import Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from pytest_kestra.engine.errors import EngineError
from pytest_kestra.engine.home import writing
