"""The page as an MCP server, asked by the official client: JSON, the figure as an image, pictures, errors that help."""

import asyncio
import base64
import io
import json
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from PIL import Image

from inspector.ui import scenes
from tests.views.test_images import encoded

Asked = Callable[..., Any]


@pytest.fixture(scope="module")
def ask(page: str) -> Asked:
    """A function: tool and arguments to (its answer, the progress on the way)."""

    async def once(tool: str, given: dict[str, Any]) -> Any:
        told: list[tuple[float, float | None, str | None]] = []

        async def hear(step: float, total: float | None, message: str | None) -> None:
            told.append((step, total, message))

        at = f"{page}gradio_api/mcp/"
        async with streamable_http_client(at) as (read, write, _), ClientSession(read, write) as session:
            await session.initialize()
            if tool == "":
                return (await session.list_tools()).tools, told
            return await session.call_tool(tool, given, progress_callback=hear), told

    return lambda tool="", **given: asyncio.run(once(tool, given))


def numbers(answer: Any) -> Any:
    assert not answer.isError, answer.content[0].text
    return json.loads(answer.content[0].text)


def street() -> bytes:
    return encoded(Image.fromarray(scenes.get(scenes.STREET).image))


def test_numbers_are_json_and_the_figure_is_an_image(ask: Asked, page: str) -> None:
    answer, told = ask(
        "saliency", scene=scenes.STREET, classes="car, sky", template="asked by an agent, a {}"
    )  # as yet unknown
    found = numbers(answer)
    assert found["numbers"]["request"]["scene"] == scenes.STREET
    assert {row["class"] for row in found["numbers"]["saliency"]["metrics"]} == {"car", "sky"}
    assert [item.type for item in answer.content] == ["text", "image"]
    with Image.open(io.BytesIO(base64.b64decode(answer.content[1].data))) as figure:
        assert np.asarray(figure.convert("L")).std() > 10
        assert json.loads(figure.info["inspector"])["tab"] == "saliency"
    assert set(found["files"]) == {"figure.png", "maps.npz", "result.json", "caption.txt"}
    got = httpx.get(found["files"]["result.json"])
    assert found["numbers"].pop("picture_notes") == []
    assert got.json() == found["numbers"]
    assert told[-1][:2] == (2, 3)


def test_progress_is_the_run_s_own(ask: Asked) -> None:
    answer, told = ask("attention", prompt="a red boat on the sea", steps=3)
    assert numbers(answer)["numbers"]["request"]["steps"] == 3
    assert [message.split(",")[0] for _, _, message in told if message.startswith("Step")] == [
        f"Step {step} of 3" for step in (1, 2, 3)
    ]


def test_an_evaluation_is_numbers_alone(ask: Asked) -> None:
    answer, _ = ask("evaluate", subject="saliency", count=1)
    assert numbers(answer)["count"] == 1
    assert len(answer.content) == 1


@pytest.mark.parametrize("form", ["base64", "base64 in lines", "base64 of a JPEG", "data", "upload"])
def test_a_picture_goes_in_as_the_scheme_says(form: str, ask: Asked, page: str) -> None:
    text = base64.b64encode(street()).decode()
    if form == "base64 in lines":
        text = base64.encodebytes(street()).decode()
    elif form == "base64 of a JPEG":
        text = base64.b64encode(encoded(Image.fromarray(scenes.get(scenes.STREET).image), "JPEG")).decode()
        assert text.startswith("/")  # as a path does
    elif form == "data":
        text = f"data:image/png;base64,{text}"
    elif form == "upload":
        (text,) = httpx.post(f"{page}gradio_api/upload", files={"files": ("street.png", street())}).json()
    found = numbers(ask("saliency", image=text, classes="car, sky")[0])["numbers"]
    assert found["request"]["scene"] is None
    assert found["request"]["image"]["shape"] == [256, 256, 3]


def test_the_scheme_says_how_pictures_go_in_and_nothing_of_addresses(ask: Asked) -> None:
    tools, _ = ask()
    assert {tool.name for tool in tools} == {"saliency", "attention", "clusters", "segmentation", "evaluate"}
    for tool in tools:
        told = json.dumps(tool.inputSchema)
        assert "http or https url" not in told
        assert "upload_file_to_gradio" not in tool.description
        if "image" in tool.inputSchema["properties"]:
            assert "base64" in tool.inputSchema["properties"]["image"]["description"]
            assert tool.inputSchema["properties"]["image"]["type"] == "string"


@pytest.mark.parametrize(
    ("tool", "given", "sentence"),
    [
        ("saliency", {"image": "/etc/hostname", "classes": "car, sky"}, "That file was not uploaded here"),
        (
            "saliency",
            {"image": "http://127.0.0.1:1/a.png", "classes": "car, sky"},
            "Nothing is fetched from other places",
        ),
        ("saliency", {"image": "A" * 1000, "classes": "car, sky"}, "not a picture"),
        ("saliency", {"image": "A" * 1001, "classes": "car, sky"}, "is damaged"),
        ("saliency", {"picture": "x"}, "saliency takes no 'picture'; it takes image, scene, classes,"),
        (
            "saliencie",
            {},
            "There is no tool 'saliencie'; there are attention, clusters, evaluate, saliency, segmentation.",
        ),
        ("clusters", {"scene": 5, "k": 0}, "k is 0; use a whole number from 1 to 32."),
        ("attention", {"prompt": ""}, "The prompt is empty"),
    ],
)
def test_an_error_says_what_works(ask: Asked, tool: str, given: dict[str, Any], sentence: str) -> None:
    answer, _ = ask(tool, **given)
    assert answer.isError
    assert answer.content[0].text.startswith(sentence) or sentence in answer.content[0].text
    assert "Traceback" not in answer.content[0].text
