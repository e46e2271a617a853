"""Rows: places that cannot be used, files that are missing or damaged, and what is left behind."""

import contextlib
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.reliability import page
from tests.reliability.calling import Answer, is_sentence
from tests.reliability.ground import EASY, Ground, NotTriedError, Row, Verdict, refused
from tests.reliability.serving import NotUpError, Server

CLUSTERS = ("-m", "inspector", "clusters", "scene:500001", "--k", "2")


@contextlib.contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """A disk of its own in memory, full after so much. Raises NotTriedError where this machine mounts none."""
    with tempfile.TemporaryDirectory(prefix="disk-") as place:
        options = ["-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", place]
        try:
            subprocess.run(["mount", *options], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            raise NotTriedError("no disk of its own can be mounted here") from None
        try:
            yield Path(place)
        finally:
            subprocess.run(["umount", "-l", place], check=False, capture_output=True)


def _ended(code: int | None, said: str, word: str = "") -> Verdict:
    """The verdict on a program that ended: one sentence, and no traceback, which names `word`."""
    if code is None:
        return Verdict(False, "HELD: it ran on without a word")
    if "Traceback" in said:
        return Verdict(False, f"TRACEBACK: {said.splitlines()[-1]}")
    lines = [line for line in said.splitlines() if line.startswith("inspector:")]
    if code == 0 or len(lines) != 1 or not is_sentence(lines[0]):
        return Verdict(False, f"NO SENTENCE: code {code}, {said.splitlines()[-1] if said else 'nothing said'}")
    if word not in lines[0] or ("another port" in lines[0] and "PORT" not in word):
        return Verdict(False, f"WRONG SENTENCE for {word}: {lines[0].removeprefix('inspector: ')}")
    return Verdict(True, f"said: {lines[0].removeprefix('inspector: ')}")


def _started(ground: Ground, word: str = "", run: bool = True, **options: object) -> Verdict:
    """Whether a page comes up, and answers, or says in one sentence why not."""
    try:
        with Server(**({"root": ground.root} | options)) as server:  # type: ignore[arg-type]
            with ground.visitor(server, patience=60) as visitor:
                if not visitor.http.get("/").is_success:
                    return Verdict(False, "EMPTY: it came up without a page")
                answer = visitor.ask("saliency", EASY) if run else Answer("complete")
            if "Traceback" in server.log():
                return Verdict(False, f"TRACEBACK: it came up, with {_last_error(server.log())}")
    except NotUpError as error:
        return _ended(error.code, error.log, word)
    return Verdict(True, "came up, and answers") if answer.done else refused(answer)


def _last_error(log: str) -> str:
    found = re.findall(r"^(\w*(?:Error|Exception)\b.*)$", log, re.MULTILINE)
    return found[-1][:100] if found else "a traceback"


def bad_port(ground: Ground) -> Verdict:
    """A port in the environment that is none."""
    return _started(ground, "GRADIO_SERVER_PORT", extra={"GRADIO_SERVER_PORT": "abc"})


def bad_host(ground: Ground) -> Verdict:
    """A host that cannot be."""
    return _started(ground, "nonsense..host", arguments=("--host", "nonsense..host"))


def no_folder(ground: Ground) -> Verdict:
    """Temporary folders that cannot be written."""
    blocked = ground.outside / "blocked"
    blocked.write_text("a file", encoding="utf-8")
    return _started(ground, "blocked", extra={"GRADIO_TEMP_DIR": str(blocked)})


def full_at_start(ground: Ground) -> Verdict:
    """A disk of 1 MB, already full, for temporary files."""
    with small_disk(1) as disk:
        _fill(disk)
        return _started(ground, extra={"GRADIO_TEMP_DIR": str(disk)}, run=False)


def nearly_full_at_start(ground: Ground) -> Verdict:
    """A disk with room for a part of what the page writes at its start."""
    with small_disk(1) as disk:
        return _started(ground, extra={"GRADIO_TEMP_DIR": str(disk)})


def _fill(disk: Path) -> Path:
    filler = disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"0" * 4096)
    return filler


def full_later(ground: Ground) -> Verdict:
    """A disk that fills up while the page runs: sentences for a script and on the page; well again once it is freed."""
    with small_disk(40) as disk, ground.own({"GRADIO_TEMP_DIR": str(disk)}) as server:
        filler = _fill(disk)
        with ground.visitor(server, patience=30) as visitor:
            by_script = visitor.ask("saliency", EASY | {"scene": 500_011})
            on_page = page.run(visitor, "clusters", "full", number=500_011)
            uploaded = visitor.http.post("/gradio_api/upload", files={"files": ("x.png", b"0" * 100_000)})
            filler.unlink()
            freed = visitor.ask("saliency", EASY | {"scene": 500_012})
    if not by_script.told:
        return refused(by_script)
    if not is_sentence(page.said(on_page)):
        return Verdict(False, f"NULL: the page says {page.said(on_page)!r}")
    if uploaded.is_success or "Internal Server Error" in uploaded.text:
        return Verdict(False, f"NULL: an upload got {uploaded.status_code} {uploaded.text[:60]!r}")
    return Verdict(freed.done, f"said: {by_script.sentence}") if freed.done else refused(freed)


def _changed(ground: Ground, file: str, change: Callable[[Path], None]) -> Verdict:
    with ground.copy() as tree:
        change(tree / file)
        return _started(ground, Path(file).name, root=tree)


def no_style(ground: Ground) -> Verdict:
    """A tree without the page's style sheet."""
    return _changed(ground, "assets/viewer/page.css", Path.unlink)


def no_script(ground: Ground) -> Verdict:
    """A tree without one of the page's scripts."""
    return _changed(ground, "assets/viewer/shell.js", Path.unlink)


def empty_example(ground: Ground) -> Verdict:
    """An example that is an empty file: the page comes up without it."""
    return _came_up(_changed(ground, "assets/examples/saliency.npz", lambda file: file.write_bytes(b"") and None))


def damaged_example(ground: Ground) -> Verdict:
    """An example that is cut off."""
    return _came_up(
        _changed(
            ground, "assets/examples/clusters.npz", lambda file: file.write_bytes(file.read_bytes()[:9000]) and None
        )
    )


def _came_up(verdict: Verdict) -> Verdict:
    return verdict if verdict.said.startswith("came up") else Verdict(False, verdict.said.replace("said:", "DOWN:"))


def no_model(ground: Ground) -> Verdict:
    """A tree without CLIP's weights: the page is told, the other models work."""
    with ground.copy() as tree:
        shutil.rmtree(tree / "assets/models/scenes-clip")
        with Server(tree) as server, ground.visitor(server) as visitor:
            said = page.said(page.run(visitor, "saliency", "gone", number=500_002))
            other = visitor.ask("clusters", {"scene": 500_001, "k": 2})
    if not is_sentence(said) or not other.done:
        return Verdict(False, f"NULL: the page says {said!r}, the other model {other.event}")
    return Verdict(True, f"said: {said}")


def full_json(ground: Ground) -> Verdict:
    """--json /dev/full."""
    return _ended(*ground.command(*CLUSTERS, "--json", "/dev/full", limit=120), "/dev/full")


def full_out(ground: Ground) -> Verdict:
    """--out on a full disk."""
    with small_disk(1) as disk:
        _fill(disk)
        code, said = ground.command(*CLUSTERS, "--out", str(disk), limit=120)
        return _ended(code, said.replace(str(disk), "DISK"), "DISK")


def no_unicode(ground: Ground) -> Verdict:
    """Bytes on the command line that are no text, in each place."""
    odd = b"car\xff, sky"
    tries = {
        "classes": ("-m", "inspector", "saliency", "scene:1", "--classes", odd),
        "prompt": ("-m", "inspector", "attention", "--steps", "1", "--prompt", odd),
        "image": ("-m", "inspector", "clusters", odd),
        "command": ("-m", "inspector", odd),
        "host": ("app.py", "--host", odd),
    }
    for what, arguments in tries.items():
        verdict = _ended(*ground.command(*arguments))
        if not verdict.holds:
            return Verdict(False, f"{what}: {verdict.said}")
    return verdict


def left_by_terminate(ground: Ground) -> Verdict:
    """What lies in the temporary folders after SIGTERM."""
    with tempfile.TemporaryDirectory(prefix="left-") as home:
        with Server(ground.root, home=Path(home)) as server:
            _use(ground, server)
            used = len(server.files())
            server.end(signal.SIGTERM)
        return _left(Path(home), used)


def left_by_kill(ground: Ground) -> Verdict:
    """What lies there after SIGKILL, another start and its end."""
    with tempfile.TemporaryDirectory(prefix="left-") as home:
        with Server(ground.root, home=Path(home)) as server:
            _use(ground, server)
            used = server.files()
            server.end(signal.SIGKILL)
        with Server(ground.root, home=Path(home)) as server:
            kept = [path for path in used if path.exists()]
        if kept:
            return Verdict(False, f"LEFT: {len(kept)} of {len(used)} files were there after the next start")
        return _left(Path(home), len(used))


def _use(ground: Ground, server: Server) -> None:
    with ground.visitor(server) as visitor:
        visitor.ask("saliency", EASY)
        visitor.upload(b"something")
        page.run(visitor, "saliency", "used", number=500_001)


def _left(home: Path, used: int) -> Verdict:
    left = [path for name in ("gradio", "tmp") for path in (home / name).rglob("*") if not _of_a_library(path)]
    files = [path for path in left if path.is_file()]
    if left:
        return Verdict(False, f"LEFT: {len(files)} files of {used}, {len(left) - len(files)} folders")
    return Verdict(True, f"swept: nothing of {used} files")


def _of_a_library(path: Path) -> bool:
    """Whether it is an empty folder that gradio or torch make when they are imported, the same one each time."""
    known = path.name == "vibe_edit_history" or path.name.startswith("torchinductor_")
    return known and path.is_dir() and not any(path.iterdir())


ROWS = [
    Row(7, "GRADIO_SERVER_PORT=abc", bad_port),
    Row(7, "--host nonsense..host", bad_host),
    Row(7, "a temporary folder that cannot be", no_folder),
    Row(7, "a disk full at the start", full_at_start),
    Row(7, "a disk of 1 MB at the start", nearly_full_at_start),
    Row(7, "a disk that fills up later", full_later),
    Row(7, "no style sheet", no_style),
    Row(7, "a script of the page is missing", no_script),
    Row(7, "an example that is empty", empty_example),
    Row(7, "an example that is cut off", damaged_example),
    Row(4, "a model that is gone, on the page", no_model),
    Row(7, "--json /dev/full", full_json),
    Row(7, "--out on a full disk", full_out),
    Row(7, "bytes on the command line that are no text", no_unicode),
    Row(7, "files after SIGTERM", left_by_terminate),
    Row(7, "files after SIGKILL and another start", left_by_kill),
]
