"""The page started for real and asked by a script, tab by tab, with the embedded models."""

import json
import re
import subprocess
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from inspector.ui import scenes

ASKED = {
    "saliency": {"classes": "car, building"},
    "attention": {"prompt": "a horse on the grass", "steps": 3},
    "clusters": {"k": 4},
    "segmentation": {"classes": "car, building, sky", "method": "maskclip"},
}


@pytest.fixture(scope="module")
def client(page: str, tmp_path_factory: pytest.TempPathFactory) -> Client:
    return Client(page, verbose=False, download_files=tmp_path_factory.mktemp("answers"))


@pytest.mark.parametrize("tab", ASKED)
def test_each_tab_answers_with_progress_figure_numbers_and_files(client: Client, tab: str) -> None:
    given = {"scene": scenes.STREET} if tab != "attention" else {}
    job = client.submit(**given, **ASKED[tab], api_name=f"/{tab}")
    figure, numbers, files = job.result(timeout=300)
    steps = [item["step"] for _, item, _ in job.outputs()[:-1]]
    assert steps == sorted(steps)
    assert len(steps) >= 3  # progress, on the way
    with Image.open(figure) as image:
        assert np.asarray(image.convert("L")).std() > 10  # a picture, not a blank
        assert json.loads(image.info["inspector"])["tab"] == tab
    further = ["labels.png", "coco.json", "label-studio.json"] if tab == "segmentation" else []
    assert [Path(file).name for file in files] == ["figure.png", "maps.npz", "result.json", "caption.txt", *further]
    assert numbers.pop("picture_notes") == []
    assert json.loads(Path(files[2]).read_text()) == numbers
    assert numbers["provenance"]["seconds"] > 0
    assert numbers[tab]


def test_a_figure_is_as_wide_as_a_journals_columns(client: Client) -> None:
    for columns, pixels in ((1, 990), (2, 2070)):
        figure, *_ = client.predict(scene=scenes.STREET, k=4, columns=columns, api_name="/clusters")
        with Image.open(figure) as image:
            assert image.width == pixels
            assert image.info["dpi"] == pytest.approx((300, 300), abs=0.01)
    with pytest.raises(AppError, match="columns is 3; use a whole number from 1 to 2"):
        client.predict(scene=scenes.STREET, k=4, columns=3, api_name="/clusters")


def test_a_cancelled_run_stops_within_a_step_and_the_next_one_works(client: Client) -> None:
    job = client.submit(prompt="a blue house on the sand", steps=60, api_name="/attention")
    limit = time.monotonic() + 120
    while len(job.outputs()) < 3 and time.monotonic() < limit:
        time.sleep(0.05)
    assert job.cancel()
    before = len(job.outputs())
    numbers = client.predict(scene=scenes.STREET, classes="car, sky", api_name="/saliency")[1]
    assert numbers["tab"] == "saliency"
    assert len(job.outputs()) <= before + 1


def test_the_same_question_has_the_same_answer(client: Client) -> None:
    first, second = (client.predict(scene=500_100, k=3, api_name="/clusters")[1] for _ in range(2))
    assert first == second


def test_a_drawn_scene_is_measured_and_an_upload_is_not(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "own.png"
    Image.fromarray(scenes.get(scenes.STREET).image).save(path)
    measured = client.predict(scene=scenes.STREET, classes="car, building", api_name="/saliency")[1]
    own = client.predict(image=handle_file(path), classes="car, building", api_name="/saliency")[1]
    assert {row["class"] for row in measured["saliency"]["metrics"]} == {"car", "building"}
    assert own["saliency"]["metrics"] == []
    assert own["saliency"]["maxima"] == measured["saliency"]["maxima"]


def test_a_program_is_told_how_its_picture_was_read(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "clear.png"
    Image.new("RGBA", (64, 48), (200, 0, 0, 0)).save(path)
    numbers = client.predict(image=handle_file(path), classes="car, sky", api_name="/saliency")[1]
    assert numbers["picture_notes"] == ["what is transparent lies on white"]
    drawn = client.predict(scene=scenes.STREET, classes="car, building", api_name="/saliency")[1]
    assert drawn["picture_notes"] == []


def test_an_evaluation_is_the_command_s(client: Client) -> None:
    job = client.submit(subject="clusters", count=2, seed=3, api_name="/evaluate")
    numbers = job.result(timeout=300)
    assert numbers["count"] == 2
    assert numbers["seed"] == 500_003
    assert numbers["model"] == "scenes-diffusion"
    assert len(job.outputs()) > 1  # progress, on the way
    with pytest.raises(AppError, match="count is 65; use a"):
        client.predict(subject="clusters", count=65, api_name="/evaluate")


def test_an_agent_finds_every_action_with_its_words(page: str) -> None:
    with urllib.request.urlopen(f"{page}gradio_api/mcp/schema") as answer:
        tools = {tool["name"]: tool for tool in json.load(answer)}
    assert set(ASKED) | {"evaluate"} <= set(tools)
    for name, tool in tools.items():
        assert len(tool["description"]) > 100, name
        assert tool["inputSchema"]["properties"]


README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
EXAMPLE = "http://127.0.0.1:7860"  # the address in README


def told(kind: str, start: str) -> str:
    """README's block of a kind that begins with `start`."""
    (block,) = [text for text in re.findall(rf"```{kind}\n(.*?)```", README, re.DOTALL) if text.startswith(start)]
    return block


def test_readme_s_python_asks_every_endpoint(page: str) -> None:
    found: dict = {}
    exec(told("python", "from gradio_client").replace(EXAMPLE, page), found)
    assert found["numbers"]["count"] == 2
    assert Path(found["files"][0]).name == "figure.png"


def test_readme_s_curl_asks_every_endpoint(page: str) -> None:
    script = told("bash", "PAGE=").replace(EXAMPLE, page.rstrip("/"))
    answer = subprocess.run(["bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.count("event: complete") == 5
    assert "event: error" not in answer.stdout


def test_readme_s_agent_asks_every_endpoint(page: str) -> None:
    found: dict = {}
    exec(told("python", "import asyncio").replace(EXAMPLE, page.rstrip("/")), found)
    assert len(found["answers"]) == 5
    for answer in found["answers"]:
        assert not answer.isError, answer


BAD = [
    ("saliency", {"classes": ""}, "No classes given"),
    ("saliency", {"classes": ",".join(f"thing {n}" for n in range(500))}, "500 classes given; at most 64"),
    ("saliency", {"classes": "car, house", "template": "a photo"}, "once, where the class name goes"),
    ("saliency", {"classes": "car, house", "scene": -3}, "scene is -3"),
    ("saliency", {"classes": "car, house", "scene": None}, "There is no image"),
    ("attention", {"prompt": "x" * 10_000, "scene": None}, "10,000 characters; at most 500"),
    ("attention", {"prompt": "  ", "scene": None}, "prompt is empty"),
    ("clusters", {"timestep": 5000}, "5000"),
]


@pytest.mark.parametrize(("tab", "given", "sentence"), BAD)
def test_bad_input_gets_one_sentence(client: Client, tab: str, given: dict, sentence: str) -> None:
    with pytest.raises((AppError, ValueError), match=sentence) as caught:
        client.predict(**({"scene": scenes.STREET} | given), api_name=f"/{tab}")
    assert "Traceback" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("words.png", b"just words", "not a picture"),
        ("empty.png", b"", "is empty"),
        ("cut.jpg", None, "damaged or cut off"),
        ("tiny.png", (1, 1), "1x1 pixels"),
        ("vast.png", (8000, 8000), "50,000,000 pixels"),
    ],
)
def test_bad_files_get_one_sentence(
    client: Client, tmp_path: Path, name: str, content: bytes | tuple[int, int] | None, sentence: str
) -> None:
    path = tmp_path / name
    if content is None:
        Image.fromarray(scenes.get(scenes.STREET).image).save(path)
        path.write_bytes(path.read_bytes()[:3000])
    elif isinstance(content, bytes):
        path.write_bytes(content)
    else:
        Image.new("1", content).save(path)
    with pytest.raises(AppError, match=sentence):
        client.predict(image=handle_file(path), classes="car, house", api_name="/saliency")
