"""Page: the events of the page itself, found by what sets them off, and called as a browser would."""

import html
import io
import json
import re
from typing import Any

import numpy as np

from tests.reliability.calling import API, Answer, Visitor, refusal

TABS = ("saliency", "attention", "clusters", "segmentation")


def of_kind(config: dict[str, Any], kind: str) -> list[int]:
    """Ids of the page's components of a kind."""
    return [item["id"] for item in config["components"] if item["type"] == kind]


def event(config: dict[str, Any], components: list[int], name: str, queued: bool = True) -> list[dict[str, Any]]:
    """The page's events that one of these components sets off."""
    found = []
    for item in config["dependencies"]:
        starts = any(target in components and how == name for target, how in item["targets"])
        if starts and bool(item["queue"]) == queued and item["backend_fn"]:
            found.append(item)
    return found


def run_events(config: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """tab -> the event of its turn in the queue."""
    return dict(zip(TABS, event(config, of_kind(config, "json"), "change"), strict=False))


def values(config: dict[str, Any], item: dict[str, Any], **changed: Any) -> list[Any]:
    """What a fresh page would send with an event; `changed`: kind of component -> value of the first one instead."""
    by_id = {part["id"]: part for part in config["components"]}
    left = dict(changed)
    parts = [by_id[name] for name in item["inputs"]]
    return [left.pop(part["type"]) if part["type"] in left else part["props"].get("value") for part in parts]


def asking_event(config: dict[str, Any], tab: str) -> dict[str, Any]:
    """The quiet event by which the page asks for a tab's run: it says what is known, or sets off the run's turn."""
    todo = run_events(config)[tab]["inputs"][0]
    for item in config["dependencies"]:
        pressed = any(how in ("click", "submit") for _, how in item["targets"])
        if pressed and todo in item["outputs"] and item["inputs"] and not item["queue"]:
            return item
    raise LookupError(f"the page has no event that asks for {tab}")


def run(visitor: Visitor, tab: str, session: str, **changed: Any) -> Answer:
    """The answer to a tab's run as a browser asks for it: Run is pressed, then the run takes its turn."""
    config = visitor.config()
    asking, turn = asking_event(config, tab), run_events(config)[tab]
    sent = values(config, asking, **changed)
    got = visitor.post(f"{API}/run/predict", {"data": sent, "fn_index": asking["id"], "session_hash": session})
    if isinstance(got, Answer):
        return got
    if not got.is_success:
        return refusal(got)
    told = got.json()
    todo = told["data"][asking["outputs"].index(turn["inputs"][0])]
    asked = todo.get("value", todo) if isinstance(todo, dict) else None
    if not isinstance(asked, dict) or "nonce" not in asked:
        return Answer("complete", (told, []))
    return visitor.joined(turn["id"], [asked, *values(config, turn, **changed)[1:]], session)


def shown(answer: Answer) -> str:
    """The key of the result in what a run of the page gave, "" where there is none."""
    found = re.search(r'"key": "([^"]+)"', json.dumps(answer.data))
    return found[1] if found else ""


def said(answer: Answer) -> str:
    """The sentence that the page shows: a message, or an alert in the status line."""
    if not answer.done:
        return answer.sentence
    output, messages = answer.data
    alerts = re.findall(r'role="alert"[^>]*>([^<]+)<', json.dumps(output).replace('\\"', '"'))
    return html.unescape(" ".join([*messages, *alerts]))


def server_call(visitor: Visitor, component: int, name: str, data: Any) -> Any:
    """What a function of a component says to a page; None where it is refused."""
    body = {"data": data, "component_id": component, "session_hash": "somebody", "fn_name": name}
    got = visitor.post(f"{API}/component_server", body)
    return got.json() if not isinstance(got, Answer) and got.is_success else None


def arrays(content: bytes) -> dict[str, np.ndarray]:
    """The arrays of a maps.npz."""
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def holds_pixels(content: bytes, pixels: np.ndarray) -> bool:
    """Whether a maps.npz holds a picture."""
    return any(np.array_equal(item, pixels) for item in arrays(content).values())
