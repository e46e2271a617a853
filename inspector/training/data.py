"""Drawn scenes kept on disk, so that training draws each picture once and captions it many times.

A store is a folder with `images.npy` (uint8, memory-mapped) and `facts.jsonl`; its name carries the
world's fingerprint, so a changed world is drawn anew. Masks are dropped on the way in.
"""

import fcntl
import json
import multiprocessing
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from inspector import world
from inspector.errors import ChoiceError

CHUNK = 250  # scenes a worker draws before it reports, and what a killed run loses at most


class SceneStore:
    """`count` training scenes of `size` pixels, from seed `first` on.

    images: uint8 (scene, size, size, 3), memory-mapped. facts: one JSON-able description per scene. folder: where what
    is made of the pictures may be kept too, since a changed world gets another.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.images = np.load(folder / "images.npy", mmap_mode="r")
        with open(folder / "facts.jsonl", encoding="utf-8") as lines:
            self.facts = [json.loads(line) for line in lines]
        self.words = [visible_words(facts) for facts in self.facts]
        self.frequency = Counter(word for words in self.words for word in words)

    def __len__(self) -> int:
        return len(self.facts)

    def presence(self, rows: np.ndarray) -> np.ndarray:
        """bool (row, class): the words a full caption of each picture names."""
        return np.array([[word in self.words[row] for word in world.CLASSES] for row in rows])

    def caption(self, row: int, rng: np.random.Generator, balance: float = 0.5, full: float = 0.0) -> world.Caption:
        """A fresh caption; with probability `balance` a short one that must name a rare word.

        full: probability of one that names every visible word instead, however long that gets.
        """
        return caption_of(self.facts[row], self.words[row], self.frequency, rng, balance, full)


def caption_of(
    facts: dict,
    words: Sequence[str],
    frequency: Mapping[str, int],
    rng: np.random.Generator,
    balance: float = 0.5,
    full: float = 0.0,
) -> world.Caption:
    """`SceneStore.caption` of a scene's facts, its words, and how often each word is seen in all scenes."""
    if full and rng.random() < full:
        return world.write_caption(facts, rng, most=len(words), least=len(words))
    if words and rng.random() < balance:
        weights = np.array([1 / frequency[word] for word in words])
        focus = words[int(rng.choice(len(words), p=weights / weights.sum()))]
        return world.write_caption(facts, rng, focus=focus, most=int(rng.integers(1, 3)))
    return world.write_caption(facts, rng)


def visible_words(facts: dict) -> list[str]:
    """The distinct class words of a scene's description, in the order of world.CLASSES."""
    present = {item["word"] for item in facts["instances"]}
    return [word for word in world.CLASSES if word in present]


def scene_store(runs: Path, count: int, size: int, first: int = 0, log: Callable[[str], None] = print) -> SceneStore:
    """Draw what is missing, on all cores, and open the store.

    Raises ChoiceError when the seeds would leave the training range.
    """
    if first < world.TRAINING_SEEDS.start or first + count > world.TRAINING_SEEDS.stop:
        raise ChoiceError(f"Seeds {first} to {first + count} are not all training seeds; use fewer scenes.")
    folder = Path(runs) / f"scenes-{world.fingerprint()[:12]}-{size}-{first}-{count}"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:  # two commands started together draw once
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "facts.jsonl").exists():
            _draw_store(folder, count, size, first, log)
    return SceneStore(folder)


def _draw_store(folder: Path, count: int, size: int, first: int, log: Callable[[str], None]) -> None:
    parts = folder / "parts"
    parts.mkdir(exist_ok=True)
    jobs = [(parts, start, min(CHUNK, first + count - start), size) for start in range(first, first + count, CHUNK)]
    with multiprocessing.get_context("spawn").Pool() as pool:
        for done, _ in enumerate(pool.imap_unordered(_draw_part, jobs), 1):
            if done % 8 == 0 or done == len(jobs):
                log(f"drawing {size} px scenes: {min(done * CHUNK, count)} of {count}")
    images = np.lib.format.open_memmap(folder / "images.npy", "w+", np.uint8, (count, size, size, 3))
    lines: list[str] = []
    for _, start, number, _ in jobs:
        images[start - first : start - first + number] = np.load(parts / f"{start}.npy")
        lines += (parts / f"{start}.jsonl").read_text(encoding="utf-8").splitlines()
    images.flush()
    (folder / "facts.part").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "facts.part").replace(folder / "facts.jsonl")
    for file in parts.iterdir():
        file.unlink()
    parts.rmdir()


def _draw_part(job: tuple[Path, int, int, int]) -> None:
    parts, start, number, size = job
    if (parts / f"{start}.jsonl").exists():
        return
    scenes = [world.scene(seed, size) for seed in range(start, start + number)]
    np.save(parts / f"{start}.npy", np.stack([scene.image for scene in scenes]))
    lines = "\n".join(json.dumps(scene.facts) for scene in scenes)
    (parts / f"{start}.jsonl").write_text(lines + "\n", encoding="utf-8")
