"""A registry of images on this machine, for Docker to pull from."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
UNKNOWN = b'{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}'
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _layer(noise: bytes) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        entry = tarfile.TarInfo("noise")
        entry.size = len(noise)
        archive.addfile(entry, io.BytesIO(noise))
    return stream.getvalue()


class Registry:
    """Hold one image with one layer, whose content is `noise`."""

    def __init__(self, name: str, tag: str, noise: bytes) -> None:
        layer = _layer(noise)
        zipped = gzip.compress(layer, mtime=0)
        config = json.dumps(
            {
                "architecture": "amd64",
                "os": "linux",
                "config": {},
                "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
            }
        ).encode()
        parts = {
            "config": {"mediaType": CONFIG, "size": len(config), "digest": _digest(config)},
            "layers": [{"mediaType": LAYER, "size": len(zipped), "digest": _digest(zipped)}],
        }
        manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, **parts}).encode()
        self.contents = {
            "/v2/": (b"{}", "application/json"),
            f"/v2/{name}/manifests/{tag}": (manifest, MANIFEST),
            f"/v2/{name}/manifests/{_digest(manifest)}": (manifest, MANIFEST),
            f"/v2/{name}/blobs/{_digest(config)}": (config, CONFIG),
            f"/v2/{name}/blobs/{_digest(zipped)}": (zipped, LAYER),
        }

    def handler(self) -> type[BaseHTTPRequestHandler]:
        contents = self.contents

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                content, kind = contents.get(
                    self.path, (b'{"errors": [{"code": "MANIFEST_UNKNOWN"}]}', "application/json")
                )
                self.send_response(200 if self.path in contents else 404)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.send_header("Docker-Content-Digest", _digest(content))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(content)

            do_HEAD = do_GET

            def log_message(self, *_: Any) -> None: ...

        return Handler


@contextmanager
def serving(registry: Registry) -> Iterator[str]:
    """Serve a registry, and give its address, which Docker trusts without TLS since it is this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), registry.handler()) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
