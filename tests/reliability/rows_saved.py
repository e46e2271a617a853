"""Rows: saved files that were forged, given to the page's own event. Many more are in test_saved_files.py."""

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tests.reliability import page
from tests.reliability.calling import Answer, Visitor, is_sentence
from tests.reliability.ground import EASY, Ground, Row, Verdict
from tests.reliability.serving import Server

META = {"meta": {"_type": "gradio.FileData"}}
Arrays = dict[str, np.ndarray]


def _packed(arrays: Mapping[str, np.ndarray]) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def _header(text: bytes, shape: str = "") -> bytes:
    """An archive whose one array has this text as its head."""
    head = text or f"{{'descr': '<i8', 'fortran_order': False, 'shape': {shape}}}".encode()
    member = b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("result.npy", member)
    return file.getvalue()


def _retold(arrays: Arrays, change: Callable[[dict[str, Any]], None]) -> bytes:
    """The archive with another text in it."""
    told = json.loads(str(arrays["result"]))
    change(told["fields"])
    return _packed(arrays | {"result": np.array(json.dumps(told))})


def _method(content: bytes, method: int) -> bytes:
    """The archive with its entries said to be packed by another method."""
    changed = bytearray(content)
    for mark, at in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        place = changed.find(mark)
        while place >= 0:
            changed[place + at : place + at + 2] = method.to_bytes(2, "little")
            place = changed.find(mark, place + 4)
    return bytes(changed)


def forged(content: bytes, told: bytes) -> dict[str, tuple[str, bytes]]:
    """what -> (name, bytes) of files made from a true maps.npz and result.json."""
    arrays = page.arrays(content)
    (grid,) = [name for name in arrays if name == "grid_signed"]
    request = json.loads(told)

    def set_to(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
        return lambda fields: fields.__setitem__(name, value)

    def scene_to(value: Any) -> Callable[[dict[str, Any]], None]:
        return lambda fields: fields["request"]["fields"].__setitem__("scene", value)

    def saying(**changed: Any) -> bytes:
        return json.dumps(request | changed).encode()

    archives = {
        "provenance a text": _retold(arrays, set_to("provenance", "a text")),
        "metrics a number": _retold(arrays, set_to("metrics", 5)),
        "scene of 400 digits": _retold(arrays, scene_to(10**400)),
        "datetime64 maps": _packed(arrays | {grid: arrays[grid].astype("<i8").astype("datetime64[s]")}),
        "labels of 48 TiB": _header(b"", "(6597069766656,)"),
        "a negative shape": _header(b"", "(-5, 3)"),
        "head no Python": _header(b"{'descr': (((("),
        "head a token too few": _header(b"{'descr': '''"),
        "head a call": _header(b"__import__('os').abort()"),
        "said to be LZMA": _method(content, 14),
        "said to be BZ2": _method(content, 12),
        "cut in half": content[: len(content) // 2],
        "pickled": _packed_objects(),
        "empty": b"",
    }
    texts = {
        "tab a list": saying(tab=["saliency"]),
        "json, scene of 400 digits": saying(request=request["request"] | {"scene": 10**400}),
        "a lone surrogate": json.dumps(request | {"tab": "\ud800"}).encode(),
        "classes a number": saying(request=request["request"] | {"classes": 5}),
        "100,000 brackets": b"[" * 100_000,
        "NaN": saying(request=request["request"] | {"side": float("nan")}),
        "no UTF-8": b"\xff\xfe\x00",
    }
    return {what: ("maps.npz", data) for what, data in archives.items()} | {
        what: ("result.json", data) for what, data in texts.items()
    }


def _packed_objects() -> bytes:
    file = io.BytesIO()
    np.savez(file, result=np.array([object()], dtype=object))
    return file.getvalue()


def open_saved(visitor: Visitor, sent: Any, session: str) -> Answer:
    """What the page says to a file of saved data."""
    config = visitor.config()
    (item,) = page.event(config, page.of_kind(config, "uploadbutton"), "upload")
    return visitor.joined(item["id"], [sent], session)


def _true_files(visitor: Visitor) -> tuple[bytes, bytes]:
    """maps.npz and result.json of a small run."""
    files = {item["orig_name"]: item["path"] for item in visitor.ask("saliency", EASY).data[2]}
    return visitor.file(files["maps.npz"]), visitor.file(files["result.json"])


def _problem(server: Server, visitor: Visitor, name: str, data: bytes, session: str) -> str:
    """What is wrong with how a forged file is answered, "" where nothing is."""
    before = server.log().count("Traceback")
    place = visitor.upload(data, name)
    answer = place if isinstance(place, Answer) else open_saved(visitor, {"path": place, **META}, session)
    if server.log().count("Traceback") > before:
        return "TRACEBACK"
    if answer.event in ("cut", "silence"):
        return answer.event.upper()
    if page.shown(answer):
        return "SHOWN"
    return "" if is_sentence(page.said(answer)) else "NULL"


def forged_files(ground: Ground) -> Verdict:
    """Forged archives and texts."""
    server = ground.server()
    bad = {}
    with ground.visitor(server) as visitor:
        tries = forged(*_true_files(visitor))
    for number, (what, (name, data)) in enumerate(tries.items()):
        with ground.visitor(server, patience=20) as visitor:
            if problem := _problem(server, visitor, name, data, f"forged-{number}"):
                bad[what] = problem
    if bad:
        told = ", ".join(f"{what}: {problem}" for what, problem in bad.items())
        return Verdict(False, f"{len(bad)} of {len(tries)}: {told}")
    return Verdict(True, f"refused: {len(tries)} of {len(tries)} with a sentence")


def foreign_saved_file(ground: Ground) -> Verdict:
    """A saved result of somebody else, by its path on the server; and whether other files are there."""
    server = ground.server()
    told = set()
    with ground.visitor(server) as visitor:
        (ground.outside / "maps.npz").write_bytes(_true_files(visitor)[0])
        (ground.outside / "words.json").write_text("{}", encoding="utf-8")
        names = ("maps.npz", "missing.npz", "words.json", "missing.json")
        for number, (name, more) in enumerate((name, more) for name in names for more in ({}, META)):
            answer = open_saved(visitor, {"path": str(ground.outside / name), **more}, f"saved-{number}")
            if page.shown(answer):
                return Verdict(False, "READ: another's saved result was shown")
            told.add(page.said(answer).replace(name, "NAME"))
    if len(told) > 1:
        return Verdict(False, f"TOLD: {len(told)} sentences, such as {' / '.join(sorted(told)[:2])}")
    sentence = told.pop()
    return Verdict(is_sentence(sentence), f"refused: {sentence}" if sentence else "NULL: no sentence")


def many_files_at_once(ground: Ground) -> Verdict:
    """Take it away, with a thousand kinds of file and a vast scale."""
    server = ground.server()
    with ground.visitor(server) as visitor:
        answer = page.run(visitor, "saliency", "taking", number=500_001)
        config = visitor.config()
        kinds, results, files = (set(page.of_kind(config, kind)) for kind in ("checkboxgroup", "json", "file"))
        asks = [
            item for item in config["dependencies"] if kinds & set(item["inputs"]) and results & set(item["inputs"])
        ]
        taking = [item for item in asks if files & set(item["outputs"])]  # the others show a preview
        if not taking or not page.shown(answer):
            return Verdict(False, "NO EVENT: the page does not offer files of a result")
        (item,) = taking
        before = {path.name for path in server.files()}, len(server.files())
        shown = {"tab": "saliency", "key": page.shown(answer), "earlier": [], "state": {}}
        sent = page.values(config, item, json=shown, checkboxgroup=["PNG"] * 1000 + ["PDF"] * 1000)
        answer = visitor.joined(item["id"], sent, "taking-2")
        written = len(server.files()) - before[1]
    if answer.done and 4 <= written <= 8:
        return Verdict(True, f"each kind once: {written} files in {answer.seconds:.1f} s")
    if answer.told:
        return Verdict(True, f"refused: {answer.sentence}")
    return Verdict(False, f"TOOK: {answer.event} after {answer.seconds:.0f} s, {written} files")


ROWS = [
    Row(6, "21 forged files of saved data, by the page's own event", forged_files),
    Row(6, "a file of saved data by its path on the server", foreign_saved_file),
    Row(6, "take away 2,000 kinds of figure at once", many_files_at_once),
]
