"""The shell: the page around the four tabs, and the server that answers for it."""

import logging
import signal
import socket
import threading
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NoReturn

import gradio as gr
from PIL import Image

from inspector.errors import ChoiceError, InspectorError
from inspector.models import catalog
from inspector.settings import ASSETS, is_public, settings
from inspector.ui import (
    agents,
    attention,
    bring_back,
    changes,
    clusters,
    controls,
    costs,
    doors,
    evaluations,
    examples,
    links,
    parts,
    places,
    runs,
    saliency,
    scenes,
    segmentation,
    source,
    take_away,
    warming,
    word_lists,
)
from inspector.ui.entrance import Entrance
from inspector.ui.gate import guarded_app, rules
from inspector.ui.guard import explained
from inspector.ui.heaps import keep_few_heaps
from inspector.ui.session import RESULTS
from inspector.ui.tab import Tab
from inspector.ui.turns import SHARE
from inspector.ui.viewer import failing
from inspector.views.images import WHOLE
from inspector.views.page import styles
from inspector.views.scripts import scripts

LOG = logging.getLogger(__name__)
TITLE = "Dense Inspector"
NAME = f"<header><h1>{TITLE}</h1></header><a class='skip' href='#' data-skip>Skip to the pictures</a>"
LINK = "<button type='button' class='plain' data-copy='link' title='Copy the address of what is shown'>Link</button>"
HELP = "<button type='button' class='plain' data-opens='help' aria-expanded='false'>Help</button>"
THUMB = (
    "<button type='button' class='thumb' data-opens='source' aria-expanded='false' aria-label='Choose the picture'>"
    "<img alt=''></button>"
)
TABS = {"saliency": saliency, "attention": attention, "clusters": clusters, "segmentation": segmentation}
SYSTEM_FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif")
MONO_FONTS = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")
ADDRESS = """() => [{
    query: window.location.search,
    again: performance.getEntriesByType("navigation")[0]?.type === "reload",
    hidden: document.hidden,
}]"""
START = "(told) => DenseViewer.shell.start(told.tab)"


def build(entrance: Entrance | None = None) -> gr.Blocks:
    """The page: header with the models, the shared picture, four tabs, and a way to take away what they show.

    entrance: says which runs are let in; None lets in all.
    """
    with gr.Blocks(title=TITLE, analytics_enabled=False, fill_width=True) as page:
        address, told = gr.JSON(visible="hidden"), gr.JSON(visible="hidden")
        todos = {name: gr.JSON(visible="hidden") for name in TABS}
        with gr.Row(elem_classes="top"):
            gr.HTML(NAME, elem_classes="name")
            models = controls.models()
            gr.HTML(LINK, elem_classes="own-width")
            save = gr.Accordion("Save", open=False, elem_classes="pill save")
            gr.HTML(HELP, elem_classes="own-width")
        gr.HTML(THUMB, elem_classes="thumb-frame")
        with gr.Column(elem_classes="left popped source-popped"):
            shared = source.build(scenes.STREET)
        with gr.Tabs(elem_classes="chooser") as chooser:
            tabs = {name: _tab(name, models, todos[name]) for name in TABS}
            if entrance is not None:
                tabs = {name: replace(tab, refusal=entrance.refusal) for name, tab in tabs.items()}
        with save:
            take_away.build(tabs, save)
        evaluations.endpoint()
        # None of these waits in the queue, where runs do: the page opens however many of them there are.
        outputs = [chooser, told, *_everything(tabs, shared)]
        opened = page.load(_opening(tabs, shared, chooser, told), address, outputs, js=ADDRESS, **controls.QUIET)
        opened.then(None, told, None, js=START, **controls.QUIET)
        for tab in tabs.values():
            runs.connect(tab, shared)
            changes.connect(tab, shared)
            if tab.costs is not None:
                costs.connect(tab.costs, tab.subject.make, tab.controls, shared.inputs)
        bring_back.connect_saved(tabs, chooser, shared)
        asked = [tabs["saliency"].controls["classes"], tabs["segmentation"].controls["classes"]]
        asked.append(tabs["attention"].controls["prompt"])
        word_lists.connect(shared.lists, shared.inputs, models.clip, asked[:2])
        shared.words.click(source.words_of, [shared.scene, *asked], asked, **controls.QUIET)
    doors.guard_doors(page)
    return page


def _tab(name: str, models: controls.Models, todo: gr.JSON) -> Tab:
    with gr.Tab(name.capitalize(), id=name) as item:
        tab: Tab = TABS[name].build(models, todo)
    script = f"() => DenseViewer.shell.select({name!r}, true)"
    item.select(None, None, None, js=script, show_progress="hidden", api_visibility="private")
    return tab


def _everything(tabs: Mapping[str, Tab], shared: source.Source) -> list[Any]:
    """Every component that a link may set, each once."""
    found = [shared.picture, shared.scene, shared.about]
    for tab in tabs.values():
        found += [*tab.controls.values(), *tab.outputs, tab.todo]
    return list(dict.fromkeys(found))


def _opening(
    tabs: Mapping[str, Tab], shared: source.Source, chooser: gr.Tabs, told: gr.JSON
) -> Callable[..., dict[Any, Any]]:
    """A handler: what the address says to component -> value; every other tab shows its first example."""

    def opened(address: Any, asked: gr.Request) -> dict[Any, Any]:
        said = address if isinstance(address, dict) else {}
        first = tabs[next(iter(tabs))]
        try:
            link = links.read(said.get("query"), tuple(tabs))
        except InspectorError as error:
            return {told: {"tab": first.subject.name}} | runs.failed(first, error)
        shown: dict[Any, Any] = {chooser: gr.Tabs(selected=link.tab), told: {"tab": link.tab}}
        for name, tab in tabs.items():
            shown |= _example(tab) if name != link.tab else {}
        unseen = bool(said.get("again") or said.get("hidden"))
        return shown | _linked(tabs[link.tab], link, shared, asked, unseen)

    return opened


def _example(tab: Tab) -> dict[Any, Any]:
    """What shows a tab's first example, where it is there."""
    try:
        return tab.shown(RESULTS.find(tab.subject.first()), "fresh")
    except InspectorError:
        return {}


def _linked(tab: Tab, link: links.Link, shared: source.Source, asked: Any, unseen: bool) -> dict[Any, Any]:
    """component -> value for what an address asks for.

    unseen: nobody looks, or the browser opened the page again by itself, as all do at once after a restart.
    """
    try:
        request = tab.subject.request(link)
        held = [tab.subject.request(one) for one in links.beside(link)]
        filled = tab.filled(shared, request)
        if unknown := [one for one in (request, *held) if not RESULTS.find(one)]:
            if fetched := " and ".join(dict.fromkeys(filter(None, map(_fetched, unknown)))):
                say = f"The address asks for {fetched}, which nobody fetches by opening an address: press Run."
                return filled | {tab.status: parts.placeholder(say), tab.viewer: failing()}
            if unseen:
                say = "The page was opened again, and its result is no longer kept: press Run to compute it."
                return filled | {tab.status: parts.placeholder(say), tab.viewer: failing()}
        return filled | runs.asking(tab, request, asked, "link", held=held)
    except Exception as error:  # noqa: BLE001  # the page would wait for ever
        return runs.failed(tab, explained(error))


def _fetched(request: Any) -> str:
    """Titles of the request's models that come from the hub."""
    specs = [catalog.spec(name) for name in runs.models_of(request).values()]
    return " and ".join(spec.title for spec in specs if spec.origin == "hub")


def theme() -> gr.themes.Base:
    """Calm greys, one accent, system fonts: nothing is fetched from elsewhere."""
    base = gr.themes.Base(
        primary_hue="blue", neutral_hue="slate", font=SYSTEM_FONTS, font_mono=MONO_FONTS, radius_size="sm"
    )
    quiet, dark = "#52607a", "#a9b4c8"  # quiet text that still reads: at least 4.5 to 1 on every ground of the page
    return base.set(
        body_text_color_subdued=quiet,
        body_text_color_subdued_dark=dark,
        block_info_text_color=quiet,
        block_info_text_color_dark=dark,
        block_label_text_color=quiet,
        block_label_text_color_dark=dark,
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_600",
        block_title_text_color="*body_text_color",
        block_title_text_color_dark="*body_text_color",
    )


def head() -> str:
    """What goes into the document's head: the viewer's scripts and style, and the page's."""
    style, script = _inside()
    return f"<style>{style}</style><script>{script}</script>"


def _inside() -> tuple[str, str]:
    """Style and script. A file that is missing is told, and the page comes up without what it does."""
    found = []
    for read in (styles, lambda: (ASSETS / "viewer" / "page.css").read_text("utf-8"), lambda: scripts("shell")):
        try:
            found.append(read())
        except OSError as error:
            LOG.warning(
                "%s: %s; get the whole repository. The page comes up without it.", error.filename, error.strerror
            )
            found.append("")
    return f"{found[0]}\n{found[1]}", found[2]


def launch(host: str | None = None, port: int | None = None, warm_up: bool = True, **options: Any) -> gr.Blocks:
    """Build the page and serve it.

    host, port: None leaves them to gradio: this machine only, 7860 or the next free one, or what a host sets.
    options: of gr.Blocks.launch, such as prevent_thread_lock. Raises ChoiceError when the port is taken, the host is
    none of this machine's, or nothing can be written to the folder of temporary files.
    """
    check_host(host)
    guard_decoders()
    places.settle()
    # Torch comes with them: the first visitor does not wait for it, and a ZeroGPU host finds its functions.
    runs.load_pipelines(TABS)
    examples.load()
    if settings().zero_gpu:
        warming.work()  # such a host wants the models in place before it lends its GPU
    agents.install()
    entrance, doorkeeping = Entrance(), rules(host)
    page = build(entrance)
    # Closed to calls that skip the queue. Our own line has the places; gradio's bound only guards its memory.
    page.queue(max_size=20 * settings().queue, default_concurrency_limit=4, api_open=False)
    entrance.stand_before(page._queue)
    SHARE.allow(settings().share(is_public(host)))
    if warm_up and not settings().zero_gpu:
        threading.Thread(target=warming.work, daemon=True, name="warming").start()
    _, script = _inside()
    places.keep_swept()  # before the page is served, which may last as long as the process
    try:
        page.launch(
            server_name=host,
            server_port=port,
            theme=theme(),
            head=head(),
            max_file_size=settings().limits.max_bytes,
            max_threads=40 + settings().queue,  # a run that waits holds one
            state_session_capacity=100,  # each takes 0.3 MB, and each call of a program is one
            allowed_paths=[],
            show_error=False,
            ssr_mode=False,
            run_history=False,
            enable_monitoring=False,
            share=False,
            footer_links=[],
            mcp_server=True,  # every endpoint is a tool for agents too
            _frontend=False,  # leaves out a check that gives up after 3 s, which a busy machine may take
            _app=guarded_app(doorkeeping, entrance.session_of, [script]),
            **options,
        )
    except OSError as error:
        raise ChoiceError(f"{error}; choose another port with --port.") from None
    return page


def check_host(host: str | None) -> None:
    """Raise ChoiceError unless a server of this machine can listen on `host`; None and "" are the environment's."""
    name = host or settings().server_name
    if not name:
        return
    try:
        found = socket.getaddrinfo(name.strip("[]"), 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        with socket.socket(found[0][0], socket.SOCK_STREAM) as probe:
            probe.bind(found[0][4])
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no name of a machine"
        raise ChoiceError(
            f"Cannot listen on {name[:60]!r}: {reason}; give an address of this machine, such as 127.0.0.1 or 0.0.0.0."
        ) from None


def serve(host: str | None = None, port: int | None = None) -> None:
    """Serve the page until interrupted, and leave no files behind."""
    signal.signal(signal.SIGTERM, _interrupted)
    keep_few_heaps()
    try:
        launch(host, port)
    finally:
        places.leave()


def _interrupted(*_: Any) -> NoReturn:
    raise KeyboardInterrupt


def guard_decoders() -> None:
    """No picture larger than any that we decode is decoded anywhere in this process, by whatever library."""
    Image.MAX_IMAGE_PIXELS = WHOLE * settings().limits.max_pixels
    warnings.simplefilter("error", Image.DecompressionBombWarning)
