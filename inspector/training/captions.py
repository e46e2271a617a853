"""Captions of a store's scenes, written and tokenised beforehand by all cores, so that no step waits for a sentence."""

import hashlib
import multiprocessing
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap

from inspector.models.tokenizer import open_fast_tokenizer
from inspector.training.data import SceneStore, caption_of

PER_SCENE = 6
FULL = 3  # of them name every visible word, the others are as they come
CHUNK = 1_000  # scenes a worker captions before it reports; fewer in all are not worth a second process
Job = tuple[int, Sequence[dict], Sequence[Sequence[str]], Mapping[str, int], Path]


def prepared_captions(
    store: SceneStore, scenes: int, tokenizer: Path, log: Callable[[str], None] = print
) -> np.ndarray:
    """Token ids int16 (scene, PER_SCENE, length) of the first scenes, memory-mapped, padded with the end of text.

    tokenizer: a folder that transformers reads; another one's ids are kept in another file beside the pictures. The
    same store and tokenizer give the same captions, however many cores write them.
    """
    key = hashlib.sha256((tokenizer / "tokenizer.json").read_bytes()).hexdigest()[:12]
    file = store.folder / f"captions-{scenes}-{PER_SCENE}-{key}.npy"
    if not file.exists():
        jobs: list[Job] = []
        for start in range(0, scenes, CHUNK):
            rows = slice(start, min(start + CHUNK, scenes))
            jobs.append((start, store.facts[rows], store.words[rows], store.frequency, tokenizer))
        if len(jobs) == 1:
            _write(file, scenes, map(_caption, jobs), log)
        else:
            with multiprocessing.get_context("spawn").Pool() as pool:
                _write(file, scenes, pool.imap_unordered(_caption, jobs), log)
    return np.load(file, mmap_mode="r")


def _write(file: Path, scenes: int, found: Iterable[tuple[int, np.ndarray]], log: Callable[[str], None]) -> None:
    """Put what workers found, (first scene, ids), into the file: whole or not at all."""
    part, values = file.with_suffix(".part"), None
    for start, ids in found:
        if values is None:
            values = open_memmap(part, "w+", np.int16, (scenes, *ids.shape[1:]))
        values[start : start + len(ids)] = ids
        log(f"captions of {start + len(ids)} of {scenes} scenes")
    part.replace(file)


def _caption(job: Job) -> tuple[int, np.ndarray]:
    start, facts, words, frequency, folder = job
    rng, tokenizer = np.random.default_rng([start, 19_991]), open_fast_tokenizer(folder)
    texts = [
        caption_of(facts[row], words[row], frequency, rng, full=float(number < FULL)).text
        for row in range(len(facts))
        for number in range(PER_SCENE)
    ]
    ids = tokenizer(texts, padding="max_length", truncation=True, return_tensors="np").input_ids
    return start, ids.astype(np.int16).reshape(len(facts), PER_SCENE, -1)
