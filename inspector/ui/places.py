"""Places: the folder of the page's files, which outlives neither the process nor, by much, the visitors.

Uploads, pictures, atlases and saved figures lie in a folder of this process's own. It holds a lock on it, so that the
next start knows which folders are nobody's, however their processes ended.
"""

import atexit
import logging
import os
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from inspector.errors import ChoiceError
from inspector.settings import settings
from inspector.ui import heaps

try:
    import fcntl
except ImportError:  # pragma: no cover  # a system without it: there, what a killed process left stays
    fcntl = None  # type: ignore[assignment]

LOG = logging.getLogger(__name__)
PREFIX = "dense-inspector-"
AGE = 3600.0  # seconds that a file stays after it was last used
SIZE = 4_000_000_000  # bytes of all files; above it those that were used longest ago go first
COUNT = 2000  # files, likewise: what 300 results have, and the page keeps 64
EVERY = 30.0  # seconds between two sweeps
_taken = {"bytes": 0}  # of all files at the last sweep, and of uploads since
_own: dict[str, tuple[Path, int]] = {}  # "own" -> (folder, handle that holds its lock)


def settle() -> Path:
    """The folder of this process, made on the first call; gradio is told of it. Sweeps what other starts left.

    Raises ChoiceError where nothing can be written.
    """
    if "own" in _own and _own["own"][0].is_dir():
        return _own["own"][0]
    base = Path(settings().temp or tempfile.gettempdir())
    try:
        base.mkdir(parents=True, exist_ok=True)
        for left in base.glob(f"{PREFIX}*"):
            _clear_if_nobodys(left)
        own = base / f"{PREFIX}{secrets.token_hex(8)}"
        own.mkdir(mode=0o700)
        (own / "probe").write_bytes(b"0" * 65_536)
        (own / "probe").unlink()
    except OSError as error:
        raise ChoiceError(
            f"Nothing can be written to {base}: {error.strerror}; free some space there, or name another folder by "
            "GRADIO_TEMP_DIR."
        ) from None
    _own["own"] = own, _lock(own)
    os.environ["GRADIO_TEMP_DIR"] = str(own)
    process = os.getpid()
    atexit.register(lambda: leave() if os.getpid() == process else None)  # a forked one is only a guest
    return own


def leave() -> None:
    """Clear the folder of this process away."""
    own, handle = _own.pop("own", (None, -1))
    if own is not None:
        shutil.rmtree(own, ignore_errors=True)
        with suppress(OSError):
            os.close(handle)


def keep_swept() -> None:
    """Sweep the folder of this process from time to time, and its heaps, for as long as there is one.

    What lies in it now, the page's own pictures, stays.
    """
    kept = {path for _, _, path in _files(settle())}

    def work() -> None:
        while "own" in _own:
            sweep(_own["own"][0], kept)
            heaps.give_back()
            time.sleep(EVERY)

    threading.Thread(target=work, daemon=True, name="sweeping").start()


def sweep(
    folder: Path,
    kept: Collection[Path] = (),
    age: float = AGE,
    size: int = SIZE,
    count: int = COUNT,
    now: float | None = None,
) -> None:
    """Delete files that nobody used for `age` seconds, then the oldest until `count` are left and have `size` bytes.

    Then empty folders. kept: files that stay. now: seconds since the epoch; None is the clock's.
    """
    clock = time.time() if now is None else now
    total = left = 0
    for used, length, path in sorted(_files(folder), reverse=True):  # the newest first
        if path in kept:
            continue
        total, left = total + length, left + 1
        if clock - used > age or total > size or left > count:
            with suppress(OSError):
                path.unlink()
                total, left = total - length, left - 1
    _taken["bytes"] = total
    for place, _, _ in os.walk(folder, topdown=False):
        # One that was made a moment ago is about to be written to.
        with suppress(OSError):
            if Path(place) != folder and clock - os.stat(place).st_mtime > EVERY:
                os.rmdir(place)  # refuses one that holds something


def room(length: int) -> bool:
    """Whether so many bytes more may be uploaded before the next sweep, which counts them as taken."""
    if _taken["bytes"] + length > 2 * SIZE:
        return False
    _taken["bytes"] += length
    return True


def touch(path: Path) -> None:
    """Count a file as used now."""
    with suppress(OSError):
        os.utime(path)


def _files(folder: Path) -> Iterator[tuple[float, int, Path]]:
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place, name)
            with suppress(OSError):
                told = path.lstat()
                yield max(told.st_mtime, told.st_ctime), told.st_size, path


def _lock(folder: Path) -> int:
    """An open handle that holds the folder's lock until it is closed, by whatever way the process ends."""
    handle = os.open(folder, os.O_RDONLY)
    if fcntl is not None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return handle


def _clear_if_nobodys(folder: Path) -> None:
    if fcntl is None:
        return
    try:
        handle = _lock(folder)
    except OSError:  # somebody's
        return
    shutil.rmtree(folder, ignore_errors=True)
    os.close(handle)
