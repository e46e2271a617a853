"""How far the memory that a model is said to take lies from what a command takes that uses it, at full width.

`python -m tests.models.memory` builds each model's folder with random weights, once as it is and once among other
variants of the same weights, and runs the command on it. It takes some minutes a model.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from PIL import Image

from inspector.models import catalog
from tests.models.full_size import CLASSES, PROMPT, too_large
from tests.models.owned import NAMES, Owned

APART = 0.2  # share of what is measured that an estimate may be off by
EVERY = 0.01  # seconds between two looks at a process
HEAD = f"{'model':29}{'folder':10}{'said GB':>9}{'took GB':>9}{'said / took':>13}"


@dataclass(frozen=True)
class Row:
    """said, took: GB (10^9 bytes) in float32 on the CPU. took: most private memory of the command, of no file's pages;
    0 where it failed, which `told` then says.
    """

    model: str
    folder: str
    said: float
    took: float
    told: str = ""

    @property
    def holds(self) -> bool:
        """Whether the estimate is near enough."""
        return self.took > 0 and abs(self.said / self.took - 1) <= APART

    def __str__(self) -> str:
        share = f"{self.said / self.took:.2f}" if self.took else "-"
        return f"{self.model:29}{self.folder:10}{self.said:9.2f}{self.took:9.2f}{share:>13}  {self.told}".rstrip()


def crowded(folder: Path) -> Path:
    """The folder with each weights file a second time as another variant, and one of them at its root."""
    for file in [*folder.rglob("*.safetensors")]:
        os.link(file, file.with_name(f"{file.stem}.fp16{file.suffix}"))
        if file.parent.name == "unet":
            os.link(file, folder / "v1-pruned.safetensors")
    return folder


def most_private_gb(command: Sequence[str]) -> tuple[float, str]:
    """GB of private memory at a command's highest point, 0 where it failed; and the last line of what it said."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as run:
        most, watched = 0, psutil.Process(run.pid)
        while run.poll() is None:
            try:
                told = watched.memory_info()
            except psutil.NoSuchProcess:
                break
            most = max(most, told.rss - told.shared)
            time.sleep(EVERY)
        said = (run.stderr.read() if run.stderr else "").strip().splitlines()
    return (most / 1e9, "") if run.returncode == 0 else (0.0, said[-1] if said else "")


def rows_of(name: str, at: Path) -> Iterator[Row]:
    """A model's two rows, or one that says why it cannot be built here."""
    if why := too_large(name, at):
        yield Row(name, "", 0.0, 0.0, why)
        return
    owned = Owned(name, at, full=True)
    picture = at / "picture.png"
    Image.effect_noise((512, 512), 64).convert("RGB").save(picture)
    told = {
        "clip": ["saliency", str(picture), "--classes", CLASSES, "--clip"],
        "diffusion": ["attention", "--prompt", PROMPT, "--steps", "1", "--diffusion"],
    }[owned.kind]
    for kind, folder in (("as it is", owned.folder), ("crowded", crowded(owned.folder))):
        said = catalog.spec(catalog.register_local(folder)).memory_gb()
        out = ["--out", str(at / f"out-{kind}")]
        yield Row(name, kind, said, *most_private_gb([sys.executable, "-m", "inspector", *told, str(folder), *out]))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 1 where an estimate of a model that fits this machine is too far off, 130 if interrupted."""
    parser = argparse.ArgumentParser(prog="python -m tests.models.memory", description=__doc__)
    parser.add_argument("--model", nargs="+", choices=NAMES, default=NAMES)
    asked = parser.parse_args(arguments)
    print(HEAD, flush=True)
    far = 0
    try:
        for name in asked.model:
            with TemporaryDirectory(prefix="inspector-") as made:
                for row in rows_of(name, Path(made).resolve()):
                    print(row, flush=True)
                    far += bool(row.folder) and not row.holds
    except KeyboardInterrupt:
        return 130
    return int(far > 0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
