"""Serving: a page started from a given source tree, in folders and an environment of its own, measured and ended."""

import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import httpx

HERE = Path(__file__).resolve().parents[2]  # the tree that these tests belong to
START = 180.0  # seconds that a page may take to come up, on a busy machine
# Left out of a server's environment: what would make it another page than the one a row asks for.
FOREIGN = ("INSPECTOR_", "GRADIO_", "SPACE", "PYTEST", "PYTHONPATH")
LARGEST = 12_000_000_000  # bytes of addresses a server may map; beyond what it needs, and less than the machine has


def environment(home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """A process's environment: offline, one thread of arithmetic, its temporary files below `home`."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    own = {
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "GRADIO_ANALYTICS_ENABLED": "False",
        "DO_NOT_TRACK": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "GRADIO_TEMP_DIR": str(home / "gradio"),
        "TMPDIR": str(home / "tmp"),
    }
    return plain | own | dict(extra or {})


def end_cleanly() -> None:
    """Let signals that end this program end what it started first; in the background, a shell has them ignored."""
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.default_int_handler)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return trial.getsockname()[1]


class NotUpError(RuntimeError):
    """The page did not come up. log: what it printed; code: its exit code, None where it ran on."""

    def __init__(self, log: str, code: int | None) -> None:
        super().__init__(f"the page did not come up: {log[-600:]}")
        self.log, self.code = log.strip(), code


class Server:
    """`python app.py --port P` of a tree, in a `with`; killed as soon as its memory grows by more than `growth` bytes.

    home: folder of its temporary files and its log, made new, removed at the end. arguments: more of app.py.
    """

    def __init__(
        self,
        root: Path,
        extra: Mapping[str, str] | None = None,
        growth: int = 2_000_000_000,
        arguments: tuple[str, ...] = (),
        home: Path | None = None,
    ) -> None:
        self.root, self.growth, self._arguments = root, growth, arguments
        self._own = home is None
        self.home = home or Path(tempfile.mkdtemp(prefix="attacked-"))
        for name in ("gradio", "tmp"):
            (self.home / name).mkdir(exist_ok=True)
        self._environment = environment(self.home, extra)
        self.port = free_port()
        self.peak = self.first = 0  # bytes of memory: most since `mark`, and then
        self.burst = False  # whether it was killed for its memory
        self._over = threading.Event()

    @property
    def url(self) -> str:
        """The page's address, which is loopback."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "Server":
        self._log = (self.home / "log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "app.py", "--port", str(self.port), *self._arguments],
            cwd=self.root,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        resource.prlimit(self.process.pid, resource.RLIMIT_AS, (LARGEST, LARGEST))
        limit = time.monotonic() + START
        while not self.answers():
            if time.monotonic() > limit or self.process.poll() is not None:
                log, code = self.log(), self.process.poll()
                self.__exit__()
                raise NotUpError(log, code)
            time.sleep(0.2)
        self.mark()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.end(signal.SIGTERM)
        if watcher := getattr(self, "_watcher", None):
            watcher.join()
        self._log.close()
        if self._own:
            shutil.rmtree(self.home, ignore_errors=True)

    def end(self, by: signal.Signals) -> None:
        """End it by a signal, by force where it has not ended 20 s later."""
        for chosen in (by, signal.SIGKILL):
            if self.process.poll() is None:
                os.killpg(self.process.pid, chosen)
                try:
                    self.process.wait(20)
                except subprocess.TimeoutExpired:
                    continue

    def answers(self) -> bool:
        """Whether the page answers within five seconds."""
        try:
            return httpx.get(f"{self.url}/config", timeout=5, trust_env=False, verify=False).is_success
        except httpx.HTTPError:
            return False

    def alive(self) -> bool:
        """Whether the process runs."""
        return self.process.poll() is None

    def mark(self) -> None:
        """Measure growth from here on."""
        self.first = self.peak = self.memory()

    def memory(self) -> int:
        """Bytes of memory in use now, 0 of a process that is gone."""
        return self._status("VmRSS") * 1024

    def threads(self) -> int:
        """Threads of the process."""
        return self._status("Threads")

    def open_files(self) -> int:
        """Open files, sockets among them."""
        try:
            return len(os.listdir(f"/proc/{self.process.pid}/fd"))
        except FileNotFoundError:
            return 0

    def files(self) -> list[Path]:
        """Files below its temporary folders."""
        return [path for name in ("gradio", "tmp") for path in (self.home / name).rglob("*") if path.is_file()]

    def log(self) -> str:
        """What it printed."""
        return (self.home / "log").read_text(encoding="utf-8", errors="replace")

    def _status(self, name: str) -> int:
        try:
            text = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii", errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return 0
        found = re.search(rf"^{name}:\s+(\d+)", text, re.MULTILINE)  # absent of one that has ended
        return int(found[1]) if found else 0

    def _watch(self) -> None:
        while not self._over.wait(0.03):
            self.peak = max(self.peak, self.memory())
            if self.peak > self.first + self.growth:
                self.burst = True
                self.process.kill()
                return
