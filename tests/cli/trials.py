"""Situations from public trackers of like programs, and what this one answers: `python -m tests.cli.trials`.

A row holds where what it looks for is found in the answer, or in what the command wrote.
"""

import contextlib
import io
import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import cv2
import numpy as np
import pillow_heif
import torch
from PIL import Image

from inspector.cli import main
from inspector.settings import settings
from inspector.views.archive import load_result
from inspector.world import scene
from tests.views.test_images import swapped_profile

SHEEP = ["--classes", "sheep, grass, sky"]
LONG = " ".join(["photo"] * 60) + " of {}"


@dataclass(frozen=True)
class Answer:
    """code: the exit code; said: everything that was printed; folder: what --out holds."""

    code: int
    said: str
    folder: Path


@dataclass(frozen=True)
class Trial:
    """kind and name, the command's words with FOLDER for where the files lie, and whether an answer is right."""

    kind: str
    name: str
    arguments: list[str]
    right: Callable[[Answer], bool]


def sheep_picture() -> tuple[np.ndarray, np.ndarray]:
    """uint8 (320, 640, 3), blue over green with a drawn sheep at its left edge, and the sheep's mask."""
    drawn = next(found for seed in range(500) if "sheep" in (found := scene(seed)).masks)
    rows, columns = np.nonzero(drawn.masks["sheep"])
    cut = np.s_[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    side = (170, 200)
    mask = cv2.resize(drawn.masks["sheep"][cut].astype(np.uint8), side, interpolation=cv2.INTER_NEAREST).astype(bool)
    wool = cv2.resize(drawn.image[cut], side, interpolation=cv2.INTER_AREA)
    image = np.empty((320, 640, 3), np.uint8)
    image[:160], image[160:] = (120, 180, 240), (90, 160, 70)
    whole = np.zeros((320, 640), bool)
    whole[110:310, 5:175] = mask
    image[110:310, 5:175][mask] = wool[mask]
    return image, whole


def make_files(folder: Path) -> None:
    """The pictures of the trials."""
    pillow_heif.register_heif_opener()
    image, mask = sheep_picture()
    np.save(folder / "mask.npy", mask)
    picture, grey = Image.fromarray(image), image.mean(2)
    picture.save(folder / "sheep.png")
    Image.fromarray((grey * 16).astype(np.uint16)).save(folder / "grey-12-in-16-bits.png")
    Image.fromarray(grey.astype(np.int32)).save(folder / "grey-8-in-32-bits.tiff")
    Image.fromarray((grey * 10).astype(np.float32)).save(folder / "grey-float-to-2550.tiff")
    exif = Image.Exif()
    exif[274] = 6
    turned = Image.fromarray(np.ascontiguousarray(np.rot90(image)))
    for kind in ("jpg", "webp"):
        turned.save(folder / f"turned.{kind}", exif=exif, quality=95)
    picture.save(folder / "sheep.avif", quality=95)
    turned.info["exif"] = exif.tobytes()
    turned.resize((2142, 4284)).save(folder / "telephone.heic", quality=90, exif=exif.tobytes())
    plain = Image.new("RGB", picture.size, "magenta")
    plain.save(folder / "default-apart.png", save_all=True, append_images=[picture, plain], default_image=True)
    picture.save(folder / "animated.webp", save_all=True, append_images=[plain], lossless=True)
    Image.fromarray(image[..., ::-1]).save(folder / "red-blue-swapped.png", icc_profile=swapped_profile())
    picture.resize((5712, 4284)).save(folder / "24-megapixels.jpg", quality=90)


def peak_on_the_sheep(answer: Answer) -> bool:
    """The maximum of the first class's map lies on the sheep, as it is seen in the picture that was analysed."""
    if answer.code:
        return False
    result = load_result(answer.folder)
    height, width = result.request.image.shape[:2]
    mask = np.load(answer.folder.parent / "mask.npy").astype(np.uint8)
    mask = cv2.dilate(cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST), np.ones((9, 9), np.uint8))
    map_ = result.maps[0]
    return bool(mask[np.unravel_index(map_.argmax(), map_.shape)])


def says(*texts: str, code: int = 2) -> Callable[[Answer], bool]:
    return lambda answer: answer.code == code and all(text in answer.said for text in texts)


def is_word(word: str, tokens: str) -> Callable[[Answer], bool]:
    """The word's map is the mean over these tokens and no others."""

    def right(answer: Answer) -> bool:
        if answer.code:
            return False
        result = load_result(answer.folder)
        return "".join(result.tokens[index].text for index in result.token_indices(word)) == tokens

    return right


def both(*checks: Callable[[Answer], bool]) -> Callable[[Answer], bool]:
    return lambda answer: all(check(answer) for check in checks)


def paints_everything(answer: Answer) -> bool:
    """A class that is given every pixel is worth its share of them."""
    found = json.loads((answer.folder / "result.json").read_text(encoding="utf-8"))
    return found["segmentation"]["metrics"]["miou"] < 0.5


def caption(answer: Answer) -> str:
    return (answer.folder / "caption.txt").read_text(encoding="utf-8")


def picture(name: str) -> list[str]:
    return ["saliency", f"FOLDER/{name}", *SHEEP]


def prompt(text: str, *more: str) -> list[str]:
    return ["attention", "--prompt", text, "--steps", "2", *more]


TRIALS: tuple[Trial, ...] = (
    Trial(
        "bits",
        "12 bits in 16",
        picture("grey-12-in-16-bits.png"),
        both(peak_on_the_sheep, says("12 of its bits", code=0)),
    ),
    Trial(
        "bits",
        "8 bits in 32",
        picture("grey-8-in-32-bits.tiff"),
        both(peak_on_the_sheep, says("8 of its bits", code=0)),
    ),
    Trial(
        "bits",
        "fractions to 2550",
        picture("grey-float-to-2550.tiff"),
        both(peak_on_the_sheep, says("values from", code=0)),
    ),
    Trial("turning", "JPEG", picture("turned.jpg"), peak_on_the_sheep),
    Trial("turning", "WebP", picture("turned.webp"), peak_on_the_sheep),
    Trial("formats", "AVIF", picture("sheep.avif"), peak_on_the_sheep),
    Trial("formats", "HEIC of a telephone, turned", picture("telephone.heic"), peak_on_the_sheep),
    Trial(
        "frames",
        "PNG, default apart",
        picture("default-apart.png"),
        both(peak_on_the_sheep, says("frame 1 of 2", code=0)),
    ),
    Trial("frames", "WebP", picture("animated.webp"), both(peak_on_the_sheep, says("frame 1 of 2", code=0))),
    Trial(
        "colour",
        "red and blue swapped by a profile",
        picture("red-blue-swapped.png"),
        both(peak_on_the_sheep, says("colour profile is applied", code=0)),
    ),
    Trial(
        "size",
        "24 megapixels",
        picture("24-megapixels.jpg"),
        both(peak_on_the_sheep, says("made smaller, from 5712", code=0)),
    ),
    Trial("borders of words", "snow", prompt("a snow-white sky and snow", "--token", "snow"), is_word("snow", "snow")),
    Trial("borders of words", "shirt", prompt("a t-shirt and a shirt", "--token", "shirt"), is_word("shirt", "shirt")),
    Trial("borders of words", "sheep", prompt("sheep's wool and sheep", "--token", "sheep"), is_word("sheep", "sheep")),
    Trial(
        "occurrences",
        "the second",
        prompt("a sheep and another sheep", "--token", "sheep#2"),
        is_word("sheep#2", "sheep"),
    ),
    Trial(
        "occurrences",
        "their mean",
        prompt("a sheep and another sheep"),
        both(is_word("sheep", "sheepsheep"), says("sheep#1", "sheep#2", code=0)),
    ),
    Trial("scripts", "an emoji", prompt("a 🐑 on grass"), says("🐑", code=0)),
    Trial("scripts", "vowel signs", prompt("एक घोड़ा"), says("घोड़ा", code=0)),
    Trial("scripts", "no spaces", prompt("一匹白马", "--token", "马"), says("马", code=0)),
    Trial("scripts", "decomposed", prompt("cafe\u0301", "--token", "caf\u00e9"), says("caf\u00e9", code=0)),
    Trial("scripts", "a curly apostrophe", prompt("the dog\u2019s bone", "--token", "dog's"), says("dog's", code=0)),
    Trial(
        "long texts",
        "template",
        ["saliency", "scene:11", *SHEEP, "--template", LONG],
        says("does not read the end of the template with 'sheep'", "of sheep"),
    ),
    Trial(
        "long texts",
        "prompt of clusters",
        ["clusters", "scene:11", "--prompt", LONG[:-3] + " end"],
        says("does not read the end of the prompt", "end”"),
    ),
    Trial(
        "scores",
        "painting everything",
        ["segmentation", "scene:11", "--classes", "sheep"],
        both(says("Every pixel counts", code=0), paints_everything),
    ),
    Trial(
        "scores",
        "a synonym in two classes",
        ["segmentation", "scene:11", "--classes", "sheep/lamb, lamb/sheep, grass"],
        says("'lamb' stands in two classes"),
    ),
    Trial(
        "lists",
        "full width and semicolons",
        ["saliency", "scene:11", "--classes", "sheep，grass；sky"],
        says("sheep ", "grass ", "sky ", code=0),
    ),
    Trial(
        "not a number",
        "a weight of to_q",
        ["NAN", *prompt("a sheep")],
        says("no numbers", "attn2 at step 1, t =", code=1),
    ),
    Trial("tracebacks", "no word", prompt("!!!"), says("!!!", code=0)),
    Trial(
        "tracebacks",
        "1000 steps",
        ["attention", "--prompt", "a sheep", "--steps", "1000", "--guidance-scale", "1"],
        says("use at most 999"),
    ),
    Trial(
        "claims",
        "options of a picture that is not made",
        [
            "attention",
            "--image",
            "FOLDER/sheep.png",
            "--prompt",
            "a sheep",
            "--steps",
            "5",
            "--guidance-scale",
            "3",
            "--scheduler",
            "euler",
        ],
        says("--steps, --scheduler, --guidance-scale would say how", "it is ignored", code=0),
    ),
    Trial(
        "claims",
        "caption of a given picture",
        ["attention", "--image", "FOLDER/sheep.png", "--prompt", "a sheep"],
        lambda answer: not {"guidance", "steps"} & set(caption(answer).split()),
    ),
    Trial("claims", "a size that is not made", prompt("a sheep", "--size", "100"), says("size is 100", "multiple of")),
    Trial(
        "usual values",
        "guidance 0",
        prompt("a sheep", "--guidance-scale", "0"),
        lambda answer: "no guidance" in caption(answer),
    ),
    Trial(
        "files",
        "one safetensors file",
        ["clusters", "scene:1", "--diffusion", "model.safetensors"],
        says("There is no file", "give the path of one of safetensors, or a folder"),
    ),
    Trial(
        "files",
        "a pickle",
        ["saliency", "scene:1", *SHEEP, "--clip", "ViT-B-16.pt"],
        says("There is no file", "give the path of one of safetensors, or a folder"),
    ),
)


@contextlib.contextmanager
def circumstances(trial: Trial) -> Iterator[list[str]]:
    """The trial's words, in its circumstances: a weight that is no number, or a host that allows a thousand steps."""
    arguments = trial.arguments
    with contextlib.ExitStack() as stack:
        if arguments[0] == "NAN":
            from inspector.models import load_diffusion

            weight = next(
                value for name, value in load_diffusion().unet.named_parameters() if name.endswith("to_q.weight")
            )
            kept = weight.detach().clone()
            stack.callback(lambda: weight.data.copy_(kept))
            with torch.no_grad():
                weight.view(-1)[0] = torch.nan
            arguments = arguments[1:]
        if "1000" in arguments:
            stack.enter_context(mock.patch.dict("os.environ", INSPECTOR_MAX_STEPS="1000"))
            settings.cache_clear()
            stack.callback(settings.cache_clear)
        yield arguments


def answer(trial: Trial, folder: Path) -> Answer:
    """What the program answers to a trial whose files `make_files` made."""
    out, said = folder / "out", io.StringIO()
    with circumstances(trial) as arguments, contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        words = [word.replace("FOLDER", str(folder)) for word in arguments]
        code = main([*words, "--out", str(out)])
    return Answer(code, said.getvalue().replace(str(folder), "FOLDER"), out)


def shown(found: Answer) -> str:
    """The answer in a line: its sentence, or what the table says of the first rows."""
    lines = [" ".join(line.split()) for line in found.said.splitlines() if line.strip() and "Step" not in line]
    told = [line.removeprefix("inspector: ") for line in lines if line.startswith("inspector: ")]
    return (told or lines or [""])[0][:160].replace("|", "/")


def print_table() -> int:
    """One row per trial, as Markdown; 1 where one does not hold."""
    print("| kind | trial | command | answer | holds |\n|---|---|---|---|---|")
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        make_files(Path(name))
        for trial in TRIALS:
            found = answer(trial, Path(name))
            holds = trial.right(found)
            failed += not holds
            command = " ".join(word if " " not in word else f'"{word}"' for word in trial.arguments)[:90].replace(
                "|", "/"
            )
            print(
                f"| {trial.kind} | {trial.name} | `{command}` | {shown(found)} | {'yes' if holds else 'NO'} |",
                flush=True,
            )
    return int(failed > 0)


if __name__ == "__main__":
    raise SystemExit(print_table())
