"""Rows: values that no endpoint should take; each gets an error with a sentence."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tests.reliability.calling import API, Visitor, event_of
from tests.reliability.ground import EASY, Ground, Row, Verdict

GOOD: Mapping[str, Mapping[str, Any]] = {
    "saliency": EASY,
    "attention": {"prompt": "a horse", "steps": 1, "scene": 500_001},
    "clusters": {"scene": 500_001, "k": 2, "restarts": 2},
    "segmentation": {"scene": 500_001, "classes": "car, building"},
    "evaluate": {"subject": "saliency", "count": 1},
}
NUMBERS = {
    "saliency": ("scene", "side"),
    "attention": ("scene", "steps", "guidance_scale", "seed", "noise_timestep"),
    "clusters": ("scene", "k", "timestep", "seed", "restarts"),
    "segmentation": ("scene", "background", "timestep", "seed", "side"),
    "evaluate": ("count", "seed"),
}
TEXTS = {
    "saliency": ("classes", "template", "background", "pooling", "model"),
    "attention": ("prompt", "scheduler", "model"),
    "clusters": ("prompt", "preset", "model"),
    "segmentation": ("classes", "method", "template", "clip", "diffusion"),
    "evaluate": ("subject",),
}
FRACTIONS = ("guidance_scale", "background")
OPTIONAL = ("side", "noise_timestep")  # null is the model's own, and the last step's
NOT_A_NUMBER = [float("nan"), float("inf"), float("-inf")]
CLASSES: list[Any] = [["car", ["x"]], [], {}, [[]], ["car", 5], [None], 5, True, None, {"a": "b"}, "", " , /"]
IMAGES: list[Any] = [{}, [], "x", 5, True, [1, 2], {"path": None}, {"path": 5}, {"path": []}, {"url": 5}, {"a": 1}]
IMAGES += [{"path": {}, "meta": {"_type": "gradio.FileData"}}, {"url": "data:,"}, {"url": "data:image/png;base64,!"}]
OUT_OF_RANGE = {
    "saliency": {"side": [-1, 31, 5000]},
    "attention": {
        "steps": [0, -1, 101, 1e9],
        "guidance_scale": [0.5, 31, -1],
        "noise_timestep": [-1, 1000],
        "seed": [-1],
    },
    "clusters": {"k": [0, 33, 1e9], "timestep": [-1, 1000], "restarts": [1, 51], "seed": [-1, 2**31]},
    "segmentation": {"background": [-0.1, 1.1], "timestep": [1000], "side": [31, 1025]},
    "evaluate": {"count": [0, 65, -1], "seed": [-1, 1e12]},
}

Case = tuple[str, dict[str, Any]]


def _with(tab: str, **changed: Any) -> Case:
    return tab, dict(GOOD[tab]) | changed


def _tried(ground: Ground, cases: Iterator[Case]) -> Verdict:
    """Every case must be an error with a sentence."""
    null, taken, total = [], [], 0
    with ground.visitor(ground.server()) as visitor:
        for tab, values in cases:
            total += 1
            answer = visitor.ask(tab, json.dumps(values).encode())
            if not answer.told:
                changed = {name: value for name, value in values.items() if GOOD[tab].get(name, values) != value}
                (taken if answer.done else null).append(f"{tab} {str(changed)[:50]}")
    if null or taken:
        told = f"{len(null)} of {total} got no sentence" + (f" ({null[0]})" if null else "")
        return Verdict(False, f"NULL: {told}, {len(taken)} were taken as right" + (f" ({taken[0]})" if taken else ""))
    return Verdict(True, f"refused: {total} of {total} with a sentence")


def classes(ground: Ground) -> Verdict:
    """Class lists of the wrong kinds."""
    return _tried(ground, (_with(tab, classes=value) for tab in ("saliency", "segmentation") for value in CLASSES))


def truth_values(ground: Ground) -> Verdict:
    """What is no truth value."""
    odd: list[Any] = ["false", "true", "", 0, 1, 0.5, None, [], {}, "off", float("nan")]
    return _tried(ground, (_with("attention", matched=value) for value in odd))


def scenes(ground: Ground) -> Verdict:
    """What is no number of a scene."""
    odd: list[Any] = [0.5, True, False, "5", "", 10**400, -1, 2**31, [], {}, [5], *NOT_A_NUMBER, 1e300, -0.5]
    return _tried(ground, (_with(tab, scene=value) for tab in GOOD if tab != "evaluate" for value in odd))


def numbers(ground: Ground) -> Verdict:
    """Other numbers: halves where wholes are meant, texts, truth values, null, what is none."""

    def cases() -> Iterator[Case]:
        for tab, names in NUMBERS.items():
            for name in names:
                odd: list[Any] = ["5", True, None, [], {}, 10**400, *NOT_A_NUMBER]
                for value in odd if name in FRACTIONS else [*odd, 2.5]:
                    if name != "scene" and not (value is None and name in OPTIONAL):
                        yield _with(tab, **{name: value})

    return _tried(ground, cases())


def images(ground: Ground) -> Verdict:
    """What is no picture."""

    def cases() -> Iterator[Case]:
        for tab in ("saliency", "attention", "clusters", "segmentation"):
            for value in IMAGES:
                values = _with(tab, image=value)[1]
                yield tab, {name: item for name, item in values.items() if name != "scene"}

    return _tried(ground, cases())


def texts(ground: Ground) -> Verdict:
    """What is no text, and names that do not exist."""

    def cases() -> Iterator[Case]:
        for tab, names in TEXTS.items():
            for name in names:
                odd: list[Any] = [5, True, None, [], {}, ["a", "b"]]
                named = name not in ("classes", "background", "prompt", "template")
                for value in [*odd, "nobody-knows", "../../etc", ""] if named else odd:
                    if not (name == "background" and value in ([], ["a", "b"])):
                        yield _with(tab, **{name: value})

    return _tried(ground, cases())


def ranges(ground: Ground) -> Verdict:
    """Numbers out of range."""
    found = (
        _with(tab, **{name: value})
        for tab, names in OUT_OF_RANGE.items()
        for name, odd in names.items()
        for value in odd
    )
    return _tried(ground, found)


def lone_surrogates(ground: Ground) -> Verdict:
    """Texts that are no Unicode."""
    found = (_with(tab, **{name: "car\ud800, {}"}) for tab, names in TEXTS.items() for name in names)
    return _tried(ground, found)


def parameters(ground: Ground) -> Verdict:
    """Parameters that are missing, unknown, too many, or no list; endpoints that do not exist."""
    bodies: dict[str, list[Any]] = {
        "call/v2/saliency": [{"scene": 1, "speed": 9}, {"scene": 1, "0": 1}, {"": 1}],
        "call/saliency": [
            {"data": []},
            {"data": [1]},
            {"data": [None] * 40},
            {"data": {}},
            {"data": "x"},
            {},
            {"data": None},
        ],
        "call/v2/nobody": [{}],
        "call/nobody": [{"data": []}],
        "queue/join": [{}, {"data": [], "fn_index": 10**6, "session_hash": "s"}, {"data": [], "fn_index": "x"}],
    }
    bad, total = [], 0
    with ground.visitor(ground.server()) as visitor:
        for path, tries in bodies.items():
            for body in tries:
                total += 1
                told = _outcome(visitor, path, body)
                if told:
                    bad.append(f"{path} {str(body)[:30]}: {told}")
    if bad:
        return Verdict(False, f"NULL: {len(bad)} of {total}, such as {'; '.join(bad[:2])}")
    return Verdict(True, f"refused: {total} of {total} with a sentence")


def _outcome(visitor: Visitor, path: str, body: Any) -> str:
    """What is wrong with how a body is refused, "" where nothing is."""
    event = event_of(visitor.post(f"{API}/{path}", body))
    answer = visitor.read(path.rpartition("/")[2], event) if isinstance(event, str) else event
    return "" if answer.told else f"{answer.event} {answer.status} {answer.sentence[:30]!r}"


def no_json(ground: Ground) -> Verdict:
    """Bodies that are no JSON, or none that fits."""
    bodies = [b"", b"{", b"[]", b"5", b"null", b'"x"', b"\xff\xfe", b"[" * 5000, b'{"a":' * 2000, b"{}" * 2]
    bad = []
    with ground.visitor(ground.server()) as visitor:
        for body in bodies:
            event = event_of(visitor.post(f"{API}/call/v2/saliency", body))
            answer = visitor.read("saliency", event) if isinstance(event, str) else event
            if not answer.told:
                bad.append(f"{body[:12]!r}: {answer.event} {answer.status} {answer.sentence[:30]!r}")
    if bad:
        return Verdict(False, f"NULL: {len(bad)} of {len(bodies)}, such as {bad[0]}")
    return Verdict(True, f"refused: {len(bodies)} of {len(bodies)} with a sentence")


ROWS = [
    Row(5, "class lists of the wrong kinds", classes),
    Row(5, 'truth values such as "false", 0, null', truth_values),
    Row(5, 'scenes such as 0.5, true, "5", 10^400, NaN', scenes),
    Row(5, "other numbers: halves, texts, null, NaN, Infinity", numbers),
    Row(5, "what is no picture: {}, [], a text", images),
    Row(5, "what is no text; names of models, methods that do not exist", texts),
    Row(5, "numbers out of range", ranges),
    Row(5, "texts that are no Unicode", lone_surrogates),
    Row(5, "missing and unknown parameters and endpoints", parameters),
    Row(5, "bodies that are no JSON", no_json),
]
