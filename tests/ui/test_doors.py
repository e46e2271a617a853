"""Doors: what a visitor names is read only where their uploads lie, and every value that is sent is looked at."""

import asyncio
import base64
import os
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from inspector.errors import ImageError
from inspector.ui import doors


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The upload folder, beside it a file that is nobody's business."""
    folder = tmp_path / "uploads"
    folder.mkdir()
    (tmp_path / "secret.png").write_bytes(b"secret")
    monkeypatch.setattr(gr.utils, "get_upload_folder", lambda: str(folder))
    return folder


def test_a_file_of_the_upload_folder_is_read_to_the_limit_and_one_byte_more(inside: Path) -> None:
    (inside / "own.png").write_bytes(b"0123456789")
    assert doors.read(str(inside / "own.png"), 20) == b"0123456789"
    assert doors.read(inside / "own.png", 4) == b"01234"


def elsewhere(inside: Path) -> dict[str, Any]:
    """What a visitor may try -> what they send."""
    secret = inside.parent / "secret.png"
    (inside / "link.png").symlink_to(secret)
    os.mkfifo(inside / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(inside / "socket"))
    return {
        "a file outside": secret,
        "outside, and not there": inside.parent / "nothing.png",
        "up and out": f"{inside}/../secret.png",
        "relative": "secret.png",
        "relative to what the server was started in": "README.md",
        "a link that leads out": inside / "link.png",
        "a folder whose name begins alike": f"{inside}-other/x",
        "a pipe, which nobody writes to": inside / "pipe",
        "a socket": inside / "socket",
        "the folder itself": inside,
        "a device": "/dev/zero",
        "what a process knows": "/proc/self/environ",
        "not there": inside / "nothing.png",
        "nothing": "",
        "a zero byte": "a\0b",
        "a lone surrogate": "a\ud800b",
        "too long": "x" * 10_000,
        "a number": 5,
        "a list": ["a"],
        "None": None,
    }


def test_everything_else_is_refused_in_the_same_words(inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(inside.parent)
    for what, named in elsewhere(inside).items():
        with pytest.raises(ImageError) as caught:
            doors.read(str(named) if isinstance(named, Path) else named, 100)
        assert str(caught.value) == doors.NOT_HERE, what


def look(sent: Any, component: Any) -> Any:
    """What gradio's own preprocessing gets to see of a value."""
    seen: list[Any] = []

    async def preprocess(function: Any, inputs: list[Any], *_: Any, **__: Any) -> list[Any]:
        seen.extend(inputs)
        return inputs

    asyncio.run(doors.inspected(preprocess)(SimpleNamespace(inputs=[component]), [sent]))
    return seen[0]


@pytest.fixture
def picture() -> Any:
    return doors.takes_files(SimpleNamespace(label="image"))


def test_an_upload_goes_in_as_a_file_that_gradio_looks_at_too(inside: Path, picture: Any) -> None:
    (inside / "own.png").write_bytes(b"x")
    clean = {"path": os.path.realpath(inside / "own.png"), "meta": {"_type": "gradio.FileData"}}
    assert look({"path": str(inside / "own.png")}, picture) == clean
    assert look({"path": str(inside / "own.png"), "url": "http://elsewhere/", "orig_name": 5}, picture) == clean
    assert look(None, picture) is None


def test_a_picture_in_the_call_itself_becomes_a_file(inside: Path, picture: Any) -> None:
    data = "data:image/png;base64," + base64.b64encode(b"pixels").decode()
    for sent in ({"path": None, "url": data}, {"url": data}, {"path": data}, data):
        assert doors.read(look(sent, picture)["path"], 100) == b"pixels"
    first, second = (look(data, picture)["path"] for _ in range(2))
    assert first != second  # nobody can work out where it lies


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({}, "A picture is {}; upload one"),
        ([], "A picture is \\[\\]"),
        (0.5, "A picture is {'path': 0.5}|A picture is 0.5"),
        (True, "A picture is True"),
        ({"path": {"path": "x"}}, "A picture is"),
        ({"path": None}, "A picture is"),
        ({"path": "https://example.org/x.png"}, "Nothing is fetched from other places"),
        ({"path": "FILE:///etc/hostname"}, "Nothing is fetched from other places"),
        ({"path": "/etc/hostname"}, "was not uploaded here"),
        ({"path": "/etc/nothing-of-that-name", "meta": {"_type": "gradio.FileData"}}, "was not uploaded here"),
        ("data:image/png;base64,%%%", "is damaged"),
        ("data:image/png;base64,ä", "is damaged"),
    ],
)
def test_what_is_no_picture_is_a_sentence(inside: Path, picture: Any, sent: Any, sentence: str) -> None:
    with pytest.raises(gr.Error, match=sentence):
        look(sent, picture)


def test_no_other_value_may_be_a_file(inside: Path) -> None:
    file = {"path": "/etc/hostname", "meta": {"_type": "gradio.FileData"}}
    for sent in (file, [file], {"a": [{"b": file}]}, {"path": "http://127.0.0.1:1/", "meta": 5}):
        with pytest.raises(gr.Error, match="Classes is a file"):
            look(sent, SimpleNamespace(label="Classes"))
    assert look({"path": "no file"}, SimpleNamespace(label="Classes")) == {"path": "no file"}


def test_a_value_too_many_and_a_fault_of_gradio_are_sentences(inside: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def broken(*_: Any) -> list[Any]:
        raise RuntimeError("inside")

    function = SimpleNamespace(inputs=[SimpleNamespace(label="Classes")])
    with pytest.raises(gr.Error, match="2 values were sent and 1 are needed"):
        asyncio.run(doors.inspected(broken)(function, ["a", "b"]))
    with pytest.raises(gr.Error, match="a fault that nobody foresaw \\(RuntimeError\\)"):
        asyncio.run(doors.inspected(broken)(function, ["a"]))
    assert "inside" in caplog.text  # whoever runs the server learns more


def test_folders_are_new_and_their_names_long(inside: Path) -> None:
    first, second = doors.fresh_folder(), doors.fresh_folder()
    assert first != second
    assert len(first.name) == 32
    assert first.parent == second.parent == doors.folder()
