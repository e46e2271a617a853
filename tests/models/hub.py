"""A hub on this machine, for tests: it serves repositories from folders, and fails in every way that a hub can fail.

`python -m tests.models.hub FOLDER` serves FOLDER/ORG/NAME as repository ORG/NAME and prints what to set HF_ENDPOINT to.
"""

import hashlib
import json
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

COMMIT = "451f4fe16113bff5a5d2269ed5ad43b0592e9a14"
LARGE = 50_000  # bytes from which on a file is kept as the hub keeps large ones, named by its SHA-256
RESOLVE = re.compile(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)")
TREE = re.compile(r"/api/models/([^/]+/[^/]+)/tree/([^/?]+)[^?]*(?:\?.*)?")
INFO = re.compile(r"/api/models/([^/]+/[^/?]+)(?:/revision/([^/?]+))?(?:\?.*)?")


@dataclass
class Moods:
    """What goes wrong. breaks: bytes after which an answer ends, times: how often it does, -1 always; silent: it sends
    nothing more instead, and keeps the line. status: answer to everything, code: the hub's word for it; ranges: whether
    a part may be asked for; wrong: another byte is sent than the hub's hash says. slow: seconds before each block.
    """

    breaks: int | None = None
    times: int = -1
    silent: bool = False
    status: int = 0
    code: str = ""
    retry_after: str = ""
    only_files: bool = False  # status is of files alone, and what is in them is told
    ranges: bool = True
    wrong: bool = False
    slow: float = 0.0


@dataclass
class Hub:
    """A hub whose repositories are folders. sent: name of a file -> bytes sent of it; asked: (name, Range header)."""

    repositories: dict[str, dict[str, Path]]  # repository -> commit, or "main" -> folder
    mood: Moods = field(default_factory=Moods)
    sent: Counter[str] = field(default_factory=Counter)
    asked: list[tuple[str, str]] = field(default_factory=list)
    endpoint: str = ""

    def commit(self, repository: str, revision: str) -> tuple[str, Path] | None:
        """The commit of a revision and its folder; "main" is the first commit that was given."""
        commits = self.repositories.get(repository, {})
        commit = next(iter(commits), "") if revision == "main" else revision
        return (commit, commits[commit]) if commit in commits else None


def described(name: str, file: Path) -> dict[str, Any]:
    """A file as the hub's answer names it."""
    return _described(name, file, file.stat().st_mtime_ns)


@cache
def _described(name: str, file: Path, _written: int) -> dict[str, Any]:
    data = file.read_bytes()
    told: dict[str, Any] = {"rfilename": name, "size": len(data), "blobId": git_hash(data)}
    if len(data) >= LARGE or name.endswith(".safetensors"):
        told["lfs"] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest(), "pointerSize": 134}
    return told


def as_tree(file: Path, folder: Path) -> dict[str, Any]:
    """A file as the hub's answer about a tree names it."""
    told = described(file.relative_to(folder).as_posix(), file)
    lfs = {"lfs": {"oid": told["lfs"]["sha256"], "size": told["size"], "pointerSize": 134}} if "lfs" in told else {}
    return {"type": "file", "path": told["rfilename"], "size": told["size"], "oid": told["blobId"], **lfs}


def git_hash(data: bytes) -> str:
    """The name that git gives a file's bytes."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Answers as the hub does."""

    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        """What a file is, as huggingface_hub asks before it fetches one."""
        wanted = RESOLVE.fullmatch(self.path)
        found = wanted and self.hub.commit(wanted[1], wanted[2])
        if not wanted or not found or not (found[1] / wanted[3]).is_file():
            self._fail(404, "EntryNotFound")
            return
        told = described(wanted[3], found[1] / wanted[3])
        self.send_response(200)
        self.send_header("X-Repo-Commit", found[0])
        self.send_header("ETag", f'"{told["lfs"]["sha256"] if "lfs" in told else told["blobId"]}"')
        self.send_header("Content-Length", str(told["size"]))
        self.end_headers()

    def do_GET(self) -> None:
        """A repository's description, or a file."""
        mood = self.hub.mood
        info, wanted, tree = (form.fullmatch(self.path) for form in (INFO, RESOLVE, TREE))
        match = info or wanted or tree
        found = match and self.hub.commit(match[1], match[2] or "main")
        if mood.status and not (mood.only_files and info):
            self._fail(mood.status, mood.code)
        elif match is None or match[1] not in self.hub.repositories:
            self._fail(401, "RepoNotFound")
        elif not found:
            self._fail(404, "RevisionNotFound")
        elif info:
            commit, folder = found
            names = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
            siblings = [described(name, folder / name) for name in names]
            self._json({"id": match[1], "sha": commit, "siblings": siblings})
        elif tree:
            self._json([as_tree(item, found[1]) for item in sorted(found[1].rglob("*")) if item.is_file()])
        elif not (found[1] / match[3]).is_file():
            self._fail(404, "EntryNotFound")
        else:
            self._file(match[3], (found[1] / match[3]).read_bytes())

    def _fail(self, status: int, code: str) -> None:
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        if self.hub.mood.retry_after:
            self.send_header("Retry-After", self.hub.mood.retry_after)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _json(self, content: Any) -> None:
        data = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _file(self, name: str, data: bytes) -> None:
        mood, asked = self.hub.mood, self.headers.get("Range", "")
        self.hub.asked.append((name, asked))
        if mood.wrong:
            data = bytes([data[0] ^ 1]) + data[1:]
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and mood.ranges else 0
        if start >= len(data) > 0:
            self._fail(416, "")
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        end = len(data)
        if mood.breaks is not None and mood.times and name.endswith(".safetensors"):
            mood.times -= 1
            end = min(end, start + mood.breaks)
        for place in range(start, end, 4096):
            block = data[place : min(place + 4096, end)]
            time.sleep(mood.slow)
            try:
                self.wfile.write(block)
            except OSError:  # the other side has gone
                return
            self.hub.sent[name] += len(block)
        self.wfile.flush()
        if end < len(data):
            if mood.silent:
                time.sleep(1.5)
            self.close_connection = True


@contextmanager
def serving(repositories: dict[str, dict[str, Path]], port: int = 0) -> Iterator[Hub]:
    """A hub that serves until the `with` ends. Its endpoint is what HF_ENDPOINT would be."""
    hub = Hub(repositories)
    server = ThreadingHTTPServer(("127.0.0.1", port), type("Bound", (Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def main() -> None:
    """Serve a folder of ORG/NAME until interrupted."""
    root = Path(sys.argv[1])
    found = {f"{folder.parent.name}/{folder.name}": {COMMIT: folder} for folder in root.glob("*/*") if folder.is_dir()}
    with serving(found) as hub:
        print(f"HF_ENDPOINT={hub.endpoint} serves {', '.join(found)}")
        threading.Event().wait()


if __name__ == "__main__":
    main()
