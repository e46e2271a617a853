"""Models of one's own on the page: offered by name, chosen, and run; never a path."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import gradio as gr
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from inspector.cli import main, serve
from inspector.errors import UnknownModelError, UnsupportedModelError
from inspector.models import catalog, loading
from inspector.ui import attention, changes, clusters, controls, scenes, segmentation
from inspector.ui.links import Link
from tests.models.conftest import clip_folder, diffusion_folder, make_clip, tokenizer_folder
from tests.models.small_embedding import write_embedding
from tests.models.small_lora import write_lora
from tests.ui.driving import LONG, VIEWER, Open, pill, run, until

__all__ = ["clip_folder", "diffusion_folder", "make_clip", "tokenizer_folder"]

playwright = pytest.importorskip("playwright.sync_api")


def asked(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    serve.add_arguments(parser)
    return parser.parse_args(words)


@pytest.fixture(scope="module")
def lora(diffusion_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA that fits the local diffusion model alone."""
    return write_lora(diffusion_folder, tmp_path_factory.mktemp("loras") / "style.safetensors")


@pytest.fixture(scope="module")
def embedding(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two vectors for a word of its own, which fit the local diffusion model alone."""
    return write_embedding(tmp_path_factory.mktemp("embeddings") / "cat.safetensors", {"<cat>": 16}, 2)


@pytest.fixture(scope="module")
def page(clip_folder: Path, diffusion_folder: Path, lora: Path, embedding: Path) -> Iterator[str]:
    """The page, as `serve --clip DIR --diffusion DIR --lora FILE --embedding FILE=WORD` opens it."""
    from inspector.ui.shell import launch

    words = [
        "--clip",
        clip_folder,
        "--diffusion",
        diffusion_folder,
        "--lora",
        lora,
        "--embedding",
        f"{embedding}=<dog>",
    ]
    serve.offer(asked(*map(str, words)))
    served = launch(warm_up=False, prevent_thread_lock=True, quiet=True)
    yield served.local_url
    served.close()
    loading._loaded.clear()


@pytest.fixture
def names(clip_folder: Path, diffusion_folder: Path, lora: Path, embedding: Path) -> tuple[str, str]:
    """Their names, registered again for each test, since they are forgotten in between."""
    catalog.offer_lora(lora)
    catalog.offer_embedding(embedding, "<dog>")
    return catalog.register_local(clip_folder), catalog.register_local(diffusion_folder)


def choose(tab: Any, label: str, title: str) -> None:
    """Choose a model in the pill of models."""
    pill(tab, "Scenes")
    tab.get_by_role("combobox", name=label).or_(tab.get_by_label(label)).first.click()
    tab.get_by_role("option", name=title, exact=True).first.click()
    playwright.expect(tab.locator(".pill.models > button")).to_contain_text(title, timeout=LONG)
    tab.keyboard.press("Escape")


@pytest.mark.slow
def test_a_folder_of_ones_own_is_chosen_and_run(visit: Open, names: tuple[str, str]) -> None:
    tab = visit("?tab=saliency&scene=504307&classes=car%2C+sky")
    tab.wait_for_function("document.documentElement.dataset.inspector === 'ready'", timeout=LONG)
    choose(tab, "CLIP model", f"{names[0].removeprefix('local:')} (local folder)")
    run(tab)
    tab.wait_for_function(f"{VIEWER}?.showing && {VIEWER}.own.asked.model === {names[0]!r}", timeout=LONG)
    assert str(Path(catalog.spec(names[0]).source).parent) not in tab.content()  # a name, never where it lies


def option(tab: Any, label: str, title: str) -> None:
    """Choose from a list of the pill of models, which is open."""
    tab.get_by_label(label, exact=True).first.click()
    tab.get_by_role("option", name=title, exact=True).first.click()


@pytest.mark.slow
def test_a_lora_is_chosen_beside_its_model_and_told_everywhere(visit: Open, names: tuple[str, str]) -> None:
    expect = playwright.expect
    tab = visit("?tab=clusters&k=3")
    pill(tab, "Scenes")
    choice, scale = tab.get_by_label("LoRA", exact=True), tab.get_by_label("LoRA's scale").first
    expect(choice).to_have_count(0)  # it fits the other model
    option(tab, "Diffusion model", f"{names[1].removeprefix('local:')} (local folder)")
    expect(choice).to_be_visible(timeout=LONG)
    expect(scale).to_have_count(0)
    option(tab, "LoRA", "style")
    expect(scale).to_be_visible(timeout=LONG)
    scale.fill("0.5")
    scale.press("Tab")
    expect(tab.locator(".pill.models > button")).to_contain_text("with style at 0.5", timeout=LONG)
    tab.keyboard.press("Escape")
    expect(tab.locator("button.run:visible")).to_have_text("Run: model changed", timeout=LONG)
    run(tab)
    tab.wait_for_function(f"{VIEWER}?.showing && {VIEWER}.own.asked.lora === 'style'", timeout=LONG)
    until(tab)
    tab.wait_for_function("location.search.includes('lora_scale=0.5')", timeout=LONG)
    said = parse_qs(urlsplit(tab.url).query)
    assert (said["model"], said["lora"], said["lora_scale"]) == ([names[1]], ["style"], ["0.5"])
    expect(tab.locator(".status.ready:visible")).to_contain_text(f"{names[1]}+style@0.5")
    assert "--lora ./style.safetensors --lora-scale 0.5" in tab.content()
    pill(tab, "with style")
    option(tab, "Embeddings", "<dog> (cat)")
    expect(tab.locator(".pill.models > button")).to_contain_text("with style at 0.5 with <dog>", timeout=LONG)
    again = visit("?" + urlsplit(tab.url).query.partition("&__theme")[0])
    expect(again.locator(".status.ready:visible")).to_contain_text(f"{names[1]}+style@0.5", timeout=LONG)
    pill(again, "with style")
    expect(again.get_by_label("LoRA", exact=True)).to_have_value("style")
    expect(again.get_by_label("LoRA's scale").first).to_have_value("0.5")
    option(again, "Diffusion model", "Scenes diffusion (embedded)")
    expect(again.get_by_label("LoRA", exact=True)).to_have_count(0, timeout=LONG)
    expect(again.locator(".pill.models > button")).not_to_contain_text("style", timeout=LONG)


@pytest.mark.slow
def test_a_program_asks_for_it_by_name(page: str, names: tuple[str, str]) -> None:
    client = Client(page, verbose=False)
    given = {"scene": scenes.STREET, "k": 3, "model": names[1], "api_name": "/clusters"}
    numbers = client.predict(**given, lora="style", lora_scale=0.5)[1]
    (told,) = numbers["provenance"]["models"].items()
    assert told[0] == f"{names[1]}+style@0.5"
    assert told[1].endswith("*0.5")
    assert list(client.predict(**given)[1]["provenance"]["models"]) == [names[1]]
    with pytest.raises(AppError, match="There is no LoRA 'style' for 'scenes-diffusion' here; leave it out"):
        client.predict(**(given | {"model": "scenes-diffusion"}), lora="style")
    with pytest.raises(AppError):
        client.predict(**given, lora="/etc/passwd")
    numbers = client.predict(**given, prompt="a <dog>", embeddings=["cat"])[1]
    assert list(numbers["provenance"]["models"]) == [f"{names[1]}+cat=<dog>"]


def test_a_lora_is_a_choice_of_its_own_in_every_tab_with_a_diffusion_model(names: tuple[str, str]) -> None:
    for module in (attention, clusters, segmentation):
        subject, field = module.SUBJECT, "diffusion" if module is segmentation else "model"
        given = {field: names[1], "lora": "style", "lora_scale": "0.5", "embeddings": "cat"}
        plain = subject.request(Link(module.TAB, {field: names[1]}))
        request = subject.request(Link(module.TAB, given))
        assert getattr(request, field) == f"{names[1]}+style@0.5+cat=<dog>"
        assert getattr(plain, field) == names[1]
        fields = subject.fields(request)
        told = {field: names[1], "lora": "style", "lora_scale": 0.5, "embeddings": ["cat"]}
        assert {name: fields[name] for name in given} == told
        assert subject.link(request).items() >= given.items()
        assert not {"lora", "lora_scale", "embeddings"} & set(subject.link(plain))
        with gr.Blocks(analytics_enabled=False):
            tab = module.build(controls.models(), gr.JSON())
        assert list(tab.controls) == list(fields)
        with pytest.raises(UnknownModelError, match="There is no LoRA 'gone'"):
            subject.request(Link(module.TAB, given | {"lora": "gone"}))
        with pytest.raises(UnknownModelError, match=r"There is no embedding 'gone' for .*; choose some of cat, or"):
            subject.request(Link(module.TAB, given | {"embeddings": "cat, gone"}))
    assert changes._name("lora_scale") == "model"


def test_a_lora_that_fits_no_model_is_said_before_the_page_opens(
    lora: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--lora", str(lora)]) == 2
    assert "fits none of the diffusion models that the page offers; give the one" in capsys.readouterr().err
    assert main(["serve", "--lora", str(lora.with_name("gone"))]) == 2
    assert "give a LoRA as one file of safetensors" in capsys.readouterr().err
    wide = write_embedding(tmp_path / "wide.safetensors", {"<cat>": 13})
    assert main(["serve", "--embedding", str(wide)]) == 2
    assert "fits none of the diffusion models that the page offers; give the one" in capsys.readouterr().err


def test_each_option_takes_its_own_kind_alone(clip_folder: Path, diffusion_folder: Path) -> None:
    serve.offer(asked("--clip", str(clip_folder), "--diffusion", str(diffusion_folder), "--model", str(clip_folder)))
    assert len(catalog.registered()) == 2
    with pytest.raises(
        UnsupportedModelError, match=r"holds a CLIP; give it by --clip, and a diffusion model by --diff"
    ):
        serve.offer(asked("--diffusion", str(clip_folder)))


def test_what_is_no_model_is_said_before_the_page_opens(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--clip", str(tmp_path)]) == 2
    assert "is empty; give a folder that holds a model" in capsys.readouterr().err
