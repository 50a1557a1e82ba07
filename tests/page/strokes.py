"""Times from the pen's move to everything drawn, in a Chromium without a window: python -m tests.page.strokes [MODEL].

Prints milliseconds from a pointer event on the sheet to the page's `data-drawn`: median, 90th percentile, and the
quickest, which other work on the machine changes least. Nothing is asserted: run it before and after a change.
"""

import argparse
import threading

import numpy as np
from playwright.sync_api import sync_playwright

from tests.page.conftest import CHROMIUM, QUIET, SHIPPED
from tinyvit.page import PageServer, open_studio

MOVES = 120
WARM_UP = 20  # moves that do not count: what is compiled and read but once
WATCH = """() => {
  let begun = null;
  globalThis.spent = [];
  for (const kind of ["pointerdown", "pointermove"]) {
    addEventListener(kind, (event) => { if (event.buttons) begun ??= event.timeStamp; }, true);
  }
  new MutationObserver(() => {
    if (begun !== null) spent.push(performance.now() - begun);
    begun = null;
  }).observe(document.body, { attributeFilter: ["data-drawn"] });
}"""


def times(address: str) -> np.ndarray:
    """Milliseconds of each move of a pen that draws rings, the next move after all is drawn: (MOVES,)."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=[*QUIET.split(), "--no-first-run"])
        tab = browser.new_page(viewport={"width": 1240, "height": 900})
        tab.goto(address)
        tab.wait_for_selector("body[data-drawn]")
        tab.click("#clear")
        tab.wait_for_timeout(1500)  # what is asked when the pen rests
        tab.evaluate(WATCH)
        box, count = tab.locator("#sheet").bounding_box(), WARM_UP + MOVES
        for index in range(count):
            angle = 0.4 * index
            x, y = 0.5 + 0.25 * np.cos(angle), 0.5 + (0.2 + 0.001 * index) * np.sin(angle)
            tab.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
            if index == 0:
                tab.mouse.down()
            tab.wait_for_function("n => spent.length > n", arg=index)
        spent = tab.evaluate("spent")
        browser.close()
    return np.array(spent[WARM_UP:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default=SHIPPED)
    server = PageServer(open_studio(parser.parse_args().model), port=0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    spent = times(f"http://127.0.0.1:{server.server_port}/")
    server.shutdown()
    quickest, median, late = np.percentile(spent, [0, 50, 90])
    print(
        f"stroke to everything drawn, {len(spent)} moves: median {median:.0f} ms, 90th percentile {late:.0f} ms, "
        f"quickest {quickest:.0f} ms"
    )


if __name__ == "__main__":
    main()
