"""`scenes`: drawn scenes as pictures, masks and captions, and a contact sheet of them."""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from inspector.world import Scene

HELP = "Draw scenes with exact masks and captions, and a contact sheet of them."
ON_SHEET = 64  # more would not be looked at


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--count, --seed, --size, --out."""
    parser.add_argument("--count", type=int, default=64, metavar="N", help="number of scenes (default %(default)s)")
    parser.add_argument(
        "--seed",
        type=int,
        default=500_000,
        metavar="S",
        help="first scene; training uses those below 500000 (default %(default)s)",
    )
    parser.add_argument("--size", type=int, default=256, metavar="PX", help="64 to 512 pixels (default %(default)s)")
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="write sheet.png, images/, masks/ (class ids with a palette), captions.jsonl there",
    )


def run(args: argparse.Namespace) -> None:
    """Draw and write the scenes; print how fast they were drawn and how often each class is visible."""
    import time
    from collections import Counter

    import cv2

    from inspector import world
    from inspector.cli.options import make_writable
    from inspector.cli.progress import Reporter
    from inspector.results import Progress, check_number

    check_number("count", args.count, 1, 100_000, whole=True)
    check_number("seed", args.seed, 0, 2**53, whole=True)
    check_number("size", args.size, world.MIN_SIZE, world.MAX_SIZE, whole=True)
    for folder in (args.out / "images", args.out / "masks"):
        make_writable(folder=folder)
    world.scene(args.seed, args.size)  # makes the texture tiles, which are not part of a scene's time
    seconds, shown, visible = 0.0, [], Counter[str]()
    with open(args.out / "captions.jsonl", "w", encoding="utf-8") as lines, Reporter() as report:
        for done in range(args.count):
            begun = time.process_time()
            scene = world.scene(args.seed + done, args.size)
            seconds += time.process_time() - begun
            visible.update(list(scene.masks))
            lines.write(_write(scene, args.out) + "\n")
            if done < ON_SHEET:
                shown.append(scene)
            report(Progress(done + 1, args.count, "drawing scenes"))
    sheet = world.contact_sheet(shown, columns=max(1, min(8, round(len(shown) ** 0.5))))
    cv2.imwrite(str(args.out / "sheet.png"), sheet[..., ::-1])
    print(
        f"{args.count} scenes of {args.size} px, {args.count / seconds:.0f} a second of processor time, in {args.out}"
    )
    print("\n".join(_table(world.CLASSES, visible, args.count)))


def _write(scene: "Scene", folder: Path) -> str:
    """Write the picture and the labels of a scene; the line that describes it."""
    import json

    import cv2
    from PIL import Image

    name = f"{scene.seed:06d}.png"
    cv2.imwrite(str(folder / "images" / name), scene.image[..., ::-1])
    labels = Image.fromarray(scene.labels)
    labels.putpalette(_palette().tobytes())
    labels.save(folder / "masks" / name)
    return json.dumps({"seed": scene.seed, "file": name, "caption": scene.caption, "spans": scene.spans, **scene.facts})


def _palette() -> "np.ndarray":
    """A colour for each class id, black for 0: uint8 (id, 3)."""
    import numpy as np

    from inspector import world
    from inspector.views.color import palette

    return np.concatenate([np.zeros((1, 3), np.uint8), palette(len(world.CLASSES))])


def _table(words: Sequence[str], visible: "dict[str, int]", count: int) -> Iterator[str]:
    """Three columns of: word, share of the scenes that show it."""
    cells = [f"{word:<10}{visible.get(word, 0) / count:6.1%}" for word in words]
    height = -(-len(cells) // 3)
    for row in range(height):
        yield "    ".join(cells[row::height])
