"""Rows: pictures of the server that a visitor names, by every way that takes one."""

import json
import os
import re
from pathlib import Path
from typing import Any

from tests.reliability import page
from tests.reliability.calling import Answer
from tests.reliability.ground import Ground, Row, Verdict, refused, worst

ASKED = {"classes": "car, building"}
IN_TREE = "assets/figures/figure-3.png"  # which the page hands to nobody


def _read(ground: Ground, visitor: Any, answer: Answer) -> Verdict:
    """READ where the answer's files hold the private picture; else the verdict on a refusal."""
    if not answer.done:
        return refused(answer)
    places = re.findall(r"""['"]path['"]: ?['"]([^'"]+maps\.npz)""", json.dumps(answer.data).replace('\\"', '"'))
    for place in places:
        content = visitor.file(place)
        if content and page.holds_pixels(content, ground.pixels):
            return Verdict(False, "READ: maps.npz held the picture's pixels")
    return Verdict(False, "READ: it was opened and answered")


def picture_by_names(ground: Ground) -> Verdict:
    """The endpoint by names."""
    with ground.visitor(ground.server()) as visitor:
        answer = visitor.ask("saliency", {"image": {"path": str(ground.private)}, **ASKED})
        return _read(ground, visitor, answer)


def picture_by_list(ground: Ground) -> Verdict:
    """The endpoint by a list of values."""
    with ground.visitor(ground.server()) as visitor:
        values = page_values(visitor, {"path": str(ground.private)})
        return _read(ground, visitor, visitor.ask("saliency", values))


def page_values(visitor: Any, image: Any) -> list[Any]:
    """The values of the saliency endpoint, in order."""
    config = visitor.config()
    (item,) = [item for item in config["dependencies"] if item["api_name"] == "saliency"]
    sent = page.values(config, item)
    sent[:3] = [image, None, ASKED["classes"]]
    return sent


def picture_by_join(ground: Ground) -> Verdict:
    """The endpoint's event joined as a page does."""
    with ground.visitor(ground.server()) as visitor:
        (item,) = [item for item in visitor.config()["dependencies"] if item["api_name"] == "saliency"]
        answer = visitor.joined(item["id"], page_values(visitor, {"path": str(ground.private)}), "joined")
        return _read(ground, visitor, answer)


def picture_by_page(ground: Ground) -> Verdict:
    """The page's own run."""
    with ground.visitor(ground.server()) as visitor:
        answer = page.run(visitor, "saliency", "by-page", image={"path": str(ground.private)}, number=None)
        if page.shown(answer):
            return Verdict(False, "READ: the page showed a result of it")
        return refused(Answer("error", sentence=page.said(answer)))


def picture_by_agent(ground: Ground) -> Verdict:
    """An agent's tool, by text and by what the endpoint takes."""
    ways: dict[str, Any] = {"text": str(ground.private), "path": {"path": str(ground.private)}}
    with ground.visitor(ground.server()) as visitor:
        told = {way: visitor.tool("saliency", {"image": image, **ASKED}) for way, image in ways.items()}
        return worst({way: _read(ground, visitor, answer) for way, answer in told.items()})


def picture_relative(ground: Ground) -> Verdict:
    """A path that counts from where the server runs."""
    near = os.path.relpath(ground.private, ground.root)
    with ground.visitor(ground.server()) as visitor:
        ways = {near: "outside", IN_TREE: "the program's own"}
        told = {what: visitor.ask("saliency", {"image": {"path": way}, **ASKED}) for way, what in ways.items()}
        return worst({way: _read(ground, visitor, answer) for way, answer in told.items()})


def picture_with_urls(ground: Ground) -> Verdict:
    """file:// in each place where an address may stand."""
    there = ground.private.as_uri()
    images: dict[str, Any] = {
        "text": there,
        "path": {"path": there},
        "url": {"path": "", "url": there},
        "with meta": {"path": there, "meta": {"_type": "gradio.FileData"}},
    }
    with ground.visitor(ground.server()) as visitor:
        told = {way: visitor.ask("saliency", {"image": image, **ASKED}) for way, image in images.items()}
        return worst({way: _read(ground, visitor, answer) for way, answer in told.items()})


def picture_by_link(ground: Ground) -> Verdict:
    """A symbolic link that lies inside the upload folder and leads out of it."""
    server = ground.server()
    with ground.visitor(server) as visitor:
        inside = Path(str(visitor.upload(ground.private.read_bytes()[:-20]))).parent / "link.png"
        inside.symlink_to(ground.private)
        try:
            answer = visitor.ask("saliency", {"image": {"path": str(inside)}, **ASKED})
            return _read(ground, visitor, answer)
        finally:
            inside.unlink()


def existence_told(ground: Ground) -> Verdict:
    """What is there, what is not, a folder and a file of another kind get one sentence."""
    (ground.outside / "words.txt").write_text("nothing to see", encoding="utf-8")
    paths = [ground.outside / "words.txt", ground.outside / "missing.png", ground.outside, Path("/etc/passwd")]
    sentences = {}
    with ground.visitor(ground.server()) as visitor:
        for path in paths:
            answer = visitor.ask("saliency", {"image": {"path": str(path)}, **ASKED})
            if not answer.told:
                return refused(answer)
            text = answer.sentence.replace(str(path), "PATH").replace(path.name, "NAME")
            sentences.setdefault(text, path.name)
    if len(sentences) > 1:
        return Verdict(False, f"TOLD: {len(sentences)} sentences, such as {' / '.join(list(sentences)[:2])}")
    return Verdict(True, f"refused: {next(iter(sentences))}")


ROWS = [
    Row(1, "a picture of the server by its path, call/v2", picture_by_names),
    Row(1, "the same by call with a list of values", picture_by_list),
    Row(1, "the same by queue/join", picture_by_join),
    Row(1, "the same by the page's own run", picture_by_page),
    Row(1, "the same by an agent's tool", picture_by_agent),
    Row(1, "a relative path", picture_relative),
    Row(1, "file:// addresses", picture_with_urls),
    Row(1, "a symbolic link inside the upload folder", picture_by_link),
    Row(1, "what exists and what does not", existence_told),
]
