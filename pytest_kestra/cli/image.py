"""`pytest-kestra image`: an image of Kestra where none can be pulled."""

from __future__ import annotations

import argparse
import sys

from pytest_kestra.cli.engine import installed
from pytest_kestra.cli.parsers import Commands, add_version, command

BUILD = "make an image of the embedded engine and this machine's own files; only Docker, Linux and the extra are needed"


def add(commands: Commands) -> None:
    """Add the command and its one action."""
    image = commands.add_parser("image", help="make an image of Kestra where none can be pulled")
    build = command(image.add_subparsers(required=True, metavar="ACTION"), "build", BUILD, _build)
    build.add_argument("--tag", metavar="NAME", help="the image's name (default: pytest-kestra/kestra:VERSION)")
    add_version(build)


def _build(options: argparse.Namespace) -> int:
    from pytest_kestra.containers import daemon, image
    from pytest_kestra.engine.progress import progress_for

    installation = installed(options, verify=False)
    tag = options.tag or image.name(installation.version)
    with daemon.connected() as client:
        image.build(client, installation, tag, progress_for(sys.stderr))
    print(f"The image {tag} is there; use it with: pytest --kestra-server=container --kestra-image={tag}")
    return 0
