"""Tiny data sets in the layouts of the large ones: pictures of 24 x 16 pixels with masks of few values."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 24, 16


def picture(file: Path, seed: int = 0, size: tuple[int, int] = (WIDTH, HEIGHT)) -> None:
    """Noise, as a JPEG or PNG."""
    file.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    Image.fromarray(noise).save(file)


def halves(left: int, right: int, dtype: type = np.uint8) -> np.ndarray:
    """(HEIGHT, WIDTH) of two values."""
    values = np.full((HEIGHT, WIDTH), left, dtype)
    values[:, WIDTH // 2 :] = right
    return values


def mask(file: Path, values: np.ndarray, palette: bool = False) -> None:
    """A mask of 8 or 16 bits."""
    file.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(values)
    if palette:
        image = image.convert("L")
        image.putpalette([number * 7 % 256 for number in range(768)])
    image.save(file)


def voc(root: Path) -> None:
    """Two pictures: background and aeroplane (1); void and tv monitor (20)."""
    for number, values in enumerate([halves(0, 1), halves(255, 20)]):
        picture(root / f"JPEGImages/p{number}.jpg", number)
        mask(root / f"SegmentationClass/p{number}.png", values, palette=True)
    lists = root / "ImageSets/Segmentation"
    lists.mkdir(parents=True)
    (lists / "val.txt").write_text("p0\np1\n", "utf-8")


def context(root: Path, size: int) -> None:
    """One picture of class 0 and the last, one of the last and void; JPEGImages holds one more, as VOC's does."""
    dtype, void, ending = (np.uint8, 255, "png") if size == 59 else (np.uint16, 65535, "tif")
    for number, values in enumerate([halves(0, size - 1, dtype), halves(size - 1, void, dtype)]):
        picture(root / f"JPEGImages/p{number}.jpg", number)
        mask(root / f"annotations_detectron2/pc{size}_val/p{number}.{ending}", values)
    picture(root / "JPEGImages/other.jpg")


def ade(root: Path) -> None:
    """One picture of void (0) and flag (150)."""
    picture(root / "images/validation/ADE_val_00000001.jpg")
    mask(root / "annotations/validation/ADE_val_00000001.png", halves(0, 150))


def ade_full(root: Path) -> None:
    """One picture of class 846 and void, with its own list of classes."""
    picture(root / "images_detectron2/validation/ADE_val_00000001.jpg")
    mask(root / "annotations_detectron2/validation/ADE_val_00000001.tif", halves(846, 65535, np.uint16))
    (root / "classes.txt").write_text("".join(f"class {number}\n" for number in range(847)), "utf-8")


def coco(root: Path) -> None:
    """One picture: a person, and a wall ("wall-other-merged", 199) whose id needs all three colours; a row of void."""
    picture(root / "val2017/000000000001.jpg")
    ids = halves(7, 70_000, np.uint32)
    ids[0] = 0
    colours = np.stack([ids % 256, ids // 256 % 256, ids // 65536], -1).astype(np.uint8)
    mask(root / "panoptic_val2017/000000000001.png", colours)
    segments = [{"id": 7, "category_id": 1}, {"id": 70_000, "category_id": 199}]
    told = {"annotations": [{"file_name": "000000000001.png", "segments_info": segments}]}
    (root / "annotations").mkdir()
    (root / "annotations/panoptic_val2017.json").write_text(json.dumps(told), "utf-8")


def coco_stuff(root: Path) -> None:
    """One picture: banner (category 92, so 91) and unlabelled (255)."""
    picture(root / "val2017/000000000001.jpg")
    mask(root / "stuffthingmaps/val2017/000000000001.png", halves(91, 255))


def folder(root: Path, count: int = 3, classes: str = "background\ncat\ndog, hound\n", side: int = 1) -> None:
    """`count` pictures, background on the left and cat or dog on the right. side: times the usual size."""
    for number in range(count):
        picture(root / f"images/p{number}.png", number, (WIDTH * side, HEIGHT * side))
        mask(root / f"masks/p{number}.png", np.kron(halves(0, 1 + number % 2), np.ones((side, side), np.uint8)))
    (root / "classes.txt").write_text(classes, "utf-8")


def spoil(root: Path) -> dict[str, str]:
    """Of a `folder` of eight pictures six are spoilt; key -> what its error says."""
    mask(root / "masks/p1.png", halves(0, 9))
    mask(root / "masks/p2.png", halves(0, 1)[:8])
    (root / "images/p3.png").unlink()
    (root / "masks/p4.png").unlink()
    whole = (root / "images/p5.png").read_bytes()
    (root / "images/p5.png").write_bytes(whole[: len(whole) // 2])
    (root / "masks/p6.png").write_bytes(b"no picture")
    return {
        "p1": "holds 9 in",
        "p2": "they belong to different pictures",
        "p3": "There is no picture",
        "p4": "There is no mask",
        "p5": "damaged or cut off",
        "p6": "is not a picture that can be read",
    }
