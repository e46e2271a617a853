"""Rows: memory that a request takes, and weights whose bytes were changed."""

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from tests.reliability import page
from tests.reliability.calling import API, Answer
from tests.reliability.ground import EASY, Ground, Row, Verdict, refused

MANY = ", ".join(f"thing {number}" for number in range(64))
MOST = 900_000_000  # bytes above what the server had: 256 MB of the budget, and 64 maps of 1,024 x 1,024 pixels

MANY_PICTURES = (
    1_500_000_000  # bytes; what each thread's share of the heap keeps of 16 million pixels, and a few at work
)


def many_classes(ground: Ground) -> Verdict:
    """Grad-CAM with class pooling of 64 classes on a picture of 1,024 pixels."""
    packed = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (1024, 1024, 3), dtype=np.uint8)).save(packed, "PNG")
    with ground.own(growth=2_500_000_000) as server, ground.visitor(server, patience=400) as visitor:
        place = visitor.upload(packed.getvalue())
        assert isinstance(place, str), place
        sent = {"path": place, "meta": {"_type": "gradio.FileData"}}
        answer = visitor.ask("saliency", {"image": sent, "classes": MANY, "pooling": "class", "side": 1024})
        grown = server.peak - server.first
        if server.burst:
            return Verdict(False, f"TOOK: more than {grown / 1e9:.1f} GB, then the server was ended")
    took = f"memory grew by {grown / 1e6:.0f} MB in {answer.seconds:.0f} s"
    if grown > MOST:
        return Verdict(False, f"TOOK: {took}")
    return Verdict(answer.done, f"answered: {took}") if answer.done else refused(answer)


def large_pictures_at_once(ground: Ground) -> Verdict:
    """Forty quiet questions at once, each about a picture of 16 million pixels in a small file."""
    packed = io.BytesIO()
    Image.new("1", (3990, 3990)).save(packed, "PNG")
    with ground.own(growth=4_000_000_000) as server:
        with ground.visitor(server) as visitor:
            place = visitor.upload(packed.getvalue())
            config = visitor.config()
        item = page.asking_event(config, "clusters")
        sent = page.values(config, item, image={"path": place, "meta": {"_type": "gradio.FileData"}}, number=None)

        def press(number: int) -> None:
            body = {"data": sent, "fn_index": item["id"], "session_hash": f"pressed-{number}"}
            with ground.visitor(server) as somebody:
                somebody.post(f"{API}/run/predict", body)

        with ThreadPoolExecutor(40) as many:
            list(many.map(press, range(40)))
        grown = server.peak - server.first
        if server.burst:
            return Verdict(False, f"TOOK: more than {grown / 1e9:.1f} GB, then the server was ended")
    took = f"memory grew by {grown / 1e6:.0f} MB"
    return Verdict(True, f"answered: {took}") if grown < MANY_PICTURES else Verdict(False, f"TOOK: {took}")


def _flipped(file: Path) -> None:
    """One bit of the last byte but 1,000 turned over."""
    changed = bytearray(file.read_bytes())
    changed[-1000] ^= 0x40
    file.write_bytes(bytes(changed))


def _after(ground: Ground, file: str, tab: str, values: dict[str, object]) -> Verdict:
    """What a page and the command line say once a file of weights has one bit changed."""
    with ground.copy() as tree:
        _flipped(tree / "assets" / "models" / file)
        with Ground(tree) as changed, changed.visitor(changed.server()) as visitor:
            on_page = visitor.ask(tab, values)
        code, said = ground.command(
            *("-m", "inspector", "segmentation", "scene:500001", "--classes", "car, sky"),
            *("--method", "attention" if "diffusion" in file else "maskclip"),
            root=tree,
            limit=120,
        )
    if on_page.done or code == 0:
        return Verdict(False, f"RAN: {'page' if on_page.done else 'command'} gave a result of changed weights")
    if code is None or "Traceback" in said or said.count("\n"):
        return Verdict(False, f"TRACEBACK: the command ended with {code}: {said[-80:]}")
    return refused(Answer(on_page.event, None, on_page.sentence, on_page.status))


def changed_clip(ground: Ground) -> Verdict:
    """One bit of CLIP's weights."""
    return _after(ground, "scenes-clip/open_clip_model.safetensors", "saliency", dict(EASY))


def changed_unet(ground: Ground) -> Verdict:
    """One bit of the UNet's weights."""
    weights = "scenes-diffusion/unet/diffusion_pytorch_model-00001-of-00002.safetensors"
    return _after(ground, weights, "clusters", {"scene": 500_001, "k": 2})


ROWS = [
    Row(8, "64 classes, class pooling, 1,024 pixels", many_classes),
    Row(8, "forty large pictures at once, beside the queue", large_pictures_at_once),
    Row(9, "one bit of CLIP's weights changed", changed_clip),
    Row(9, "one bit of the UNet's weights changed", changed_unet),
]
