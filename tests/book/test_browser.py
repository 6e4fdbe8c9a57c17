"""Every page of a built book in headless Chromium, from disk: nothing fails, nothing is fetched, nothing sticks out."""

import fcntl
import json
import os
import re
import select
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urldefrag, urlsplit

import pytest

from srnet.book.index import Result, results

HTML = Path(__file__).parents[2] / "build" / "book" / "html"
PAGES = [path for path in sorted(HTML.rglob("*.html")) if "_static" not in path.parts]  # there: templates of the theme
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--remote-debugging-pipe")
WIDTHS = {"desktop": (1440, 900), "telephone": (390, 844)}
PATIENCE = 60  # seconds for one answer of the browser

SETTLED = """(async () => {
  await document.fonts.ready;
  if (window.MathJax && MathJax.startup) await MathJax.startup.promise;
  await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
  const width = document.documentElement.clientWidth;
  const wide = document.documentElement.scrollWidth > width;
  const out = element => element.getBoundingClientRect().right > width + 1;
  return {
    links: [...document.querySelectorAll("a[href]")].map(link => link.href),
    unloaded: [...document.images].filter(image => !(image.complete && image.naturalWidth)).map(image => image.src),
    wide: wide ? [([...document.body.querySelectorAll("*")].find(out) || document.body).outerHTML] : [],
  };
})()"""

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
needs_book = pytest.mark.skipif(not PAGES, reason="there is no book: make book")


@dataclass
class Browser:
    """Headless Chromium, driven by its DevTools protocol over a pair of pipes.

    Attributes:
        commands: descriptor that it reads.
        answers: descriptor that it writes.
        session: id of its one page.
    """

    commands: int
    answers: int
    session: str = ""
    sent: int = 0
    unread: bytes = b""
    events: list[dict[str, Any]] = field(default_factory=list)

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Return the answer to a command; what else the browser says meanwhile goes to `events`."""
        self.sent += 1
        message: dict[str, Any] = {"id": self.sent, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while (answer := self.hear()).get("id") != self.sent:
            self.events.append(answer)
        return answer

    def hear(self) -> dict[str, Any]:
        """Return the next message of the browser."""
        while b"\0" not in self.unread:
            if not select.select([self.answers], [], [], PATIENCE)[0]:
                raise TimeoutError(f"no word from the browser for {PATIENCE} seconds")
            received = os.read(self.answers, 1 << 20)
            if not received:
                raise EOFError("the browser has ended")
            self.unread += received
        message, _, self.unread = self.unread.partition(b"\0")
        return json.loads(message)

    def attach(self) -> Self:
        """Open its page, and have all be told that happens there."""
        target = self.ask("Target.createTarget", url="about:blank")["result"]["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["result"]["sessionId"]
        for domain in ("Network", "Page", "Runtime", "Log"):
            self.ask(f"{domain}.enable")
        return self

    def problems(self, page: Path, width: int, height: int) -> list[str]:
        """Return what is wrong with a page in a window of that size."""
        self.events.clear()
        self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )
        self.ask("Page.navigate", url=page.as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self.hear())
        found = self.settled()
        dead = [link for link in dict.fromkeys(found["links"]) if is_dead(link)]
        return [
            *(f"requests {address}" for address in self.requests() if outside(address)),
            *(f"console: {text}" for text in self.complaints()),
            *(f"image not loaded: {image[:200]}" for image in found["unloaded"]),
            *(f"wider than {width} px: {element[:200]}" for element in found["wide"]),
            *(f"dead link: {link}" for link in dead),
        ]

    def settled(self) -> dict[str, Any]:
        """Return what there is to see once fonts and formulae are there."""
        answer: dict[str, Any] = {}
        for _ in range(3):  # a page that leads on to another one is gone before it can answer
            answer = self.ask("Runtime.evaluate", expression=SETTLED, awaitPromise=True, returnByValue=True)
            if "value" in answer.get("result", {}).get("result", {}):
                return answer["result"]["result"]["value"]
        raise RuntimeError(f"the browser cannot look at the page: {answer}")

    def requests(self) -> list[str]:
        """Return the addresses that the page asked for."""
        asked = (event["params"] for event in self.events if event.get("method") == "Network.requestWillBeSent")
        return [parameters["request"]["url"] for parameters in asked]

    def complaints(self) -> list[str]:
        """Return the errors on the page's console."""
        found = []
        for event in self.events:
            parameters = event.get("params", {})
            match event.get("method"):
                case "Log.entryAdded" if parameters["entry"]["level"] == "error":
                    found.append(parameters["entry"]["text"])
                case "Runtime.exceptionThrown":
                    found.append(json.dumps(parameters["exceptionDetails"]["exception"])[:300])
                case "Runtime.consoleAPICalled" if parameters["type"] in ("error", "assert"):
                    found.append(json.dumps(parameters["args"])[:300])
        return found


def outside(address: str) -> bool:
    """Tell whether an address is neither on the disk nor in the page itself."""
    return urlsplit(address).scheme not in ("file", "data", "blob", "about")


def is_dead(link: str) -> bool:
    """Tell whether a link to a file leads nowhere, or to an anchor that the file has not."""
    address, anchor = urldefrag(link)
    if urlsplit(address).scheme != "file":
        return False
    path = Path(unquote(urlsplit(address).path))
    return not path.is_file() or bool(anchor and path.suffix == ".html" and unquote(anchor) not in anchors_of(path))


@cache
def anchors_of(page: Path) -> frozenset[str]:
    return frozenset(re.findall(r'\b(?:id|name)="([^"]+)"', page.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser for all pages. It reads its descriptor 3 and writes its descriptor 4."""
    assert CHROMIUM
    ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for pipe in (os.pipe(), os.pipe()) for end in pipe]
    heard, commands, answers, said = ends
    shell = ["bash", "-c", f'exec "$@" 3<&{heard} 4>&{said}', "bash"]
    profile = tmp_path_factory.mktemp("chromium")
    command = [*shell, CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, pass_fds=(heard, said), **quiet) as process:  # type: ignore[call-overload]
        os.close(heard)
        os.close(said)
        try:
            yield Browser(commands, answers).attach()
        finally:
            process.terminate()
            os.close(commands)
            os.close(answers)


@needs_chromium
@needs_book
@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(HTML).with_suffix("")))
def test_page_of_the_book(browser: Browser, page: Path) -> None:
    assert {name: browser.problems(page, *size) for name, size in WIDTHS.items()} == {name: [] for name in WIDTHS}


@needs_book
@pytest.mark.parametrize("result", [each for each in results() if each.number], ids=lambda result: result.label)
def test_figure_or_table_of_the_paper_is_in_the_book(result: Result) -> None:
    page = (HTML / "notebooks" / f"{result.notebook}.html").read_text(encoding="utf-8")
    kind, number = result.label.split(" ")[:2]
    heading = rf"<h2>[^<]*\b{kind}s (?:\d and )?{number}\b"
    label = result.label if "supplement" in result.label else f"{result.label} of the paper"
    caption = rf'<span class="caption-text"><strong>{label}\.</strong>'
    assert re.search(heading if result.place else caption, page)
    index = (HTML / "book" / "index-of-results.html").read_text(encoding="utf-8")
    rows = [re.sub("<[^>]*>", "", row).split("\n") for row in re.findall("<tr.*?</tr>", index, re.DOTALL)]
    assert [row for row in rows if result.label in row], rows


@needs_chromium
@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ('<p>All is well: <a href="#here" id="here">here</a>, <a href="https://example.org/">elsewhere</a>.</p>', None),
        ('<img src="https://127.0.0.1:9/picture.png">', r"requests https://127\.0\.0\.1:9/picture\.png"),
        ('<link rel="stylesheet" href="http://127.0.0.1:9/style.css">', r"requests http://127\.0\.0\.1:9/style\.css"),
        ("<script>console.error('a word')</script>", "console: .*a word"),
        ("<script>nothing.at.all</script>", "console: .*nothing is not defined"),
        ('<img src="lost.png">', r"image not loaded: .*/lost\.png"),
        ('<pre style="width: 500px">wide</pre>', "wider than 390 px: <pre"),
        ('<a href="#nowhere">dead</a>', "dead link: .*#nowhere"),
        ('<a href="lost.html">dead</a>', r"dead link: .*/lost\.html"),
        ('<a href="other.html#lost">dead</a>', r"dead link: .*/other\.html#lost"),
    ],
)
def test_what_is_wrong_with_a_page_is_found(browser: Browser, tmp_path: Path, body: str, problem: str | None) -> None:
    (tmp_path / "other.html").write_text('<!doctype html><p id="found">')
    page = tmp_path / "page.html"
    page.write_text(f'<!doctype html><meta name="viewport" content="width=device-width"><body>{body}')
    found = browser.problems(page, *WIDTHS["telephone"])
    assert bool(found) == bool(problem)
    assert not problem or any(re.match(problem, each) for each in found), found
