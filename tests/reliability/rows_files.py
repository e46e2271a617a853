"""Rows: other files, devices and addresses that a visitor names, and routes that hand out files."""

import io
import os
import tempfile
import threading
from pathlib import Path
from typing import Any

from PIL import Image

from tests.reliability import page
from tests.reliability.calling import API
from tests.reliability.ground import EASY, Ground, Row, Verdict, refused, worst
from tests.reliability.listening import Listener
from tests.reliability.rows_pictures import ASKED, IN_TREE


def a_folder(ground: Ground) -> Verdict:
    """A folder in place of a picture, also the upload folder itself."""
    server = ground.server()
    with ground.visitor(server) as visitor:
        paths = {"outside": ground.outside, "its own": server.home / "gradio"}
        told = {way: visitor.ask("saliency", {"image": {"path": str(path)}, **ASKED}) for way, path in paths.items()}
        return worst({way: refused(answer) for way, answer in told.items()})


def own_environment(ground: Ground) -> Verdict:
    """/proc/self/environ, where secrets of a host stand: refused as a file that is not there."""
    with ground.visitor(ground.server()) as visitor:
        answers = []
        for path in ("/proc/self/environ", "/proc/self/missing"):
            answers.append(visitor.ask("saliency", {"image": {"path": path}, **ASKED}))
            if not answers[-1].told:
                return refused(answers[-1])
    first, second = (answer.sentence.replace("environ", "").replace("missing", "") for answer in answers)
    return Verdict(True, f"refused: {first}") if first == second else Verdict(False, f"TOLD: {first} / {second}")


def endless_device(ground: Ground) -> Verdict:
    """/dev/zero: has the size 0 and no end."""
    with ground.own() as server, ground.visitor(server, patience=45) as visitor:
        answer = visitor.ask("saliency", {"image": {"path": "/dev/zero"}, **ASKED})
        grown = (server.peak - server.first) / 1e9
        if server.burst:
            return Verdict(False, f"TOOK: memory grew by {grown:.1f} GB, then the server was ended")
        if grown > 0.3:
            return Verdict(False, f"TOOK: memory grew by {grown:.1f} GB")
        return refused(answer)


def a_pipe(ground: Ground) -> Verdict:
    """A named pipe that nobody writes to."""
    pipe = ground.outside / "pipe"
    os.mkfifo(pipe)
    freed = threading.Timer(40, _free, [pipe])
    try:
        with ground.own() as server, ground.visitor(server, patience=25) as visitor:
            freed.start()
            verdict = refused(visitor.ask("saliency", {"image": {"path": str(pipe)}, **ASKED}))
            with ground.visitor(server, patience=5) as other:
                if not other.ask("saliency", EASY).done:
                    return Verdict(False, f"{verdict.said}, and nobody else has a turn")
            return verdict
    finally:
        freed.cancel()
        _free(pipe)
        pipe.unlink()


def _free(pipe: Path) -> None:
    """Let go of whoever waits for the pipe."""
    try:
        os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
    except OSError:  # nobody waits
        return


def fetched(ground: Ground) -> Verdict:
    """Addresses of another server, in each place where one may stand; nothing may be fetched."""
    with Listener(ground.private.read_bytes()) as listener, ground.visitor(ground.server()) as visitor:
        there = f"{listener.url}/picture.png"
        meta = {"meta": {"_type": "gradio.FileData"}}
        images: list[Any] = [there, {"path": there}, {"path": "", "url": there}, {"path": there, **meta}]
        images += [{"path": "x", "url": there, **meta}, {"path": there.replace("http", "HTTP", 1)}]
        for image in images:
            visitor.ask("saliency", {"image": image, **ASKED})
            visitor.tool("saliency", {"image": image, **ASKED})
        page.run(visitor, "saliency", "fetched", image={"path": there, **meta}, number=None)
        visitor.http.get(f"{API}/file={there}")
        visitor.http.get(f"{API}/proxy={there}")
        if listener.heard:
            return Verdict(False, f"FETCHED: {len(listener.heard)} requests, such as {listener.heard[0]}")
        return Verdict(True, f"refused: nothing was fetched by {2 * len(images) + 3} tries")


def large_data_url(ground: Ground) -> Verdict:
    """A picture of 40 MB inside the call."""
    with ground.own(growth=3_000_000_000) as server, ground.visitor(server) as visitor:
        text = "data:image/png;base64," + "A" * 40_000_000
        verdict = refused(visitor.ask("saliency", {"image": {"path": text, "url": text}, **ASKED}))
        grown = (server.peak - server.first) / 1e6
        kept = sum(path.stat().st_size for path in server.files()) / 1e6
        if grown > 600 or kept > 25:
            return Verdict(False, f"TOOK: memory grew by {grown:.0f} MB, {kept:.0f} MB of files")
        return verdict


def a_bomb(ground: Ground) -> Verdict:
    """A small file of a picture of 13,000 x 13,000 pixels."""
    packed = io.BytesIO()
    Image.new("1", (13_000, 13_000)).save(packed, "PNG")
    server = ground.server()
    with ground.visitor(server) as visitor:
        server.mark()
        place = visitor.upload(packed.getvalue())
        verdict = refused(visitor.ask("saliency", {"image": {"path": place}, **ASKED}))
        grown = (server.peak - server.first) / 1e6
        return verdict if grown < 300 else Verdict(False, f"TOOK: memory grew by {grown:.0f} MB")


def odd_paths(ground: Ground) -> Verdict:
    """Paths that no file system takes."""
    odd = {
        "NUL": "a\0b.png",
        "long": "x" * 5000,
        "empty": "",
        "dots": "../" * 400 + "etc/passwd",
        "surrogate": "\ud800",
    }
    with ground.visitor(ground.server()) as visitor:
        told = {way: visitor.ask("saliency", {"image": {"path": path}, **ASKED}) for way, path in odd.items()}
        return worst({way: refused(answer) for way, answer in told.items()})


def uploaded_name(ground: Ground) -> Verdict:
    """An upload whose name leads out of the folder."""
    server = ground.server()
    before = set(server.home.rglob("*"))
    with ground.visitor(server) as visitor:
        for name in (
            "../../escaped.png",
            f"{tempfile.gettempdir()}/escaped.png",
            "..\\..\\escaped.png",
            "%2e%2e%2fescaped.png",
        ):
            visitor.upload(b"escaped", name)
    gradio = server.home / "gradio"
    new = [
        path for path in server.home.rglob("*") if path not in before and path.is_file() and gradio not in path.parents
    ]
    if new or Path(tempfile.gettempdir(), "escaped.png").exists():
        return Verdict(False, f"WROTE: {new[0].name}")
    return Verdict(True, "refused: all four lie inside the folder")


def traversal(ground: Ground) -> Verdict:
    """Routes that hand out files, asked for others."""
    server = ground.server()
    secret = str(ground.private)
    with ground.visitor(server) as visitor:
        upload = str(visitor.upload(b"its own"))
        if not _raw(visitor, f"{API}/file={upload}"):
            return Verdict(False, "SHUT OUT: its own upload is not handed out")
    up = f"{Path(upload).parent}/../../../../../../../../..{secret}"
    paths = [f"{API}/file={secret}", f"{API}/file={up}", f"{API}/file/{secret}", f"{API}/file=..{secret}"]
    paths += [f"{API}/file={up.replace('..', '%2e%2e')}", f"{API}/file={secret.replace('/', '%2f')}"]
    paths += [f"{API}/file={ground.root}/{IN_TREE}", f"{API}/file={IN_TREE}", f"{API}/file=/proc/self/environ"]
    paths += [
        f"{base}/{'../' * 12}{secret[1:]}" for base in ("/static", "/assets", "/svelte", f"{API}/custom_component")
    ]
    paths += [f"{API}/file={ground.root}/app.py", f"{API}/file=/etc/passwd"]
    with ground.visitor(server) as visitor:
        got = [path for path in paths if _raw(visitor, path)]
    if got:
        return Verdict(False, f"READ: {len(got)} of {len(paths)}, such as {got[0].replace(str(ground.root), '')}")
    return Verdict(True, f"refused: {len(paths)} of {len(paths)}")


def _raw(visitor: Any, path: str) -> bool:
    """Whether a path, sent as it is, is answered with a file."""
    request = visitor.http.build_request("GET", "/")
    request.url = request.url.copy_with(raw_path=path.encode())
    got = visitor.http.send(request)
    return got.is_success and b"<!doctype html>" not in got.content[:200].lower()


ROWS = [
    Row(1, "a folder", a_folder),
    Row(1, "/proc/self/environ", own_environment),
    Row(1, "/dev/zero", endless_device),
    Row(1, "a named pipe", a_pipe),
    Row(1, "an address on another server", fetched),
    Row(1, "a data URL of 40 MB", large_data_url),
    Row(1, "a picture of 169 million pixels in a small file", a_bomb),
    Row(1, "paths that cannot be: NUL, 5,000 characters, no Unicode", odd_paths),
    Row(1, "an upload whose name leads out of the folder", uploaded_name),
    Row(1, "routes that hand out files", traversal),
]
