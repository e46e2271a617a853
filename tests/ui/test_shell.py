"""The page as configured: nothing from outside, the limits set, every endpoint named and described."""

import gc
import socket
import subprocess
import sys
from dataclasses import replace
from typing import Any

import gradio as gr
import pytest

from inspector.models import catalog
from inspector.models.catalog import CATALOG
from inspector.settings import ASSETS, settings
from inspector.ui import attention_recipe, shell
from inspector.ui.share import Share

TABS = ("saliency", "attention", "clusters", "segmentation")


@pytest.fixture(scope="module")
def built() -> gr.Blocks:
    return shell.build()


@pytest.fixture(scope="module")
def options() -> dict[str, Any]:
    """What `launch` hands to gradio."""
    with pytest.MonkeyPatch.context() as patch:
        seen: dict[str, Any] = {}
        patch.setattr(gr.Blocks, "launch", lambda self, **given: seen.update(given))
        shell.launch(warm_up=False)
    return seen


def test_the_server_keeps_to_itself(options: dict[str, Any], built: gr.Blocks) -> None:
    assert options["server_name"] is None  # this machine alone, unless a host is given
    assert options["allowed_paths"] == []
    assert options["show_error"] is False
    assert options["share"] is False
    assert options["state_session_capacity"] <= 100
    assert options["max_file_size"] == settings().limits.max_bytes
    assert built.analytics_enabled is False
    assert built.delete_cache is None  # `places` sweeps, empty folders too


def test_no_font_and_no_style_comes_from_elsewhere(options: dict[str, Any]) -> None:
    assert shell.theme()._stylesheets == []
    assert "http" not in options["head"].replace("http://www.w3.org/2000/svg", "")  # a name, which nobody fetches
    assert "http" not in (ASSETS / "viewer" / "page.css").read_text()


def test_every_action_is_named_typed_and_described(built: gr.Blocks) -> None:
    endpoints = built.get_api_info()["named_endpoints"]
    assert set(endpoints) == {f"/{tab}" for tab in (*TABS, "evaluate")}
    for name, endpoint in endpoints.items():
        assert len(endpoint["description"]) > 100, name
        if name == "/evaluate":
            assert [item["parameter_name"] for item in endpoint["parameters"]] == ["subject", "count", "seed"]
            continue
        names = [item["parameter_name"] for item in endpoint["parameters"]]
        assert names[:2] == ["image", "scene"]
        assert not any(item.startswith("param_") for item in names)
        assert all(item["parameter_has_default"] for item in endpoint["parameters"]), name
        assert [item["label"] for item in endpoint["returns"]] == ["figure", "numbers", "files"]


def test_where_a_model_is_chosen_the_page_says_what_it_was_told(built: gr.Blocks) -> None:
    (about,) = (
        item for item in built.blocks.values() if isinstance(item, gr.HTML) and "models-told" in str(item.value)
    )
    assert all(catalog.spec(name).told in about.value for name in catalog.PAIRS["taught"].values())
    offered = {value for item in built.blocks.values() if isinstance(item, gr.Dropdown) for _, value in item.choices}
    assert set(catalog.PAIRS["plain"].values()) <= offered
    chosen = [fn.fn for fn in built.fns.values() if about._id in [output._id for output in fn.outputs]]
    assert len(chosen) >= 2
    for change in chosen[:2]:
        html, *_ = change(*catalog.PAIRS["plain"].values(), "", 1, [])
        assert html.count("nobody told it where words are") == 2


def test_models_run_one_at_a_time_for_the_whole_page(built: gr.Blocks) -> None:
    running = [fn for fn in built.fns.values() if fn.concurrency_id == "gpu"]
    assert {fn.api_name for fn in running if fn.api_visibility == "public"} == {*TABS, "evaluate"}
    assert all(fn.concurrency_limit is None for fn in running)  # the line gives turns, see test_line
    queued = {fn.concurrency_id for fn in built.fns.values() if fn.queue}
    assert queued == {"gpu", "files"}  # nothing else waits, and both are counted


def test_values_reach_handlers_as_they_were_sent(built: gr.Blocks) -> None:
    assert not any(fn.preprocess for fn in built.fns.values())


def test_every_control_says_where_its_default_is_from(built: gr.Blocks) -> None:
    silent = [
        block.label
        for block in built.blocks.values()
        if isinstance(block, gr.Slider | gr.Radio | gr.Dropdown | gr.Textbox | gr.Number | gr.Checkbox)
        and block.visible
        and not block.info
    ]
    assert silent == []


def test_models_are_those_of_the_catalog(built: gr.Blocks) -> None:
    lists = [block for block in built.blocks.values() if isinstance(block, gr.Dropdown) and "odel" in str(block.label)]
    assert len(lists) == 2
    for block in lists:
        assert all(value in CATALOG for _, value in block.choices)
        assert str(block.value).startswith("scenes-")


def test_samplers_are_those_of_the_models() -> None:
    from inspector.models.diffusion import SCHEDULERS

    assert set(attention_recipe.SCHEDULERS) == set(SCHEDULERS)


def test_a_zerogpu_host_finds_its_functions_and_models_before_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    happened: list[Any] = []
    monkeypatch.setattr(shell, "settings", lambda: replace(settings(), zero_gpu=True))
    monkeypatch.setattr(shell.runs, "load_pipelines", lambda tabs: happened.append(tuple(tabs)))
    monkeypatch.setattr(shell.warming, "work", lambda: happened.append("warming"))
    monkeypatch.setattr(gr.Blocks, "launch", lambda *_, **__: happened.append("launch"))
    monkeypatch.setattr(shell.places, "keep_swept", lambda: happened.append("sweeping"))
    shell.launch()
    assert happened == [TABS, "warming", "sweeping", "launch"]  # it serves for as long as the process lives


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_port_that_is_taken_is_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(shell.ChoiceError, match=f"{port}.*--port"):
            shell.launch(port=port, warm_up=False, quiet=True, prevent_thread_lock=True)
    gc.collect()  # the socket that gradio tried and forgot


def test_building_the_page_loads_no_torch() -> None:
    """What makes it ready in seconds."""
    code = "import sys; from inspector.ui import shell; shell.build(); print('torch' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False"]


@pytest.mark.parametrize("host", ["nonsense..host", "256.1.1.1", "203.0.113.7", "x" * 300])
def test_a_host_that_is_none_of_this_machine_s_is_a_sentence(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def lookup(name: str, *_: Any, **__: Any) -> Any:  # nobody is asked outside
        asked.append(name)
        if name == "203.0.113.7":
            return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (name, 0))]
        raise UnicodeError("label empty") if ".." in name else socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    with pytest.raises(shell.ChoiceError, match=r"^Cannot listen on '.*'?: .*; give an address of this machine"):
        shell.launch(host=host, warm_up=False)
    assert asked


def test_a_page_comes_up_without_the_style_and_the_scripts_that_are_missing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def missing(*_: Any) -> str:
        raise FileNotFoundError(2, "No such file or directory", "assets/viewer/viewer.css")

    monkeypatch.setattr(shell, "styles", missing)
    style, script = shell._inside()
    assert "assets/viewer/viewer.css: No such file or directory; get the whole repository." in caplog.text
    assert ".status" in style
    assert script


def test_a_page_that_others_reach_has_a_share_per_visitor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gr.Blocks, "launch", lambda *_, **__: None)
    monkeypatch.setattr(shell, "check_host", lambda host: None)
    for host, seconds in ((None, 0), ("0.0.0.0", 120)):
        monkeypatch.setattr(shell, "SHARE", Share())
        shell.launch(host=host, warm_up=False)
        assert shell.SHARE.allowed == seconds
