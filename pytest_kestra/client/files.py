"""The API's calls about namespace files."""

from __future__ import annotations

from pytest_kestra.client.transport import Transport


class NamespaceFiles:
    """Read, write and delete the files of namespaces; paths are absolute, such as `/scripts/a.sql`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def read(self, namespace: str, path: str) -> bytes:
        """Return the content of a file; NotFoundError where there is none."""
        return self._transport.request("GET", "namespaces", namespace, "files", params={"path": path}).content

    def write(self, namespace: str, path: str, content: bytes) -> None:
        """Store a file, over one that is there.

        The name of what is sent is not the file's, since of one that ends with `.zip` Kestra would store what is in it
        (`NamespaceFileController.createNamespaceFile`).
        """
        files = {"fileContent": ("file", content)}
        self._transport.request("POST", "namespaces", namespace, "files", params={"path": path}, files=files)

    def delete(self, namespace: str, path: str) -> None:
        """Delete a file, or a folder with all in it."""
        self._transport.request("DELETE", "namespaces", namespace, "files", params={"path": path})

    def names(self, namespace: str) -> list[str]:
        """Return the names of the files and folders at the top."""
        params = {"path": "/"}
        found = self._transport.json("GET", "namespaces", namespace, "files", "directory", params=params)
        return [item["fileName"] for item in found]

    def paths(self, namespace: str) -> list[str]:
        """Return the paths of all files of a namespace, sorted."""
        found: list[str] = self._transport.json("GET", "namespaces", namespace, "files", "search", params={"q": "/"})
        return sorted(found)
