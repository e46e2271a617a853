"""Rehearsal: the start of a program as a ZeroGPU host sees it, with a stand-in for the host's own module.

A script that `hosting` runs in the program's folder, in an interpreter of its own, since nothing can be un-imported:

    python -P inspector/rehearsal.py app.py saliency attention ...

It prints a line for each pipeline whose stream asks for no GPU, and ends with a traceback where the program would.
"""

import importlib
import multiprocessing
import runpy
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType
from typing import Any, NoReturn

import torch

LENT = "lent"


class Host(MetaPathFinder, Loader):
    """Finds and makes `spaces`, which does at its import what version 0.51 does, and lends a GPU by saying so."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> Any:
        """Only for `spaces`."""
        return spec_from_loader(fullname, self) if fullname == "spaces" else None

    def create_module(self, spec: ModuleSpec) -> None:
        """An ordinary module."""

    def exec_module(self, module: ModuleType) -> None:
        """Raise ImportError while gradio is being imported, and RuntimeError once torch was asked for CUDA."""
        if "gradio" in sys.modules and not hasattr(sys.modules["gradio"], "Blocks"):
            raise ImportError("gradio is not to import it")
        with ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as child:
            if child.submit(asked_for_cuda).result():
                raise RuntimeError("CUDA was asked for before spaces was imported, which must be the first import")
        setattr(module, "GPU", lambda duration: lambda stream: lend)  # noqa: B010, as mypy knows no such attribute


def asked_for_cuda() -> bool:
    """In a forked process: whether the one before it asked for a device, if only whether there is one."""
    return bool(torch.cuda._is_in_bad_fork())


def lend(request: Any) -> Iterator[str]:
    """What a stream becomes that asks for the GPU."""
    yield LENT


def touched() -> NoReturn:
    """Instead of CUDA's start."""
    raise RuntimeError("CUDA is touched at import, where a ZeroGPU host has none; do it in a run")


def rehearse(app: str, tabs: Sequence[str]) -> None:
    """Import what `app` and then the page import, in their order, and ask every pipeline for its first word."""
    sys.path.insert(0, "")
    sys.meta_path.insert(0, Host())
    torch.cuda._lazy_init = touched
    runpy.run_path(app)
    importlib.import_module("inspector.ui.shell")
    for tab in tabs:
        stream = importlib.import_module(f"inspector.pipelines.{tab}").stream
        try:
            borrows = next(stream(None)) == LENT
        except AttributeError:  # it looked into the request, which is none
            borrows = False
        if not borrows:
            print(f"the stream of inspector/pipelines/{tab}.py asks for no GPU; decorate it with gpu(...)")


if __name__ == "__main__":
    rehearse(sys.argv[1], sys.argv[2:])
