"""The page behind a reverse proxy, under a path: everything it asks for goes through that path."""

import http.client
import http.server
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from inspector.browser import READY, open_browser
from inspector.errors import ChoiceError

pytest.importorskip("playwright.sync_api")
PATH = "/inspector"
DROPPED = {"connection", "transfer-encoding", "keep-alive"}  # of one hop alone


class Proxy(http.server.BaseHTTPRequestHandler):
    """Hands on what is below `PATH`, without it, to the server at `behind`; anything else is not found."""

    behind = ""

    def do_GET(self) -> None:
        self._hand_on()

    def do_POST(self) -> None:
        self._hand_on()

    def _hand_on(self) -> None:
        if not self.path.startswith(f"{PATH}/"):
            self.send_error(404)
            return
        connection = http.client.HTTPConnection(self.behind, timeout=60)
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        connection.request(self.command, self.path.removeprefix(PATH), body, dict(self.headers))
        answer = connection.getresponse()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in DROPPED:
                self.send_header(name, value)
        self.end_headers()
        while part := answer.read1(65536):  # events come one by one
            self.wfile.write(part)
            self.wfile.flush()
        connection.close()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    from inspector.ui.shell import launch

    served = launch(warm_up=False, prevent_thread_lock=True, quiet=True, root_path=PATH)
    Proxy.behind = urlsplit(str(served.local_url)).netloc
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}{PATH}/"
    server.shutdown()
    thread.join()
    server.server_close()
    served.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # a browser that hung up
def test_a_page_under_a_path_opens_links_and_asks_nothing_beside_it(address: str) -> None:
    outside: list[str] = []
    try:
        with open_browser() as browser:
            page = browser.new_page()
            page.on(
                "request",
                lambda request: (
                    None if request.url.startswith((address, "blob:", "data:")) else outside.append(request.url)
                ),
            )
            page.goto(f"{address}?tab=clusters&view=agreement", timeout=60_000)
            page.wait_for_function(READY, timeout=60_000)
            assert page.locator(".dv-title").first.inner_text() == "agreement"
            assert page.url.startswith(f"{address}?tab=clusters")
            page.get_by_role("tab", name="Segmentation").click()
            page.wait_for_function("location.search.includes('tab=segmentation')", timeout=60_000)
            page.wait_for_function(READY, timeout=60_000)
    except ChoiceError as error:
        pytest.skip(str(error))
    assert not outside
