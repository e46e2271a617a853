"""The table of bad and odd inputs and what the program answers: `python -m tests.cli.bad_inputs`."""

import contextlib
import io
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from inspector.cli import main

CLASSES = ["--classes", "car, building"]
# what, exit code, arguments; FOLDER/ stands for the folder of `make_files`
INPUTS: tuple[tuple[str, int, list[str]], ...] = (
    ("not an image", 2, ["saliency", "FOLDER/notes.png", *CLASSES]),
    ("an empty file", 2, ["saliency", "FOLDER/empty.png", *CLASSES]),
    ("a truncated file", 2, ["saliency", "FOLDER/truncated.png", *CLASSES]),
    ("no such file", 2, ["saliency", "FOLDER/missing.png", *CLASSES]),
    ("1 x 1 pixel", 2, ["saliency", "FOLDER/dot.png", *CLASSES]),
    ("20,000 x 20,000 pixels", 2, ["saliency", "FOLDER/vast.png", *CLASSES]),
    ("transparent", 0, ["saliency", "FOLDER/transparent.png", *CLASSES]),
    ("greyscale", 0, ["saliency", "FOLDER/grey.png", *CLASSES]),
    ("CMYK", 0, ["saliency", "FOLDER/cmyk.jpg", *CLASSES]),
    ("16 bits a channel", 0, ["saliency", "FOLDER/deep.png", *CLASSES]),
    ("animated", 0, ["saliency", "FOLDER/moving.gif", *CLASSES]),
    ("a prompt of 10,000 characters", 2, ["attention", "--prompt", "x" * 10_000]),
    ("an empty prompt", 2, ["attention", "--prompt", ""]),
    ("no classes", 2, ["saliency", "scene:1", "--classes", ""]),
    ("500 classes", 2, ["saliency", "scene:1", "--classes", ", ".join(f"class {number}" for number in range(500))]),
    ("a class twice", 2, ["saliency", "scene:1", "--classes", "car, car"]),
    ("a token that is not in the prompt", 2, ["attention", "--prompt", "a horse", "--token", "cow"]),
    ("0 steps", 2, ["attention", "--prompt", "a horse", "--steps", "0"]),
    ("k = 0", 2, ["clusters", "scene:1", "--k", "0"]),
    ("k of more than the pixels", 2, ["clusters", "scene:1", "--k", "1000000"]),
    ("an unknown model", 2, ["saliency", "scene:1", *CLASSES, "--clip", "ViT-Q-99"]),
    ("an unknown method", 2, ["segmentation", "scene:1", *CLASSES, "--method", "magic"]),
    ("a full disk", 2, ["saliency", "scene:1", *CLASSES, "--json", "/dev/full"]),
    ("text that is no Unicode", 2, ["attention", "--prompt", "a \udcff horse"]),
    ("a name of a file that is no Unicode", 2, ["saliency", "\udcff.png", *CLASSES]),
    ("a scene of 400 digits", 2, ["saliency", "scene:" + "9" * 400, *CLASSES]),
    ("a scene in other digits", 2, ["saliency", "scene:\u0663", *CLASSES]),
    ("a folder without a model", 2, ["clusters", "scene:1", "--diffusion", "FOLDER"]),
)


def make_files(folder: Path) -> None:
    """Pictures that are odd, and files that are none."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    plain = Image.fromarray(noise)
    (folder / "notes.png").write_text("this is no picture\n")
    (folder / "empty.png").touch()
    plain.save(folder / "whole.png")
    whole = (folder / "whole.png").read_bytes()
    (folder / "truncated.png").write_bytes(whole[: len(whole) // 2])
    Image.new("RGB", (1, 1)).save(folder / "dot.png")
    Image.new("1", (20_000, 20_000)).save(folder / "vast.png")
    plain.convert("RGBA").save(folder / "transparent.png")
    plain.convert("L").save(folder / "grey.png")
    plain.convert("CMYK").save(folder / "cmyk.jpg")
    Image.fromarray(noise[..., 0].astype(np.uint16) * 257).save(folder / "deep.png")
    plain.save(folder / "moving.gif", save_all=True, append_images=[plain.rotate(90)])


def answer(arguments: list[str], folder: Path) -> tuple[int, str]:
    """(exit code, what was said) for arguments: standard error, or standard output where that is empty."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([item.replace("FOLDER", str(folder)) for item in arguments])
    said = (err.getvalue() or out.getvalue()).strip()
    return code, said.replace(str(folder), "FOLDER")


def print_table() -> None:
    """One row per input, as Markdown."""
    print("| input | exit code | answer |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        make_files(Path(name))
        for what, _, arguments in INPUTS:
            code, said = answer(arguments, Path(name))
            shown = said.removeprefix("inspector: ") if code else "the result, as for any picture"
            print(f"| {what} | {code} | {shown} |")


if __name__ == "__main__":
    print_table()
