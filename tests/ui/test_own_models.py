"""Models of one's own on the page: offered by name, chosen, and run; never a path."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from inspector.cli import main, serve
from inspector.errors import UnsupportedModelError
from inspector.models import catalog, loading
from tests.models.conftest import clip_folder, diffusion_folder, make_clip, tokenizer_folder
from tests.ui.driving import LONG, VIEWER, Open, pill, run

__all__ = ["clip_folder", "diffusion_folder", "make_clip", "tokenizer_folder"]

playwright = pytest.importorskip("playwright.sync_api")


def asked(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    serve.add_arguments(parser)
    return parser.parse_args(words)


@pytest.fixture(scope="module")
def page(clip_folder: Path, diffusion_folder: Path) -> Iterator[str]:
    """The page, as `serve --clip DIR --diffusion DIR` opens it."""
    from inspector.ui.shell import launch

    serve.offer(asked("--clip", str(clip_folder), "--diffusion", str(diffusion_folder)))
    served = launch(warm_up=False, prevent_thread_lock=True, quiet=True)
    yield served.local_url
    served.close()
    loading._loaded.clear()


@pytest.fixture
def names(clip_folder: Path, diffusion_folder: Path) -> tuple[str, str]:
    """Their names, registered again for each test, since they are forgotten in between."""
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
