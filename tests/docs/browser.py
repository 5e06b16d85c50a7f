"""Look at every page of the site in a headless chromium.

    python tests/docs/browser.py build/docs/html [SCREENSHOTS]

Each page is shown 400 and 1,400 pixels wide, light and dark. The program fails if a page is wider
than the window, a picture is missing, a file is not found, a script fails, or the search finds
nothing.
"""

import functools
import http.server
import shutil
import sys
import threading
from pathlib import Path

from playwright.sync_api import sync_playwright

WIDTHS = (400, 1400)
SCHEMES = ("light", "dark")
NOT_PAGES = {"genindex", "search"}  # the index is Sphinx's own, and the search is asked below
SOUGHT = {"recvmmsg": "Datagram batches", "uvicorn": "asyncio", "timeout": "Streams"}

WIDER = """() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    const inside = e => e.closest('pre, .table-wrapper, .sidebar-drawer, .toc-drawer');
    return [...document.body.querySelectorAll('*')]
        .filter(e => !inside(e) && e.getBoundingClientRect().right > width + 1)
        .map(e => e.tagName + '.' + e.className + ': ' + e.textContent.trim().slice(0, 60))
        .concat(['the page']).slice(0, 5);
}"""
BROKEN = """() => [...document.images]
    .filter(image => !(image.complete && image.naturalWidth))
    .map(image => image.src)"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


def served(folder):
    """Serve the folder on a free port, and return the address."""
    handler = functools.partial(Quiet, directory=folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def pages_of(site):
    found = [path.relative_to(site).with_suffix("").as_posix() for path in site.rglob("*.html")]
    return sorted(name for name in found if name not in NOT_PAGES and not name.startswith("_"))


def look(page, root, name, scheme, screenshots):
    """Yield what is wrong with a page."""
    page.goto(f"{root}/{name}.html", wait_until="load")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        yield from (f"{width} px: too wide: {each}" for each in page.evaluate(WIDER))
        yield from (f"no picture: {each}" for each in page.evaluate(BROKEN))
        if screenshots:
            file = screenshots / f"{name.replace('/', '-')}-{width}-{scheme}.png"
            page.screenshot(path=file, full_page=True)


def opened(browser, scheme, wrong):
    """A page that adds to *wrong* what fails in it."""
    page = browser.new_page(color_scheme=scheme)
    page.on("pageerror", lambda error: wrong.append(f"script: {error}"))
    page.on("requestfailed", lambda request: wrong.append(f"failed: {request.url}"))
    page.on("response", lambda it: it.status >= 400 and wrong.append(f"not found: {it.url}"))
    return page


def search(page, root):
    """Yield each word that the search does not find on its page."""
    for word, title in SOUGHT.items():
        page.goto(f"{root}/search.html?q={word}")
        try:
            page.wait_for_selector(f"ul.search li a:has-text('{title}')", timeout=20_000)
        except Exception as error:
            yield f"search: {word!r} does not find {title!r}: {error}"


def main(folder, screenshots=None):
    site = Path(folder).resolve()
    screenshots = screenshots and Path(screenshots)
    if screenshots:
        screenshots.mkdir(parents=True, exist_ok=True)
    root, names, wrong = served(site), pages_of(site), []
    with sync_playwright() as playwright:
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        if chromium is None:
            sys.exit("chromium is not installed: apt-get install chromium")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for scheme in SCHEMES:
            page = opened(browser, scheme, wrong)
            for name in names:
                wrong += (f"{name}, {each}" for each in look(page, root, name, scheme, screenshots))
            page.close()
        wrong += search(browser.new_page(), root)  # it leaves pages before all of their texts came
        browser.close()
    print(f"{len(names)} pages, at {' and '.join(map(str, WIDTHS))} px, {' and '.join(SCHEMES)}")
    if wrong:
        sys.exit("\n".join(dict.fromkeys(wrong)))


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(*sys.argv[1:])
