"""One file from the hub to the disk, so that what has come is never lost: broken off, it goes on where it stood.

The bytes gather in `HASH.incomplete` beside the blob, a name that stays the same from run to run (huggingface_hub's own
carry random letters, and start again); the blob appears once length and hash are the hub's.
"""

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from huggingface_hub.errors import HfHubHTTPError, HTTPError, OfflineModeIsEnabled
from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

from inspector.models.hub_cache import HubFile

Told = Callable[[int], None]  # bytes of the file that have come

TIMEOUT = 20.0  # seconds without a byte after which the hub counts as silent
TRIES = 4  # in a row that bring nothing
PAUSE = 1.0  # seconds before the second try, doubled each time
BLOCK = 1 << 20  # bytes that are written, and told, at once
BUSY = (408, 429, 500, 502, 503, 504)  # answers after which the same question may succeed


class WrongBytesError(Exception):
    """What came has the right length and another hash."""


def transfer(url: str, file: HubFile, blob: Path, told: Told) -> None:
    """Fetch a file into `blob`, going on from what an earlier try left.

    told: called with the bytes that have come; what it raises ends the transfer, and what has come stays. Raises
    huggingface_hub's and its HTTP library's errors, OSError where the disk cannot be written to, WrongBytesError.
    """
    part = partial(blob)
    for again in (True, False):
        _gather(url, file, part, told)
        if _hash(part, file) == file.hash:
            os.replace(part, blob)
            return
        part.unlink()  # it began as another file's, or was damaged on the way
        if not again:
            raise WrongBytesError(file.name)


def partial(blob: Path) -> Path:
    """Where the bytes of a blob gather. What other programs left of it, under random names, is taken over."""
    part = blob.with_name(f"{blob.name}.incomplete")
    if not part.exists():
        left = sorted(blob.parent.glob(f"{blob.name}.*.incomplete"), key=lambda found: found.stat().st_size)
        if left:
            os.replace(left[-1], part)
    return part


def came(blob: Path) -> int:
    """Bytes of a blob that an earlier try left."""
    left = [found.stat().st_size for found in blob.parent.glob(f"{blob.name}*.incomplete")]
    return max(left, default=0)


def _gather(url: str, file: HubFile, part: Path, told: Told) -> None:
    """Append to `part` until it has the file's length; tries again while something comes, and TRIES times if not."""
    idle = 0
    while True:
        before = part.stat().st_size if part.exists() else 0
        if before > file.size:
            part.unlink()
            before = 0
        if before == file.size and part.exists():
            return
        try:
            _append(url, file, part, before, told)
        except (HTTPError, ConnectionError, TimeoutError) as error:
            now = part.stat().st_size if part.exists() else 0
            idle = 0 if now > before else idle + 1
            if idle >= TRIES or not _passing(error):
                raise
            time.sleep(min(_asked(error), TIMEOUT) or PAUSE * 2 ** max(0, idle - 1))
            told(now)  # which may want no more


def _passing(error: Exception) -> bool:
    """Whether the same question may succeed later."""
    if isinstance(error, HfHubHTTPError):
        return error.response.status_code in BUSY
    return not isinstance(error, OfflineModeIsEnabled)


def _asked(error: Exception) -> float:
    """Seconds that the hub asks to wait, 0 where it does not."""
    told = error.response.headers.get("retry-after", "") if isinstance(error, HfHubHTTPError) else ""
    return float(told) if told.isdecimal() and len(told) < 6 else 0.0


def _append(url: str, file: HubFile, part: Path, start: int, told: Told) -> None:
    """One request for what comes after `start`. Ends early, without an error, where the hub closes early."""
    headers = {**build_hf_headers(), "Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    client: Any = get_session()
    with client.stream("GET", url, headers=headers, timeout=TIMEOUT) as response:
        if response.status_code == 416:  # what is there is no beginning of it
            part.unlink(missing_ok=True)
            raise ConnectionError("the hub has no such range")
        hf_raise_for_status(response)
        start = start if response.status_code == 206 else 0  # the hub may not know ranges, and sends it all
        come = start
        with open(part, "r+b" if part.exists() else "wb") as stream:
            stream.truncate(start)
            stream.seek(start)
            for block in response.iter_bytes(BLOCK):
                stream.write(block)
                come += len(block)
                told(min(come, file.size))
                if come > file.size:
                    break
    if come < file.size:
        raise ConnectionError(f"{come} of {file.size} bytes came")


def _hash(part: Path, file: HubFile) -> str:
    """SHA-256 where the hub tells that one, else the SHA-1 that git names a file by."""
    digest = hashlib.sha256() if len(file.hash) == 64 else hashlib.sha1(b"blob %d\0" % file.size, usedforsecurity=False)
    with open(part, "rb") as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()
