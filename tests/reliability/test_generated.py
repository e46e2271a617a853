"""Generated bad input: values of every kind of JSON, and addresses; each is a request, or one sentence."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inspector.errors import InputError
from inspector.results import AttentionRequest, ClustersRequest, SaliencyRequest, SegmentationRequest
from inspector.ui import attention, clusters, links, saliency, segmentation
from tests.reliability.calling import is_sentence
from tests.views import samples

PLAIN: dict[str, Any] = {
    "derandomize": True,
    "database": None,
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.filter_too_much],
}
QUICK, LONG = settings(max_examples=50, **PLAIN), settings(max_examples=500, **PLAIN)
IMAGE = samples.image()
SCENE = 500_001
TABS = {"saliency": saliency, "attention": attention, "clusters": clusters, "segmentation": segmentation}
PARAMETERS: dict[str, dict[str, Any]] = {
    "saliency": {
        "classes": "car, sky", "pooling": "mean", "template": "a {}", "background": "sea", "side": 0, "model": "",
    },
    "attention": {
        "prompt": "a horse", "steps": 3, "guidance_scale": 7.5, "seed": 1, "noise_timestep": 5, "matched": False,
        "scheduler": "ddim", "model": "scenes-diffusion", "source": "a dog", "cross_kept": 0.5, "self_kept": 0.5,
        "weights": "horse: 2",
    },
    "clusters": {"k": 3, "preset": "A", "timestep": 1, "prompt": "", "seed": 0, "restarts": 2, "model": "x"},
    "segmentation": {
        "classes": "car, sky", "method": "maskclip", "background": 0.1, "template": "a {}", "timestep": 1, "seed": 1,
        "side": 0, "clip": "scenes-clip", "diffusion": "scenes-diffusion",
    },
}  # fmt: skip
REQUESTS: dict[type, dict[str, Any]] = {
    SaliencyRequest: {"image": IMAGE, "classes": "car, sky"},
    AttentionRequest: {"prompt": "a horse", "image": IMAGE},
    ClustersRequest: {"image": IMAGE},
    SegmentationRequest: {"image": IMAGE, "classes": "car, sky"},
}

characters = st.characters(exclude_categories=())  # lone surrogates and line breaks too
texts = st.one_of(
    st.text(characters, max_size=40),
    st.sampled_from(
        ["", "5", "NaN", "true", "null", "a\nb", "\0", "\ud800", "{}", "{0.__class__}", "../..", "١٢", "1e400"]
    ),
    st.integers(50, 3000).map(lambda count: "x" * count),
)
numbers = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from([10**400, -(10**400), 2**31, 2**63, 0.5, -0.0, 1e308, 5e-324]),
)


def nested(depth: int) -> Any:
    """A list in a list, so deep."""
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


values = st.one_of(
    st.none() | st.booleans() | numbers | texts,
    st.recursive(
        st.none() | st.booleans() | numbers | texts,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
        max_leaves=8,
    ),
    st.integers(1, 900).map(nested),
    st.lists(texts, max_size=80),
)


@st.composite
def changed(draw: st.DrawFn, usual: dict[str, Any], more: tuple[str, ...] = ()) -> dict[str, Any]:
    """The usual values, one to three of them anything at all."""
    names = draw(st.lists(st.sampled_from([*usual, *more]), min_size=1, max_size=3, unique=True))
    return usual | {name: draw(values) for name in names}


@st.composite
def calls(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A tab and what its endpoint is given."""
    tab = draw(st.sampled_from(list(TABS)))
    usual = {"image": None, "scene": SCENE} | PARAMETERS[tab]
    return tab, draw(changed(usual))


@st.composite
def requests(draw: st.DrawFn) -> tuple[type, dict[str, Any]]:
    """A kind of request and what it is made of."""
    kind = draw(st.sampled_from(list(REQUESTS)))
    fields = tuple(name for name in kind.__dataclass_fields__ if name not in REQUESTS[kind])
    return kind, draw(changed(REQUESTS[kind], fields))


@st.composite
def addresses(draw: st.DrawFn) -> Any:
    """What stands after the question mark of an address, or what a browser says does."""
    if draw(st.integers(0, 9)) == 0:
        return draw(values)
    tab = draw(st.sampled_from(list(TABS)))
    pieces = [f"tab={tab}"]
    known = st.sampled_from([*PARAMETERS[tab], "scene", "image", "mode"])
    odd = st.sampled_from(["on", "off", "504307", "3", "-1", "ddim", "A", "%", "%zz", "%ff", "car,car", "/", "{}"])
    for _ in range(draw(st.integers(1, 4))):
        name = draw(known | known | st.text(characters, max_size=10))
        told = draw(odd | texts | numbers.map(str_of))
        pieces.append(f"{name}={told if draw(st.booleans()) else quote(told, errors='surrogatepass')}")
    joined = draw(st.sampled_from(["&", "&", "&&", ";"])).join(pieces)
    return draw(st.sampled_from(["?", "", "??", "#"])) + joined * draw(st.sampled_from([1] * 9 + [70]))


def str_of(number: float) -> str:
    """A number as text, also one of more digits than Python writes."""
    return f"{number:.0f}" if isinstance(number, float) else f"1{'0' * 400}" if abs(number) > 10**300 else str(number)


def told(make: Callable[[], Any]) -> None:
    """Fail unless it makes something, or raises one InputError with one sentence."""
    try:
        made = make()
    except InputError as error:
        text = str(error)
        text.encode("utf-8")
        assert len(text.splitlines()) == 1, repr(text)
        assert is_sentence(text), repr(text)
        return
    assert made is not None


def of_call(call: tuple[str, dict[str, Any]]) -> None:
    tab, given_values = call
    told(lambda: TABS[tab].make(**given_values))


def of_request(request: tuple[type, dict[str, Any]]) -> None:
    kind, fields = request
    told(lambda: kind(**fields))


def of_address(query: Any) -> None:
    def opened() -> Any:
        link = links.read(query, tuple(TABS))
        return TABS[link.tab].SUBJECT.request(link)

    told(opened)


@QUICK
@given(calls())
def test_a_call_is_a_request_or_a_sentence(call: tuple[str, dict[str, Any]]) -> None:
    of_call(call)


@QUICK
@given(requests())
def test_a_request_is_one_or_a_sentence(request_: tuple[type, dict[str, Any]]) -> None:
    of_request(request_)


@QUICK
@given(addresses())
def test_an_address_is_a_request_or_a_sentence(query: Any) -> None:
    of_address(query)


@pytest.mark.slow
@LONG
@given(calls())
def test_500_calls(call: tuple[str, dict[str, Any]]) -> None:
    of_call(call)


@pytest.mark.slow
@LONG
@given(requests())
def test_500_requests(request_: tuple[type, dict[str, Any]]) -> None:
    of_request(request_)


@pytest.mark.slow
@LONG
@given(addresses())
def test_500_addresses(query: Any) -> None:
    of_address(query)
