"""The browser behind the door: what scripts build is seen, and what they try to reach is not reached."""

import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from candor.adapters import playwright_browser
from candor.adapters.http_fetcher import HttpFetcher
from candor.adapters.playwright_browser import PlaywrightBrowser
from candor.errors import Malformed, Unavailable, UpstreamFailed
from tests.doubles.web_server import Page, WebServer, answer, moved
from tests.waiting import until

CHROMIUM = next(
    filter(
        None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"))
    ),
    None,
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]


@pytest.fixture(scope="module")
def site() -> Iterator[WebServer]:
    with WebServer(pages={}) as server:
        yield server


@pytest.fixture(scope="module")
def browser(site: WebServer) -> Iterator[PlaywrightBrowser]:
    browser = PlaywrightBrowser(HttpFetcher(version="1", allowed_origins=[site.origin]), path=CHROMIUM)
    yield browser
    browser.close()


@pytest.fixture
def inside() -> Iterator[WebServer]:
    """A server that nobody may reach: it stands where the page is sent, and counts who comes."""
    with WebServer(pages={"/": answer(b"secret")}) as server:
        yield server


def show(site: WebServer, **pages: Page) -> None:
    site.pages = {f"/{name}": page for name, page in pages.items()}
    site.asked.clear()


def html(body: str, **headers: str) -> bytes:
    return answer(f"<!doctype html><html><body>{body}</body></html>".encode(), **headers)


# ---------------------------------------------------------------- what is seen
def test_a_page_that_its_scripts_build_is_seen_as_a_person_sees_it(
    site: WebServer, browser: PlaywrightBrowser
) -> None:
    app = """
    import {words} from '/words.js'
    const reply = await fetch('/api', {headers: {'X-Key': 'k', 'Accept': 'application/json'}})
    const {price} = await reply.json()
    setTimeout(() => { document.querySelector('#app').innerHTML = `<h1>${words}</h1><p>${price}</p>` }, 200)
    """
    show(
        site,
        shop=html("<div id='app'></div><script type='module' src='/app.js'></script>"),
        api=answer(b'{"price": "4 euros a month"}', content_type="application/json"),
        **{
            "app.js": answer(app.encode(), content_type="text/javascript"),
            "words.js": answer(b"export const words = 'Small plan'", content_type="text/javascript"),
        },
    )

    page = browser.render(f"{site.url}/shop")

    assert (page.status, page.url, page.content_type) == (200, f"{site.url}/shop", "text/html")
    assert "<h1>Small plan</h1><p>4 euros a month</p>" in page.body.decode()
    asked = {a.path: a.headers for a in site.asked}
    assert asked["/api"]["x-key"] == "k"
    assert asked["/api"]["user-agent"].startswith("CandorBot/1")


def test_letters_survive_whatever_the_page_was_written_in(
    site: WebServer, browser: PlaywrightBrowser
) -> None:
    body = "<!doctype html><p>Возврат средств</p>".encode("windows-1251")
    show(site, old=answer(body, content_type="text/html; charset=windows-1251"))

    page = browser.render(f"{site.url}/old")

    assert "Возврат средств" in page.body.decode("utf-8")
    assert page.headers["content-type"] == "text/html; charset=utf-8"


def test_pictures_films_and_fonts_are_not_fetched(site: WebServer, browser: PlaywrightBrowser) -> None:
    show(
        site,
        page=html(
            "<img src='/a.png'><video src='/b.mp4' autoplay></video><link rel=stylesheet href='/c.css'>"
            "<iframe src='/d'></iframe><object data='/e'></object><embed src='/f'><audio src='/g' autoplay>"
        ),
        **{
            "c.css": answer(
                b"@font-face{font-family:x;src:url(/h.woff)}body{font-family:x}", content_type="text/css"
            )
        },
    )

    browser.render(f"{site.url}/page")

    assert sorted(site.paths) == ["/c.css", "/page"]


def test_a_redirect_is_followed_and_the_pages_own_address_is_known(
    site: WebServer, browser: PlaywrightBrowser
) -> None:
    show(
        site,
        old=moved("/docs/new"),
        **{
            "docs/new": html("<div></div><script src='part.js'></script>"),
            "docs/part.js": answer(b"document.querySelector('div').textContent=location.href"),
        },
    )

    page = browser.render(f"{site.url}/old")

    assert (page.url, page.redirects) == (f"{site.url}/docs/new", (f"{site.url}/old",))
    assert f"<div>{site.url}/docs/new</div>" in page.body.decode()


def test_a_page_that_forwards_by_script_is_followed_through_its_redirects(
    site: WebServer, browser: PlaywrightBrowser
) -> None:
    show(
        site,
        old=html("<script>location.href = '/middle?a=1#x'</script>"),
        middle=moved("/docs/new"),
        **{"docs/new": html("<p>Here</p>")},
    )

    page = browser.render(f"{site.url}/old")

    assert "<p>Here</p>" in page.body.decode()
    assert page.url == f"{site.url}/docs/new"


@pytest.mark.parametrize(
    ("status", "content_type"), [("404 Not Found", "text/html"), ("200 OK", "application/pdf")]
)
def test_what_no_browser_would_improve_comes_back_as_it_is(
    site: WebServer, browser: PlaywrightBrowser, status: str, content_type: str
) -> None:
    show(
        site, it=answer(b"%PDF <script>document.write(1)</script>", status=status, content_type=content_type)
    )

    page = browser.render(f"{site.url}/it")

    assert page.body == b"%PDF <script>document.write(1)</script>"
    assert page.status == int(status[:3])


def test_one_page_leaves_nothing_for_the_next(site: WebServer, browser: PlaywrightBrowser) -> None:
    script = (
        "document.body.append((localStorage.seen || 'first') + document.cookie); localStorage.seen = 'again';"
    )
    show(site, page=html(f"<script>{script} document.cookie = 'a=1'</script>", Set_Cookie="b=2"))

    pages = [browser.render(f"{site.url}/page").body.decode() for _ in range(2)]

    assert all("first" in page and "again<" not in page and "b=2" not in page for page in pages)
    assert all("cookie" not in asked.headers for asked in site.asked)


# ---------------------------------------------------------------- what is not reached
WAYS_OUT = {
    "fetch": "<script>fetch('{u}').catch(()=>0)</script>",
    "fetch without CORS": "<script>fetch('{u}', {{mode: 'no-cors', keepalive: true}}).catch(()=>0)</script>",
    "post": "<script>fetch('{u}', {{method: 'POST', mode: 'no-cors', body: 'x'}}).catch(()=>0)</script>",
    "xhr": "<script>x = new XMLHttpRequest(); x.open('GET', '{u}'); x.send()</script>",
    "image": "<img src='{u}'><img srcset='{u} 2x'><script>new Image().src='{u}'</script>",
    "script": "<script src='{u}'></script><script>import('{u}').catch(()=>0)</script>",
    "style": "<link rel=stylesheet href='{u}'><style>@import '{u}'; body {{background: url({u})}}</style>",
    "frame": "<iframe src='{u}'></iframe><object data='{u}'></object><embed src='{u}'>",
    "frame by redirect": "<iframe src='/to-inside'></iframe>",
    "frame by script": "<iframe srcdoc=\"<img src='{u}'><script>fetch('{u}')</script>\"></iframe>",
    "blob frame": "<script>f=document.createElement('iframe');f.src=URL.createObjectURL(new Blob(["
    "\"<script>fetch('{u}')</\"+\"script>\"],{{type:'text/html'}}));document.body.append(f)</script>",
    "media": "<video src='{u}' autoplay></video><audio src='{u}' autoplay></audio><track src='{u}'>",
    "hints": "<link rel=prefetch href='{u}'><link rel=preload as=script href='{u}'>"
    "<link rel=preconnect href='{u}'>"
    "<link rel=dns-prefetch href='{u}'><link rel=modulepreload href='{u}'><link rel=prerender href='{u}'>"
    "<link rel=icon href='{u}'><link rel=manifest href='{u}'>",
    "speculation": "<script type=speculationrules>"
    "{{\"prefetch\":[{{\"source\":\"list\",\"urls\":[\"{u}\"]}}],"
    "\"prerender\":[{{\"source\":\"list\",\"urls\":[\"{u}\"]}}]}}</script>",
    "web socket": "<script>new WebSocket('{w}')</script>",
    "worker": "<script>new Worker(URL.createObjectURL(new Blob([\"fetch('{u}');new WebSocket('{w}');"
    "importScripts('{u}')\"])))</script>",
    "shared worker": "<script>new SharedWorker(URL.createObjectURL(new Blob([\"fetch('{u}')\"])))</script>",
    "service worker": "<script>navigator.serviceWorker.register('/sw.js')</script>",
    "beacon": "<script>navigator.sendBeacon('{u}', 'x')</script><a ping='{u}' href='#x' id=p></a>"
    "<script>p.click()</script>",
    "event source": "<script>new EventSource('{u}')</script>",
    "web rtc": "<script>c = new RTCPeerConnection({{iceServers: [{{urls: 'stun:127.0.0.1:{port}'}}, "
    "{{urls: 'turn:127.0.0.1:{port}?transport=tcp', username: 'a', credential: 'b'}}]}});"
    "c.createDataChannel('x'); c.createOffer().then(o => c.setLocalDescription(o))</script>",
    "web transport": "<script>new WebTransport('https://127.0.0.1:{port}/')</script>",
    "popup": "<script>window.open('{u}')</script>"
    "<a href='{u}' target=_blank id=b></a><script>b.click()</script>",
    "form in a new window": "<form action='{u}' method=post target=_blank id=f></form>"
    "<script>f.submit()</script>",
    "download": "<a href='/to-inside' download=x id=d></a><script>d.click()</script>",
    "redirect of a part": "<script src='/to-inside'></script>"
    "<script>fetch('/to-inside').catch(()=>0)</script>",
    "svg": "<svg><use href='{u}#a'/><image href='{u}'/></svg>",
    "worklet": "<script>CSS.paintWorklet && CSS.paintWorklet.addModule('{u}').catch(()=>0)</script>",
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS_OUT)
def test_no_way_out_of_a_page_leads_inside(
    site: WebServer, browser: PlaywrightBrowser, inside: WebServer, way: str
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", inside.port))
        udp.settimeout(0.01)
        body = WAYS_OUT[way].format(u=f"{inside.url}/", w=f"ws://{inside.origin}/", port=inside.port)
        show(
            site,
            page=html(
                f"<p>Shop</p>{body}",
                Link=f"<{inside.url}/>; rel=preload; as=script, <{inside.url}>; rel=preconnect",
                Content_Security_Policy_Report_Only=f"img-src 'none'; report-uri {inside.url}/",
            ),
            **{
                "to-inside": moved(f"{inside.url}/"),
                "sw.js": answer(f"fetch('{inside.url}/')".encode(), content_type="text/javascript"),
            },
        )

        page = browser.render(f"{site.url}/page", total_seconds=15)

        time.sleep(0.1)
        with pytest.raises(TimeoutError):
            udp.recv(1)
    assert "<p>Shop</p>" in page.body.decode()
    assert "/page" in site.paths
    assert inside.connections == 0


@pytest.mark.parametrize(
    "body",
    [
        "<script>location.href = '{u}'</script>",
        "<meta http-equiv=refresh content='0; url={u}'>",
        "<form action='{u}' id=f></form><script>f.submit()</script>",
        "<script>location.href = '/to-inside'</script>",
    ],
)
def test_a_page_that_forwards_inside_is_refused_in_the_words_of_the_door(
    site: WebServer, browser: PlaywrightBrowser, inside: WebServer, body: str
) -> None:
    show(site, page=html(body.format(u=f"{inside.url}/")), **{"to-inside": moved(f"{inside.url}/")})

    with pytest.raises(Malformed, match="by its name"):
        browser.render(f"{site.url}/page", total_seconds=15)

    assert inside.connections == 0


def test_an_address_inside_is_refused_before_a_browser_is_started(inside: WebServer) -> None:
    browser = PlaywrightBrowser(HttpFetcher(version="1"), path="/nowhere/chromium")

    with pytest.raises(Malformed):
        browser.render(inside.url)

    assert inside.connections == 0


def in_plain_chromium(visit: Callable[[Any], None], flags: Sequence[str]) -> None:
    """A browser that nobody watches. On a thread of its own: Playwright's loop must not meet another's."""
    from playwright.sync_api import sync_playwright

    def look() -> None:
        with sync_playwright() as playwright:
            as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
            chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=[*flags, *as_root])
            visit(chromium)
            chromium.close()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join(120)
    assert not thread.is_alive()


def test_without_the_net_the_browser_itself_still_reaches_nothing(inside: WebServer) -> None:
    """Whatever interception may miss finds no name resolved and no proxy: it fails closed."""
    from playwright.sync_api import Error

    found: list[str] = []

    def visit(chromium: Any) -> None:
        for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0"):
            page = chromium.new_page()
            try:
                page.goto(f"http://{host}:{inside.port}/", timeout=5000)
                found.append(host)
            except Error:
                pass
        chromium.new_page().evaluate(
            "w => new Promise(end => { s = new WebSocket(w); s.onopen = s.onerror = () => end(0) })",
            f"ws://{inside.origin}/",
        )

    in_plain_chromium(visit, playwright_browser.FLAGS)

    assert (found, inside.connections) == ([], 0)


@pytest.mark.parametrize("way", ["fetch", "frame", "worker", "web rtc"])
def test_a_browser_without_any_of_this_does_reach_inside(
    site: WebServer, inside: WebServer, way: str
) -> None:
    """That these tests can fail at all."""
    body = WAYS_OUT[way].format(u=f"{inside.url}/", w=f"ws://{inside.origin}/", port=inside.port)
    show(site, page=html(body))

    def visit(chromium: Any) -> None:
        page = chromium.new_page()
        page.goto(f"{site.url}/page")
        ends = time.monotonic() + 60
        while not inside.connections and time.monotonic() < ends:
            page.wait_for_timeout(50)

    in_plain_chromium(visit, ())

    assert inside.connections > 0


# ---------------------------------------------------------------- limits
@pytest.mark.parametrize(
    "script",
    ["while (true) {}", "setTimeout(() => { while (true) {} }, 50)", "for (;;) alert(1)"],
)
def test_a_script_that_never_ends_costs_its_page_and_not_the_next(
    site: WebServer, browser: PlaywrightBrowser, script: str
) -> None:
    show(site, page=html(f"<script>{script}</script>"), next=html("<p>Next</p>"))

    with pytest.raises(UpstreamFailed):
        browser.render(f"{site.url}/page", total_seconds=4)

    assert "<p>Next</p>" in browser.render(f"{site.url}/next").body.decode()


def test_a_page_that_never_rests_is_taken_as_it_is(site: WebServer, browser: PlaywrightBrowser) -> None:
    show(
        site,
        page=html(
            "<p>Words</p><i></i><script>n = 0; setInterval(() => {"
            " document.querySelector('i').textContent = 'x'.repeat(++n); fetch('/page?' + n) }, 20)</script>"
        ),
    )

    page = browser.render(f"{site.url}/page")

    assert "<p>Words</p>" in page.body.decode()
    assert len(site.paths) <= 120


def test_a_page_larger_than_we_take_is_refused(site: WebServer, browser: PlaywrightBrowser) -> None:
    show(site, page=html("<script>document.body.append('x'.repeat(6e6))</script>"))

    with pytest.raises(UpstreamFailed, match="larger"):
        browser.render(f"{site.url}/page")


def test_a_browser_that_died_is_started_again(site: WebServer, browser: PlaywrightBrowser) -> None:
    show(site, page=html("<p>Words</p>"))
    browser.render(f"{site.url}/page")
    ours = subprocess.run(["pgrep", "-P", _driver()], capture_output=True, text=True, check=True)
    for pid in ours.stdout.split():
        os.kill(int(pid), signal.SIGKILL)
    time.sleep(0.3)

    assert "<p>Words</p>" in browser.render(f"{site.url}/page").body.decode()


def _driver() -> str:
    """The process of ours that Playwright runs Chromium from."""
    found = subprocess.run(
        ["pgrep", "-P", str(os.getpid()), "-f", "playwright"], capture_output=True, text=True, check=True
    )
    return found.stdout.split()[0]


def test_threads_take_turns(site: WebServer, browser: PlaywrightBrowser) -> None:
    show(
        site,
        **{
            f"p{n}": html(f"<p></p><script>document.querySelector('p').append({n})</script>")
            for n in range(4)
        },
    )
    seen: dict[int, str] = {}

    def work(n: int) -> None:
        seen[n] = browser.render(f"{site.url}/p{n}").body.decode()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert all(f"<p>{n}</p>" in seen[n] for n in range(4))


def test_a_browser_that_nobody_needs_is_stopped_and_comes_back(site: WebServer) -> None:
    show(site, page=html("<p>Words</p>"))
    fetcher = HttpFetcher(version="1", allowed_origins=[site.origin])
    browser = PlaywrightBrowser(fetcher, path=CHROMIUM, idle_seconds=2)
    before = _children()

    first = browser.render(f"{site.url}/page").body

    assert _children() - before
    until(lambda: not _children() - before)
    assert browser.render(f"{site.url}/page").body == first
    browser.close()


def _children() -> set[str]:
    found = subprocess.run(["pgrep", "-P", str(os.getpid())], capture_output=True, text=True, check=False)
    return {pid for pid in found.stdout.split() if "playwright" in _command(pid)}


def _command(pid: str) -> str:
    path = Path("/proc", pid, "cmdline")
    return path.read_text() if path.exists() else ""


def test_where_there_is_no_browser_a_sentence_says_what_to_do(site: WebServer) -> None:
    show(site, page=html("<p>Words</p>"))
    browser = PlaywrightBrowser(
        HttpFetcher(version="1", allowed_origins=[site.origin]), path="/nowhere/chromium"
    )

    with pytest.raises(Unavailable, match="BROWSER_PATH"):
        browser.render(f"{site.url}/page")

    browser.close()
