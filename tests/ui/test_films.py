"""Films play where they are shown: Chromium plays those that the Save drawer and the command line write."""

import base64
from typing import Any

import pytest

from inspector.views.animation import REST, SECONDS, animation
from inspector.views.look import Look
from tests.views import samples

# Plays a film without waiting for its end: {duration, width, height} once it moves, or the player's own complaint.
PLAYED = """async (address) => {
  const film = document.createElement("video");
  film.muted = true;
  film.src = address;
  document.body.append(film);
  try { await film.play(); } catch (error) { return { failed: film.error?.message || String(error) }; }
  while (film.currentTime < 0.3) await new Promise((resolve) => setTimeout(resolve, 20));
  return { duration: film.duration, width: film.videoWidth, height: film.videoHeight };
}"""


@pytest.mark.parametrize("kind", ["webm", "mp4"])
def test_chromium_plays_it(browser: Any, kind: str) -> None:
    film = animation(samples.attention(), Look(), {}, kind)
    tab = browser.new_page()
    played = tab.evaluate(PLAYED, f"data:video/{kind};base64,{base64.b64encode(film).decode()}")
    tab.close()
    assert played.get("duration") == pytest.approx((3 + REST) * SECONDS, abs=0.3), played
    assert played["width"] > played["height"] > 200
