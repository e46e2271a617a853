"""`report`: a TOML file becomes one folder, and what is wrong with the file is said before anything runs."""

import json
import shutil
from pathlib import Path

import pytest

from inspector.cli import main
from inspector.cli.report import read
from inspector.errors import InputError
from inspector.settings import ASSETS
from inspector.views.archive import load_result

CONFIG = """
title = "Two <runs>"
[[run]]
tab = "saliency"
heading = "One & only"
note = "What is <b>said</b>."
image = "scene:1"
classes = "sky, road"
clip = "{clip}"
[[run]]
tab = "clusters"
image = "scene:2"
k = 3
restarts = 2
diffusion = "{diffusion}"
"""


@pytest.fixture
def config(clip: list[str], diffusion: list[str], tmp_path: Path) -> Path:
    """A file of two runs on the small models of these tests."""
    file = tmp_path / "two.toml"
    file.write_text(CONFIG.format(clip=clip[-1], diffusion=diffusion[-1]))
    return file


def test_a_report_has_page_figures_data_numbers_and_pdf(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "report"
    assert main(["report", str(config), "--out", str(out), "--pdf"]) == 0
    folders = ["01-saliency", "02-clusters"]
    assert sorted(file.name for file in out.iterdir()) == [*folders, "index.html", "numbers.json", "report.pdf"]
    for name in folders:
        assert {file.name for file in (out / name).iterdir()} == {
            "figure.png",
            "maps.npz",
            "result.json",
            "caption.txt",
        }
    assert load_result(out / "02-clusters").request.k == 3
    page = (out / "index.html").read_text()
    assert page.count("data-atlas=") == 2
    assert "Two &lt;runs&gt;" in page
    assert "What is &lt;b&gt;said&lt;/b&gt;." in page
    assert "src='01-saliency/figure.png'" in page
    numbers = json.loads((out / "numbers.json").read_text())
    assert [run["heading"] for run in numbers["runs"]] == ["One & only", "clusters"]
    assert [row["class"] for row in numbers["runs"][0]["rows"]] == ["sky", "road"]
    assert (out / "report.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no Chromium is installed")
def test_the_page_opens_from_disk_with_the_network_off(config: Path, tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    out = tmp_path / "report"
    assert main(["report", str(config), "--out", str(out)]) == 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        context = browser.new_context(offline=True)
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto((out / "index.html").as_uri())
        page.locator(".viewer[data-ready]").first.wait_for()
        page.locator(".viewer").nth(1).scroll_into_view_if_needed()
        page.locator(".viewer[data-ready]").nth(1).wait_for()
        rows = json.loads((out / "numbers.json").read_text())["runs"][0]["rows"]
        for panel, row in enumerate(rows):  # one number per name, everywhere
            shown = page.evaluate(
                "(at) => { const viewer = opened[0], { map, choice } = viewer.panels[at];"
                " return viewer.masks.score(map, choice)?.ap; }",
                panel,
            )
            assert shown == row.get("ap")
        assert any("ap" in row for row in rows)
        assert page.locator("figure img").count() == 2
        assert page.evaluate("[...document.images].every(image => image.naturalWidth > 100)")
        assert not errors
        browser.close()


def test_the_shipped_config_is_the_papers_four_figures() -> None:
    title, runs = read(ASSETS / "reports" / "paper.toml")
    assert "paper" in title
    assert [run.tab for run in runs] == ["saliency", "attention", "clusters", "clusters"]
    assert runs[1].request.prompt == "a horse on the grass"
    assert {"car", "building", "windows"} <= set(runs[0].request.masks)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("run = [", "Cannot read"),
        ("title = 'x'", "lists no run"),
        ("run = 3", "lists no run"),
        ("[[run]]\ntab = 'saliensy'", "Run 1: "),
        ("[[run]]\ntab = 'clusters'", "it has no image"),
        ("[[run]]\ntab = 'clusters'\nimage = 'scene:1'\nkk = 3", "kk"),
        ("[[run]]\ntab = 'clusters'\nimage = 'scene:1'\nk = 0", "k is 0"),
        ("[[run]]\ntab = 'clusters'\nimage = 'nowhere.png'", "nowhere.png"),
        ("[[run]]\ntab = 'saliency'\nimage = 'scene:1'", "classes"),
        ("[[run]]\ntab = 'clusters'\nimage = 'scene:1'\ndiffusion = 'gpt'", "gpt"),
        ("[[run]]\ntab = 'clusters'\nimage = 'scene:1'\nstate = 3", "state"),
        ("[[run]]\ntab = 'clusters'\nimage = 'scene:1'\nstate = { a = 2020-01-01 }", "state"),
        ("[[run]]\ntab = 'attention'\nprompt = 3", "Run 1: "),
        ("[[run]]\ntab = 'saliency'\nimage = 'scene:1'\nclasses = [1, 2]", "Run 1: "),
        ("[[run]]\ntab = 'clusters'\nimage = 'scene:1'\n[[run]]\ntab = 'attention'", "Run 2: "),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(text)
    with pytest.raises(InputError) as error:
        read(file)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
