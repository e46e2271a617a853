"""The shell: the page around the four tabs, and the server that answers for it."""

import threading
import warnings
from importlib.util import find_spec
from typing import Any

import gradio as gr
from PIL import Image

from inspector.errors import ChoiceError
from inspector.settings import ASSETS, settings
from inspector.ui import attention, clusters, runs, saliency, segmentation, warming

TITLE = "Dense Inspector"
PURPOSE = (
    "Record what CLIP and Stable Diffusion compute once, then look at it from every side, measure it against masks, "
    "and take the picture away."
)
TABS = {"saliency": saliency, "attention": attention, "clusters": clusters, "segmentation": segmentation}
SYSTEM_FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif")
MONO_FONTS = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")
ASK_SCREEN = "() => ({narrow: window.innerWidth < 640, dark: document.body.classList.contains('dark')})"


def build() -> gr.Blocks:
    """The page: header, four tabs, and the state of the visitor's screen."""
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(3600, 3600), fill_width=True) as page:
        screen = gr.JSON({"narrow": False, "dark": False}, visible="hidden", label="screen")
        gr.HTML(f"<header class='top'><h1>{TITLE}</h1><p>{PURPOSE}</p></header>")
        shown: list[Any] = []
        for name, tab in TABS.items():
            with gr.Tab(name.capitalize(), id=name):
                shown += tab.build(screen)
        asked = page.load(None, None, screen, js=ASK_SCREEN, api_visibility="private", show_progress="hidden")
        asked.then(warming.ready, None, shown, api_visibility="private", show_progress="hidden")
    return page


def theme() -> gr.themes.Base:
    """Calm greys, one accent, system fonts: nothing is fetched from elsewhere."""
    return gr.themes.Base(
        primary_hue="blue", neutral_hue="slate", font=SYSTEM_FONTS, font_mono=MONO_FONTS, radius_size="sm"
    )


def launch(host: str | None = None, port: int | None = None, warm_up: bool = True, **options: Any) -> gr.Blocks:
    """Build the page and serve it.

    host, port: None leaves them to gradio: this machine only, 7860 or the next free one, or what a host sets.
    options: of gr.Blocks.launch, such as prevent_thread_lock. Raises ChoiceError when the port is taken.
    """
    guard_decoders()
    # Torch comes with them: the first visitor does not wait for it, and a ZeroGPU host finds its functions.
    runs.load_pipelines(TABS)
    hosted = find_spec("spaces") is not None  # lends its GPU to visitors only
    page = build()
    page.queue(max_size=16, default_concurrency_limit=4)
    if warm_up and not hosted:
        threading.Thread(target=warming.work, daemon=True, name="warming").start()
    try:
        page.launch(
            server_name=host,
            server_port=port,
            theme=theme(),
            head=f"<style>{(ASSETS / 'viewer' / 'page.css').read_text(encoding='utf-8')}</style>",
            max_file_size=settings().limits.max_bytes,
            state_session_capacity=500,
            allowed_paths=[],
            show_error=False,
            ssr_mode=False,
            run_history=False,
            enable_monitoring=False,
            share=False,
            footer_links=[],
            _frontend=False,  # leaves out a check that gives up after 3 s, which a busy machine may take
            **options,
        )
    except OSError as error:
        raise ChoiceError(f"{error}; choose another port with --port.") from None
    return page


def serve(host: str | None = None, port: int | None = None) -> None:
    """Serve the page until interrupted."""
    launch(host, port)


def guard_decoders() -> None:
    """No picture larger than our limit is decoded anywhere in this process, by whatever library."""
    Image.MAX_IMAGE_PIXELS = settings().limits.max_pixels
    warnings.simplefilter("error", Image.DecompressionBombWarning)
