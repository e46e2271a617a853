"""Ground: what a row of the table attacks, and what it says of it."""

import contextlib
import itertools
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.reliability.calling import Answer, Visitor
from tests.reliability.serving import HERE, Server, environment

EASY = {"scene": 500_001, "classes": "car, building"}  # of the saliency tab, answered in a second


class NotTriedError(Exception):
    """This machine does not let a row be tried; says what is missing."""


class BrokenPageError(Exception):
    """A browser did not find on the page what a row looks for."""


@dataclass(frozen=True)
class Verdict:
    """holds: whether the program held. said: a word and what was seen, such as "READ: ..." or "refused: ..."."""

    holds: bool
    said: str


@dataclass(frozen=True)
class Row:
    """item: of the issue. title: the attack or fault, in words. run: tries it."""

    item: int
    title: str
    run: Callable[["Ground"], Verdict]

    @property
    def key(self) -> str:
        """Its name in records."""
        return self.run.__name__


class Ground:
    """A tree under attack: one server that rows share, started anew once a row has broken it, and a folder outside it.

    Use in a `with`. Each visitor has a loopback address of its own, so that rows do not use up each other's share.
    """

    def __init__(self, root: Path = HERE) -> None:
        self.root = root
        self._stack = contextlib.ExitStack()
        self._server: Server | None = None
        self._addresses = itertools.count(1)

    def __enter__(self) -> "Ground":
        self.outside = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="outside-")))
        seen = np.random.default_rng(5).integers(0, 256, (48, 64, 3), dtype=np.uint8)
        self.pixels = seen  # what only somebody who may read the folder knows
        Image.fromarray(seen).save(self.outside / "private.png")
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.__exit__()
        self._stack.close()

    @property
    def private(self) -> Path:
        """A picture that no visitor gave."""
        return self.outside / "private.png"

    def server(self) -> Server:
        """The shared server, well: it answers a small run in a minute."""
        if self._server is not None and not self._well(self._server):
            self._server.__exit__()
            self._server = None
        if self._server is None:
            self._server = Server(self.root).__enter__()
            self._well(self._server)
        return self._server

    def _well(self, server: Server) -> bool:
        if not (server.alive() and server.answers()):
            return False
        with self.visitor(server) as somebody:
            return somebody.ask("saliency", EASY).done

    @contextlib.contextmanager
    def own(self, extra: Mapping[str, str] | None = None, **options: Any) -> Iterator[Server]:
        """A server for one row alone, warm. extra: of its environment; options: of `Server`."""
        with Server(self.root, extra, **options) as server:
            self._well(server)
            server.mark()
            yield server

    def address(self) -> str:
        """A loopback address that nobody called from yet."""
        number = next(self._addresses)
        return f"127.0.{16 + number // 250}.{1 + number % 250}"

    def visitor(self, server: Server, patience: float = 60, headers: Mapping[str, str] | None = None) -> Visitor:
        """Somebody who was not here yet."""
        return Visitor(server.url, self.address(), headers, patience)

    def command(
        self,
        *arguments: str | bytes,
        extra: Mapping[str, str] | None = None,
        root: Path | None = None,
        limit: float = 60,
    ) -> tuple[int | None, str]:
        """(exit code, last of what was said on standard error) of `python ...`; None where it ran on past the limit."""
        with tempfile.TemporaryDirectory(prefix="command-") as home:
            for name in ("gradio", "tmp"):
                (Path(home) / name).mkdir()
            try:
                ended = subprocess.run(
                    [sys.executable, *arguments],
                    cwd=root or self.root,
                    env=environment(Path(home), extra),
                    capture_output=True,
                    timeout=limit,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                return None, ""
        return ended.returncode, ended.stderr.decode(errors="replace").strip()

    def python(self, code: str, extra: Mapping[str, str] | None = None) -> str:
        """What a few lines of Python print, run where the attacked tree is."""
        with tempfile.TemporaryDirectory(prefix="asked-") as home:
            for name in ("gradio", "tmp"):
                (Path(home) / name).mkdir()
            ran = subprocess.run(
                [sys.executable, "-c", code],
                cwd=self.root,
                env=environment(Path(home), extra),
                capture_output=True,
                text=True,
                timeout=120,
                check=True,
            )
        return ran.stdout.strip()

    @contextlib.contextmanager
    def copy(self) -> Iterator[Path]:
        """The program and its assets once more, to be changed."""
        with tempfile.TemporaryDirectory(prefix="copy-") as place:
            copied = Path(place) / "tree"
            copied.mkdir()
            shutil.copy(self.root / "app.py", copied)
            for name in ("inspector", "assets"):
                left_out = shutil.ignore_patterns("__pycache__")
                shutil.copytree(self.root / name, copied / name, ignore=left_out)
            yield copied


def refused(answer: Answer) -> Verdict:
    """The verdict on an answer that must be no."""
    if answer.told:
        return Verdict(True, f"refused: {answer.sentence}")
    if answer.event == "silence":
        return Verdict(False, f"HELD: no answer in {answer.seconds:.0f} s")
    if answer.done:
        return Verdict(False, "ANSWERED: as if it were right")
    if answer.event == "cut":
        return Verdict(False, "CUT: the connection broke")
    if answer.event == "refused":
        return Verdict(False, f"NULL: status {answer.status} and {answer.sentence[:60]!r}")
    return Verdict(False, f"NULL: an error that says {answer.sentence[:60]!r}")


def worst(verdicts: Mapping[str, Verdict]) -> Verdict:
    """One verdict on several ways of the same attack: it holds where all do, and names those that do not."""
    failed = {way: verdict for way, verdict in verdicts.items() if not verdict.holds}
    if not failed:
        return Verdict(True, next(iter(verdicts.values())).said)
    told = "; ".join(f"{way}: {verdict.said}" for way, verdict in list(failed.items())[:3])
    return Verdict(False, f"{len(failed)} of {len(verdicts)}: {told}")
