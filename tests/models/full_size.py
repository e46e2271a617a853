"""Which model works on which tab from which form that a person may own it in, and what it costs, as a table.

`python -m tests.models.full_size` builds every form in a temporary folder, with random weights, opens it as a person
would, runs every tab with it, and prints a row of each; `--help` lists what can be left out. It takes an hour or more.
"""

import argparse
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from diffusers import DiffusionPipeline
from huggingface_hub import constants, hf_api
from open_clip.pretrained import download_pretrained_from_hf

from inspector.errors import InspectorError
from inspector.models import catalog, loading, placement
from inspector.models.files import CLIP_CONFIG, CLIP_WEIGHTS
from inspector.models.listed import Kind
from inspector.pipelines import attention, clusters, saliency, segmentation
from inspector.results import (
    INVERSION,
    AttentionRequest,
    ClustersRequest,
    Edit,
    SaliencyRequest,
    SegmentationRequest,
)
from inspector.settings import settings
from tests.models.hub import Hub, serving
from tests.models.owned import FILES, NAMES, PUBLISHED, Owned, weights_needed

PROMPT, SOURCE, CLASSES = "a horse on the grass", "a car on the grass", "horse, grass"
SIDES = {False: 128, True: 256}  # pixels of the pictures, at small and at full width
STEPS = 2
WORKS = "works"
BUILT = 6  # bytes a weight while a model is built or opened: float32 beside the half precision of its files
COPIES = 4 * 2  # bytes a weight on the disk: in half precision as a folder, a file, in the cache, and fetched


def _saliency(name: str, image: np.ndarray) -> Any:
    return saliency.run(SaliencyRequest(image, CLASSES, model=name))


def _by_clip(name: str, image: np.ndarray) -> Any:
    return segmentation.run(SegmentationRequest(image, CLASSES, method="maskclip", clip=name))


def _attend(name: str, **more: Any) -> Any:
    usual = {**catalog.usual_values(name), "steps": STEPS}
    return attention.run(AttentionRequest(PROMPT, model=name, **usual, **more))


def _attention(name: str, image: np.ndarray) -> Any:
    return _attend(name, size=len(image))


def _edit(name: str, image: np.ndarray) -> Any:
    return _attend(name, size=len(image), edit=Edit(SOURCE))


def _inversion(name: str, image: np.ndarray) -> Any:
    return _attend(name, image=image, arms=(INVERSION,))


def _clusters(name: str, image: np.ndarray) -> Any:
    return clusters.run(ClustersRequest(image, k=3, restarts=2, model=name))


def _by_attention(name: str, image: np.ndarray) -> Any:
    asked = SegmentationRequest(image, CLASSES, method="attention", diffusion=name, side=len(image))
    return segmentation.run(asked)


TABS: Mapping[Kind, Mapping[str, Callable[[str, np.ndarray], Any]]] = {
    "clip": {"saliency": _saliency, "segmentation": _by_clip},
    "diffusion": {
        "attention": _attention,
        "prompt-to-prompt": _edit,
        "inversion": _inversion,
        "clusters": _clusters,
        "segmentation": _by_attention,
    },
}
TAB_NAMES = tuple(dict.fromkeys(tab for tabs in TABS.values() for tab in tabs))


@dataclass(frozen=True)
class Row:
    """One tab with one form of a model.

    width: "full" or "small". opened, ran: seconds; that of opening stands in each row of a form. fetched: bytes that
    the hub sent since the form was asked for. told: "works", the sentence of the refusal, or "FAULT: " and an exception
    that nobody foresaw. note: why the width is small where full was asked for.
    """

    model: str
    width: str
    form: str
    tab: str
    opened: float
    ran: float
    fetched: int
    told: str
    note: str = ""

    def __str__(self) -> str:
        seconds = f"{self.opened:9.1f}{self.ran:9.1f}{self.fetched:16,}"
        note = f" ({self.note})" if self.note else ""
        return f"{self.model:29}{self.width:7}{self.form:14}{self.tab:18}{seconds}  {self.told}{note}"


HEAD = f"{'model':29}{'width':7}{'form':14}{'tab':18}{'open s':>9}{'run s':>9}{'fetched bytes':>16}  what happens"


def _folder(owned: Owned, hub: Hub) -> str:
    return str(owned.folder)


def _transformers(owned: Owned, hub: Hub) -> str:
    return str(owned.transformers)


def _file(owned: Owned, hub: Hub) -> str:
    return str(owned.file)


def _cache(owned: Owned, hub: Hub) -> str:
    """The hub's cache, filled by the model's own library; by a path in it where the catalog has no name for it."""
    hub.repositories[owned.source] = {owned.commit: owned.repository}
    cache = _use_cache(owned.at / "cache")
    if owned.kind == "clip":
        for name in (CLIP_CONFIG, CLIP_WEIGHTS[0]):
            download_pretrained_from_hf(owned.source, filename=name, cache_dir=cache)
    else:
        options = {"variant": owned.variant or None, "use_safetensors": True, "cache_dir": cache}
        DiffusionPipeline.download(owned.source, revision=owned.commit, **options)
    return owned.source if owned.spec else str(cache / f"models--{owned.source.replace('/', '--')}")


def _hub(owned: Owned, hub: Hub) -> str:
    hub.repositories[owned.source] = {owned.commit: owned.repository}
    _use_cache(owned.at / "fetched")
    return owned.source


FORMS: Mapping[str, Callable[[Owned, Hub], str]] = {  # form -> builds it and gives what a person would write
    "folder": _folder,
    "transformers": _transformers,
    "file": _file,
    "cache": _cache,
    "hub": _hub,
}


def forms_of(owned: Owned) -> tuple[str, ...]:
    """The forms that a model is published in."""
    left = ["transformers"] if owned.kind == "diffusion" else []
    if owned.kind == "diffusion" and PUBLISHED[owned.name].pipeline not in FILES:
        left.append("file")
    return tuple(form for form in FORMS if form not in left)


def _use_cache(folder: Path) -> Path:
    constants.HF_HUB_CACHE = str(folder)
    return folder


@contextmanager
def hub_alone() -> Iterator[Hub]:
    """A hub on this machine in place of the real one, and caches, names and settings as they were afterwards."""
    with serving({}) as hub, ExitStack() as stack:
        url = f"{hub.endpoint}/{{repo_id}}/resolve/{{revision}}/{{filename}}"  # made when the library is imported
        told = {"ENDPOINT": hub.endpoint, "HUGGINGFACE_CO_URL_TEMPLATE": url, "HF_HUB_OFFLINE": False}
        stack.enter_context(patch.multiple(constants, HF_HUB_CACHE="", **told))
        stack.enter_context(patch.object(hf_api.api, "endpoint", hub.endpoint))
        stack.enter_context(patch.dict(os.environ, {"INSPECTOR_OFFLINE": "0", "INSPECTOR_HUB": "1"}))
        stack.enter_context(patch.dict(catalog.CATALOG))
        os.environ.pop("INSPECTOR_CACHE", None)
        settings.cache_clear()
        try:
            yield hub
        finally:
            settings.cache_clear()
            loading.unload()


def too_large(name: str, at: Path) -> str:
    """Why a model cannot be built at full width on this machine, "" where it can."""
    count, working = weights_needed(name)
    for what, needed, free in (
        ("memory", count * BUILT / 1e9 + working, placement.free_gb(torch.device("cpu"))),
        ("disk", count * COPIES / 1e9, shutil.disk_usage(at).free / 1e9),
    ):
        if needed > free:
            return f"full width needs {needed:.1f} GB of {what} and {free:.1f} are free"
    return ""


def rows_of(name: str, forms: Sequence[str], tabs: Sequence[str], full: bool, hub: Hub, at: Path) -> Iterator[Row]:
    """The rows of a model, whose forms are built under `at` and opened once each."""
    note = too_large(name, at) if full else ""
    owned = Owned(name, at, full and not note)
    wanted = [tab for tab in TABS[owned.kind] if tab in tabs]
    for form in [form for form in forms_of(owned) if form in forms and wanted]:
        with _as_small(owned):
            yield from _rows_of_form(owned, form, wanted, note, hub)
            loading.unload()


def _rows_of_form(owned: Owned, form: str, tabs: Sequence[str], note: str, hub: Hub) -> Iterator[Row]:
    image = np.random.default_rng(0).integers(0, 256, (SIDES[owned.full],) * 2 + (3,), dtype=np.uint8)
    print(f"{owned.name}: {form}", file=sys.stderr)
    _, told, written = _guarded(owned.at, FORMS[form], owned, hub)
    hub.sent.clear()
    seconds, name = 0.0, ""
    if told == WORKS:
        seconds, told, name = _guarded(owned.at, _opened, written, owned.kind)
    row = Row(owned.name, "full" if owned.full else "small", form, "", seconds, 0.0, 0, told, note)
    for tab in tabs:
        ran = 0.0
        if row.told == WORKS:
            print(f"{owned.name}: {form}: {tab}", file=sys.stderr)
            ran, told, _ = _guarded(owned.at, TABS[owned.kind][tab], name, image)
        yield replace(row, tab=tab, ran=ran, fetched=sum(hub.sent.values()), told=told)


def _opened(written: str, kind: Kind) -> str:
    name = catalog.choose(written, kind)
    (loading.load_clip if kind == "clip" else loading.load_diffusion)(name)
    return name


@contextmanager
def _as_small(owned: Owned) -> Iterator[None]:
    """While it lasts the catalog's entry of a model is as small as the model; a CLIP's sizes are read from its file."""
    if owned.full or owned.spec is None:
        yield
        return
    small = catalog.spec(catalog.register_local(owned.folder))
    sizes = {"parameters": small.parameters, "working_gb": small.working_gb, "architecture": ""}
    with patch.dict(catalog.CATALOG, {owned.name: replace(owned.spec, **sizes)}):
        yield


def _guarded(at: Path, act: Callable[..., Any], *given: Any) -> tuple[float, str, Any]:
    """Seconds that it took; "works", a refusal's sentence or a fault, `at` left out of paths; and what was returned."""
    start, told, found = time.perf_counter(), WORKS, None
    try:
        found = act(*given)
    except InspectorError as error:
        told = str(error)
    except Exception as error:  # noqa: BLE001 - the table is there to find what nobody foresaw
        told = f"FAULT: {type(error).__name__}: {' '.join(str(error).split())[:300]}"
    return time.perf_counter() - start, told.replace(f"{at}/", ""), found


def table(names: Sequence[str], forms: Sequence[str], tabs: Sequence[str], full: bool) -> Iterator[Row]:
    """All rows, model after model; what was built for one is removed before the next is."""
    with hub_alone() as hub:
        for name in names:
            with TemporaryDirectory(prefix="inspector-") as made, patch.dict(catalog._LOCAL):
                yield from rows_of(name, forms, tabs, full, hub, Path(made).resolve())
            hub.repositories.clear()


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 1 where a row is a fault, 130 where it was interrupted, else 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.models.full_size", description=__doc__)
    for option, choices in (("model", NAMES), ("form", FORMS), ("tab", TAB_NAMES)):
        parser.add_argument(f"--{option}", nargs="+", choices=tuple(choices), default=tuple(choices))
    parser.add_argument("--width", choices=("small", "full"), default="full")
    parser.add_argument("--json", type=Path, help="file for the rows")
    asked = parser.parse_args(arguments)
    rows: list[Row] = []
    print(HEAD, flush=True)
    found = table(asked.model, asked.form, asked.tab, asked.width == "full")
    try:
        for row in found:
            rows.append(row)
            print(row, flush=True)
    except KeyboardInterrupt:
        print("interrupted; what was built is removed", file=sys.stderr)
        return 130
    finally:
        found.close()
        if asked.json:
            asked.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n", "utf-8")
    return int(any(row.told.startswith("FAULT") for row in rows))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
