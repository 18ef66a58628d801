"""Threads of the engine that meet the same Java class at the same moment, before any other has."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pytest_kestra.engine.install import Installation

# With an interval of a microsecond instead of the engine's, this ends by a segmentation fault in JPype.
CODE = """
import sys, threading, zipfile
from pathlib import Path

import jpype

from pytest_kestra.engine import jvm

library, folder, *jars = sys.argv[1:]
jvm.start(Path(library), [Path(jar) for jar in jars], Path(folder))
(core,) = (jar for jar in jars if Path(jar).name.startswith("core-"))
names = [
    name.removesuffix(".class").replace("/", ".")
    for name in zipfile.ZipFile(core).namelist()
    if name.startswith("io/kestra/core/models/") and name.endswith(".class") and "$" not in name
]
loader = jpype.JClass("java.lang.Thread").currentThread().getContextClassLoader()
classes = [jpype.JClass("java.lang.Class").forName(name, False, loader) for name in names]
barrier = threading.Barrier(16)


def meet():
    for found in classes:
        barrier.wait()
        try:
            jpype.JObject("text", jpype.JClass(found))
        except TypeError:  # it is no such object, which is found out by what the class may be made of
            pass


threads = [threading.Thread(target=meet) for _ in range(16)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert len(classes) > 100
"""


def test_threads_may_meet_a_class_at_the_same_moment(installation: Installation, tmp_path: Path) -> None:
    jars = [str(jar) for jar in (installation.engine_jar, *installation.jars)]
    command = [sys.executable, "-c", CODE, str(installation.jvm), str(tmp_path), *jars]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
