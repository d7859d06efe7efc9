"""An adversarial website, served on loopback: every trap a crawler meets, with the truth about each page."""

import gzip
import hashlib
import re
import socketserver
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Final, Self

from tests.doubles.site_words import CHAPTERS, CHROME, FIXED, ORPHANS, Article, articles, whole

POSTS_ON_A_PAGE: Final = 8
_STARTED: Final = 1_900_000_000


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One request, as it came. Header names are in small letters."""

    path: str
    """With its query."""
    headers: Mapping[str, str]
    at: float
    """`time.monotonic()`."""


@dataclass(kw_only=True)
class Answer:
    """What is sent for a path."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    tagged: bool = False
    """Has an ETag and a date, and answers 304 to them."""
    packed: bool = False
    delay: Callable[[], float] = lambda: 0.0
    cut: int = 0
    """That many bytes are missing at the end, though the length promises them."""


class Site:
    """
    A context manager; `base` has no slash at its end. Its pages, all with known truth:

    * `must_have`: canonical address → its fact; a careful crawl makes exactly these its documents.
    * `may_have`: the same for pages that fail at the first request and not at the second.
    * `with_scripts`: the same for pages that a browser alone can read.
    * `must_not`: address → why it must not be a document.
    * `must_not_ask`: paths no polite robot requests.
    * `chrome`: phrases that stand round every page and belong to none.
    """

    def __init__(self, *, pages: int = 200, crawl_delay: float | None = None, slow: float = 0.2) -> None:
        self.requests: list[Visit] = []
        self.must_have: dict[str, str] = {}
        self.may_have: dict[str, str] = {}
        self.with_scripts: dict[str, str] = {}
        self.must_not: dict[str, str] = {}
        self.must_not_ask: set[str] = set()
        self.chrome = CHROME
        self.slow = slow
        self.elsewhere: list[Visit] = []
        """What reached the machine next door, where only redirects and links lead: nothing should."""
        self._answers: dict[str, Answer] = {}
        self._articles: dict[str, Article] = {}
        self._heads: dict[str, str] = {}
        self._visited: dict[str, int] = {}
        self._lock = threading.Lock()
        self._server = _Server(self._serve)
        self._next_door = _Server(self._serve_next_door)
        self.base = self._server.base
        self._build(pages, crawl_delay)

    def __enter__(self) -> Self:
        self._server.begin()
        self._next_door.begin()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.end()
        self._next_door.end()

    @property
    def origin(self) -> str:
        """`host:port`, as FETCH_ALLOWED_ORIGINS wants it."""
        return self.base.removeprefix("http://")

    def asked(self, path: str) -> int:
        """How often a path (with its query) was requested."""
        with self._lock:
            return self._visited.get(path, 0)

    def answer(self, path: str) -> Answer:
        """What a visitor would get, without a connection."""
        return self._serve(Visit(path=path, headers={}, at=time.monotonic()))

    def edit(self, path: str, fact: str) -> None:
        """Another fact on a page: its text, its ETag and its date change, and the truth with them."""
        before = self._articles[path]
        after = Article(path=path, title=before.title, fact=fact, body=before.body, language=before.language)
        self._put(after, self._heads[path])

    def add(self, path: str, title: str, fact: str, *, linked_from: str = "") -> None:
        """A new page; without a page that links to it, it is an orphan that no sitemap names."""
        self._put(
            Article(
                path=path, title=title, fact=fact, body=f"<p>{title} is new on this site.</p><p>{{fact}}</p>"
            )
        )
        if linked_from:
            page = self._articles[linked_from]
            body = page.body + f'<p><a href="{path}">{title}</a></p>'
            self._put(
                Article(path=linked_from, title=page.title, fact=page.fact, body=body),
                self._heads[linked_from],
            )

    def delete(self, path: str, status: int = 404) -> None:
        """A page that is no more."""
        self._answers[path] = Answer(
            status=status, body=b"<h1>Gone</h1>", headers={"Content-Type": "text/html"}
        )
        self.must_have.pop(self.base + path, None)
        self.must_not[self.base + path] = "deleted"

    def fail(self, path: str = "", status: int = 500) -> None:
        """A page that fails from now on; without a path all of them do, robots.txt too."""
        for one in [path] if path else list(self._answers):
            self._answers[one] = Answer(status=status, body=b"no", headers={"Content-Type": "text/plain"})

    # What is on the site

    def _build(self, number: int, crawl_delay: float | None) -> None:
        written = list(articles(number))
        for article in written:
            self._put(article, related=written[:3])
        for article in (*FIXED, *ORPHANS):
            self._put(article, _HEADS.get(article.path, ""))
        self._chapters(written)
        posts = self._blog(24)
        self._front(written)
        self._odd_answers()
        self._duplicates(written)
        self._refused()
        self._not_to_be_kept()
        self._maps(written, posts, crawl_delay)

    def _put(self, article: Article, head: str = "", related: list[Article] | None = None) -> None:
        links = "".join(
            f'<li><a href="{one.path}?utm_campaign=related">{one.title}</a></li>' for one in related or ()
        )
        html = whole(article, head=head, related=links)
        number = int(hashlib.sha256(article.path.encode()).hexdigest()[:4], 16)
        self._articles[article.path], self._heads[article.path] = article, head
        self._answers[article.path] = Answer(
            body=html.encode(),
            headers={"Content-Type": "text/html; charset=utf-8"},
            tagged=number % 7 != 0,
            packed=number % 3 == 0,
        )
        self.must_have[self.base + article.path] = article.fact
        if special := _SPECIAL.get(article.path):
            special(self, article, html)

    def _chapters(self, written: list[Article]) -> None:
        lines = []
        for chapter, (name, _) in CHAPTERS.items():
            mine = [one for one in written if one.path.startswith(f"/kb/{chapter}/")]
            links = "".join(
                f'<li><a href="{one.path}{_VARIANTS[at % 5]}">{one.title}</a></li>'
                for at, one in enumerate(mine)
            )
            fact = f"The {name} chapter is looked after by {len(name) * 3} gardeners."
            body = f"<p>All that we have written about {name.lower()}, oldest first.</p><p>{{fact}}</p><ul>{links}</ul>"  # noqa: E501
            self._put(Article(path=f"/kb/{chapter}/", title=f"{name} help", fact=fact, body=body))
            lines.append(f'<li><a href="{chapter}/">{name}</a></li>')
        rest = "".join(
            f'<li><a href="{one.path}">{one.title}</a></li>'
            for one in FIXED if one.path.startswith("/kb/") and "deep" not in one.path
        )  # fmt: skip
        fact = f"The help pages have {len(CHAPTERS)} chapters and one gardener for each letter."
        body = (
            f"<p>Choose a chapter, or ask the night shift.</p><p>{{fact}}</p><ul>{''.join(lines)}{rest}</ul>"
        )
        self._put(Article(path="/kb/", title="Help pages", fact=fact, body=body))

    def _blog(self, number: int) -> list[Article]:
        posts = [
            Article(
                path=f"/blog/2030/{at % 12 + 1:02}/post-{at}",
                title=f"Garden letter {at}",
                fact=f"Garden letter {at} was sent to {at * 113 + 700} readers.",
                body="<article><p>What grew this month, and what the night shift mended in the meantime.</p>"
                f"<p>{{fact}}</p><p><a href='/blog/2030/{at % 12 + 1:02}/post-{at}/print'>Print view</a></p></article>",  # noqa: E501
            )
            for at in range(number)
        ]
        for post in posts:
            self._put(post)
            self._answers[f"{post.path}/print"] = self._answers[post.path]
        last = -(-number // POSTS_ON_A_PAGE)
        for page in range(1, last + 1):
            shown = posts[(page - 1) * POSTS_ON_A_PAGE : page * POSTS_ON_A_PAGE]
            links = "".join(f'<li><a href="{one.path}?fbclid=x{page}">{one.title}</a></li>' for one in shown)
            onward = f'<p><a href="/blog/?page={page + 1}">older letters</a></p>' if page < last else ""
            path = "/blog/" if page == 1 else f"/blog/?page={page}"
            fact = f"Shelf {page} of the letters is {page * 17} centimetres long."
            body = f"<p>Letters from the garden, the newest ones first.</p><p>{{fact}}</p><ul>{links}</ul>{onward}"  # noqa: E501
            self._put(Article(path=path, title=f"Garden letters, shelf {page}", fact=fact, body=body))
        return posts

    def _front(self, written: list[Article]) -> None:
        listed = "".join(f'<li><a href="{href}">{name}</a></li>' for name, href in _FROM_THE_FRONT)
        listed += f'<li><a href="http://{self._next_door.origin}/secret">Next door</a></li>'
        listed += '<li><a href="https://marigold-shop.example/order">Our shop</a></li>'
        listed += "".join(
            f'<li><a href="{one.path}">{one.title}</a></li>'
            for one in FIXED if not one.path.startswith(("/kb/", "/private/")) and one.path != "/calendar"
        )  # fmt: skip
        fact = "Marigold hosts 18,204 gardens and 3 museums."
        body = f"""<p>Hosting by people who answer the telephone, day and night.</p><p>{{fact}}</p><ul>{listed}</ul>
<map name="m"><area href="/calendar" alt="calendar"></map><p><a href="/private/open">Open house</a></p>"""  # noqa: E501
        self._put(Article(path="/", title="Hosting that grows", fact=fact, body=body))

    def _odd_answers(self) -> None:
        """Pages that need a second look: they come late, twice, in other letters or only with scripts."""
        for path, first in (
            ("/kb/flaky", Answer(status=500, body=b"oh no")),
            (
                "/kb/torn",
                Answer(body=b"<html><p>" + b"x" * 500, cut=200, headers={"Content-Type": "text/html"}),
            ),
        ):
            title = "A page with a bad start"
            fact = f"The page at {path} has been mended {len(path) * 7} times."
            page = Article(
                path=path,
                title=title,
                fact=fact,
                body="<p>It fails at first and then it does not.</p><p>{fact}</p>",
            )
            self._put(page)
            self.may_have[self.base + path] = self.must_have.pop(self.base + path)
            self._answers[f"first:{path}"] = first
        busy = {"Content-Type": "text/plain", "Retry-After": "1"}
        self._answers["first:/kb/busy"] = Answer(status=503, body=b"busy", headers=busy)

        script = "document.getElementById('root').innerHTML = '<h1>Status board</h1><p>' + ['The board','has 96 lamps','and one bell.'].join(' ') + ' It is repainted each spring by the night shift, who like it green.</p>'"  # noqa: E501
        app = f"<!doctype html><html><head><title>Board</title></head><body><div id=root></div><script>{script}</script></body></html>"  # noqa: E501
        self._answers["/app/board"] = _page(app)
        self.with_scripts[f"{self.base}/app/board"] = "The board has 96 lamps and one bell."

        self._answers["/huge"] = _page(
            "<html><body><h1>Huge</h1>" + "<p>Too much of everything.</p>" * 200_000
        )
        self._answers["/kb/short-of-length"] = _page(
            "<html><h1>Short</h1><p>This answer promises more than it has.</p>"
        )
        self._answers["/kb/short-of-length"].cut = 0
        self._answers["/kb/short-of-length"].headers["Content-Length"] = "100000"
        self._answers["/files/picture.html"] = _page("")
        self._answers["/files/picture.html"].body = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
        for path, why in (
            ("/huge", "larger than 5 MB"),
            ("/kb/short-of-length", "broken off"),
            ("/files/picture.html", "a picture"),
        ):
            self.must_not[self.base + path] = why

    def _duplicates(self, written: list[Article]) -> None:
        """The same page under other names. Those that normalising folds need no answer of their own."""
        first, second, third = written[0].path, written[1].path, written[2].path
        capital = first.replace("/kb/", "/KB/")
        self._answers[capital] = _page(whole(written[0], head=f'<link rel="canonical" href="{first}">'))
        self._answers["/amp/second"] = _page(
            whole(written[1], head=f'<link rel="canonical" href="{self.base}{second}">')
        )
        header = _page(whole(written[2]))
        header.headers["Link"] = f'<{third}>; rel="canonical"'
        self._answers["/mirror/copies/third"] = header
        self._answers["/mirror/copies/about-us-again"] = self._answers["/about"]
        for path in (
            capital,
            "/amp/second",
            "/mirror/copies/third",
            "/mirror/copies/about-us-again",
            "/loop/deeper/",
        ):
            self.must_not[self.base + path] = "a duplicate"
        # A canonical that cannot be meant: every page says it is the front page.
        self._put(Article(path="/kb/confused", title="A confused page", fact="This page was mistaken for the front 12 times.",  # noqa: E501
                          body="<p>Its head says that it is another page, and that is not so.</p><p>{fact}</p>"),  # noqa: E501
                  '<link rel="canonical" href="/">')  # fmt: skip

    def _refused(self) -> None:
        """Redirects, and what robots.txt or a link asks not to request."""
        target = "/pricing"
        for path, to in (
            ("/old/prices", target), ("/chain/1", "/chain/2"), ("/chain/2", "/chain/3"), ("/chain/3", target),
            ("/round/a", "/round/b"), ("/round/b", "/round/a"), ("/away", "https://marigold-shop.example/"),
            ("/inside", f"http://{self._next_door.origin}/latest/meta-data/"), ("/inside/2", "http://169.254.169.254/latest/"),
            ("/client/tickets", "/login?return=%2Fclient%2Ftickets"),
        ):  # fmt: skip
            self._answers[path] = Answer(status=301 if "old" in path else 302, headers={"Location": to})
            self.must_not[self.base + path] = "a redirect"
        for path in (
            "/private/plans",
            "/private/",
            "/kb/report.cgi",
            "/hidden/by-link",
            "/hidden/by-page",
            "/logout",
            "/kb/12/delete",
        ):
            page = Article(path=path, title="Closed", fact=f"Nobody is to know what lies at {path}.",
                           body="<p>This page is not for robots, and they have been told so in time.</p><p>{fact}</p>")  # fmt: skip  # noqa: E501
            self._put(page)
            del self.must_have[self.base + path]
            self.must_not[self.base + path] = "not to be requested"
            self.must_not_ask.add(path)

    def _not_to_be_kept(self) -> None:
        def closed(path: str, why: str, html: str, **headers: str) -> None:
            self._answers[path] = _page(html)
            self._answers[path].headers.update(
                {name.replace("_", "-"): value for name, value in headers.items()}
            )
            self.must_not[self.base + path] = why

        def secret(path: str, head: str = "") -> str:
            words = f"<p>The words of {path} are read by nobody who obeys what a page asks.</p>"
            return whole(Article(path=path, title="Do not keep", fact="", body=words), head=head)

        closed(
            "/kb/noindex-meta", "noindex", secret("meta", '<meta name="robots" content="noindex, follow">')
        )
        closed("/kb/noindex-ours", "noindex", secret("ours", '<meta name="CandorBot" content="none">'))
        closed("/kb/noindex-header", "noindex", secret("header"), X_Robots_Tag="noindex")
        closed(
            "/kb/noindex-agent",
            "noindex",
            secret("agent"),
            X_Robots_Tag="googlebot: index, candorbot: noindex",
        )
        dead = secret("dead", '<meta name="robots" content="nofollow,noindex">')
        closed(
            "/kb/nofollow-page",
            "noindex",
            dead.replace("</p>", '</p><a href="/hidden/by-page">inside</a>', 1),
        )
        for path, title, words in (
            ("/kb/missing-1", "Page not found", "Sorry, the page you are looking for could not be found."),
            ("/kb/missing-2", "404", "There is nothing here. Go back to the front."),
            ("/ru/missing", "Страница не найдена", "Запрашиваемая страница не существует или была удалена."),
            ("/de/missing", "Seite nicht gefunden", "Die angeforderte Seite existiert leider nicht mehr."),
        ):
            closed(
                path, "a soft 404", whole(Article(path=path, title=title, fact="", body=f"<p>{words}</p>"))
            )
        form = "<form action=/login method=post><label>Name <input name=u></label><input type=password name=p><button>Go</button></form>"  # noqa: E501
        page = Article(
            path="/portal", title="Client login", fact="", body=f"<p>Please sign in to go on.</p>{form}"
        )
        closed("/portal", "a login page", whole(page))
        closed(
            "/moved-meta",
            "a redirect",
            '<html><head><meta http-equiv="refresh" content="0; url=/pricing"></head><body>Moved</body></html>',  # noqa: E501
        )
        closed("/empty", "empty", "<html><head><title>Empty</title></head><body></body></html>")
        closed("/data.api", "data", '{"a": 1}', Content_Type="application/json")

    def _maps(self, written: list[Article], posts: list[Article], crawl_delay: float | None) -> None:
        delay = f"Crawl-delay: {crawl_delay}\n" if crawl_delay else ""
        self._answers["/robots.txt"] = Answer(
            body=f"""\ufeff# Gardeners only
User-agent: BadBot
Disallow: /

User-agent: *
Disallow: /

User-agent: candorbot
User-agent: OtherBot
{delay}Disallow: /private/   # the shed
Allow: /private/open
Disallow: /*.cgi$

Sitemap: {self.base}/sitemap.xml
""".replace("\n", "\r\n").encode(),
            headers={"Content-Type": "text/plain"},
        )
        day = formatdate(_STARTED, usegmt=True)
        index = f"""<?xml version="1.0"?><sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
<sitemap><loc>{self.base}/map/articles.xml</loc><lastmod>2030-03-01</lastmod></sitemap>
<sitemap><loc>{self.base}/map/orphans.xml.gz</loc></sitemap>
<sitemap><loc>{self.base}/map/missing.xml</loc></sitemap></sitemapindex>"""
        named = "".join(f"<url><loc>{self.base}{one.path}</loc></url>" for one in (*written, *FIXED, *posts))
        named += f"<url><loc>{self.base}/kb/</loc></url><url><loc>{self.base}/kb/?a=1&b=2</loc></url>"  # A bare &, as half of the web has it.  # noqa: E501
        orphans = "".join(f"<s:url><s:loc>{self.base}{one.path}</s:loc></s:url>" for one in ORPHANS)
        orphans = f'<s:urlset xmlns:s="http://www.sitemaps.org/schemas/sitemap/0.9">{orphans}</s:urlset>'
        xml = {"Content-Type": "application/xml", "Last-Modified": day}
        self._answers["/sitemap.xml"] = Answer(body=index.encode(), headers=xml)
        self._answers["/map/articles.xml"] = Answer(body=f"<urlset>{named}</urlset>".encode(), headers=xml)
        self._answers["/map/orphans.xml.gz"] = Answer(
            body=gzip.compress(orphans.encode()), headers={"Content-Type": "application/x-gzip"}
        )

    # How it is served

    def _serve_next_door(self, visit: Visit) -> Answer:
        self.elsewhere.append(visit)
        return _page("<h1>Secret</h1><p>The machine next door says what it must not say.</p>")

    def _serve(self, visit: Visit) -> Answer:
        with self._lock:
            self.requests.append(visit)
            times = self._visited[visit.path] = self._visited.get(visit.path, 0) + 1
        if times == 1 and (first := self._answers.get(f"first:{visit.path}")):
            return first
        answer = self._answers.get(visit.path) or self._folded(visit.path)
        if answer is None:
            return Answer(status=404, body=b"<h1>No such page</h1>", headers={"Content-Type": "text/html"})
        return _conditional(answer, visit) if answer.tagged else answer

    def _folded(self, path: str) -> Answer | None:
        """Other spellings of a page that servers know, and pages that never end."""
        plain, _, query = path.partition("?")
        if plain == "/calendar" and query:
            return _page(_endless("/calendar?month=", query))
        if plain.startswith("/loop/deeper/"):
            return self._answers["/loop/"]
        if plain == "/shop":
            return _page(_endless("/shop?colour=green&sort=", query))
        if plain.startswith("/missing"):
            return None
        if path == "/kb/?a=1&b=2":
            return self._answers["/kb/"]
        query = re.sub(r"(?:utm_\w+|fbclid|gclid|PHPSESSID|print)=[^&]*&?", "", query).strip("&")
        plain = re.sub(r";jsessionid=\w+", "", plain)
        for candidate in (
            plain,
            plain.rstrip("/"),
            plain + "/",
            re.sub(r"/index\.(?:html|php)$", "/", plain),
        ):
            if answer := self._answers.get(f"{candidate}?{query}" if query else candidate):
                return answer
        return None


def _page(html: str) -> Answer:
    return Answer(body=html.encode(), headers={"Content-Type": "text/html; charset=utf-8"})


def _endless(start: str, query: str) -> str:
    mark = hashlib.sha256(query.encode()).hexdigest()[:8]
    links = "".join(f'<a href="{start}{mark}{at}">more</a> ' for at in range(4))
    return f"<html><body><h1>Month {mark}</h1><p>Nothing is planned in the month {mark}, as in all others.</p>{links}"  # noqa: E501


def _conditional(answer: Answer, visit: Visit) -> Answer:
    tag = f'"{hashlib.sha256(answer.body).hexdigest()[:16]}"'
    second = int(tag[1:7], 16)
    headers = {**answer.headers, "ETag": tag, "Last-Modified": formatdate(_STARTED + second, usegmt=True)}
    same = visit.headers.get("if-none-match") == tag
    if "if-none-match" not in visit.headers:
        same = visit.headers.get("if-modified-since") == headers["Last-Modified"]
    if same:
        return Answer(status=304, headers=headers)
    return Answer(
        body=answer.body, status=answer.status, headers=headers, packed=answer.packed, delay=answer.delay
    )


def _in(charset: str, *, said: str) -> Callable[[Site, Article, str], None]:
    def put(site: Site, article: Article, html: str) -> None:
        answer = site._answers[article.path]
        answer.body, answer.headers = html.encode(charset, "xmlcharrefreplace"), {"Content-Type": said}

    return put


def _slow(site: Site, article: Article, html: str) -> None:
    site._answers[article.path].delay = lambda: site.slow


def _notes(site: Site, article: Article, html: str) -> None:
    text = f"# {article.title}\n\nWhat the last shift tells the next one, in no order at all.\n\n{article.fact}\n"  # noqa: E501
    site._answers[article.path] = Answer(
        body=text.encode(), headers={"Content-Type": "text/plain"}, tagged=True
    )


def _pdf(site: Site, article: Article, html: str) -> None:
    lines = [article.title, article.fact + ", and it says what to do at night.", "Keep it by the telephone."]
    site._answers[article.path] = Answer(
        body=pdf_of(lines), headers={"Content-Type": "application/pdf"}, tagged=True
    )


def pdf_of(lines: list[str]) -> bytes:
    """A valid PDF of one page with these lines, ASCII without brackets."""
    words = "BT /F1 12 Tf 72 720 Td 16 TL " + " ".join(f"({line}) Tj T*" for line in lines) + " ET"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
        "/Resources << /Font << /F1 5 0 R >> >> >>",
        f"<< /Length {len(words)} >>\nstream\n{words}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out, places = "%PDF-1.4\n", []
    for number, written in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{written}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    size = len(objects) + 1
    end = f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{len(out)}\n%%EOF\n"  # noqa: E501
    return (out + end).encode("ascii")


_VARIANTS: Final = ("", "?utm_source=kb&gclid=77", "/", "?PHPSESSID=0a1b2c3d4e", "?print=1")
"""How a chapter's links are spelled, in turn."""

_HEADS: Final = {
    "/kb/based/": '<base href="/kb/deep/">',
    "/kb/google-only": '<meta name="googlebot" content="noindex">',
    "/de/preise": '<meta charset="iso-8859-1">',
    "/ru/vozvrat": '<meta http-equiv="Content-Type" content="text/html; charset=windows-1251">',
}

_SPECIAL: Final[dict[str, Callable[[Site, Article, str], None]]] = {
    "/kb/slow": _slow,
    "/notes.txt": _notes,
    "/files/handbook.pdf": _pdf,
    "/ru/tarify": _in("cp1251", said="text/html; charset=utf-8"),
    "/ru/vozvrat": _in("cp1251", said="text/html; charset=iso-8859-1"),
    "/ru/pochta": _in("koi8-r", said="text/html; charset=koi8-r"),
    "/ru/parol": _in("utf-16", said="text/html"),
    "/de/preise": _in("utf-8", said="text/html"),
    "/de/rueckgabe": _in("cp1252", said="text/html; charset=iso-8859-1"),
}
"""Path → how its answer differs from that of the other pages."""

_FROM_THE_FRONT: Final = tuple(
    (href.strip("/").replace("/", " ") or "start", href)
    for href in (
        "/kb/index.html", "/index.php", "/old/prices", "/chain/1", "/round/a", "/away", "/inside", "/inside/2",  # noqa: E501
        "/private/plans", "/kb/report.cgi", "/logout", "/kb/12/delete", "/kb/noindex-meta", "/kb/noindex-ours",  # noqa: E501
        "/kb/noindex-header", "/kb/noindex-agent", "/kb/nofollow-page", "/kb/missing-1", "/kb/missing-2", "/ru/missing",  # noqa: E501
        "/de/missing", "/portal", "/moved-meta", "/empty", "/data.api", "/app/board", "/huge", "/kb/short-of-length",  # noqa: E501
        "/files/picture.html", "/kb/flaky", "/kb/torn", "/amp/second", "/mirror/copies/third",
        "/mirror/copies/about-us-again", "/kb/confused", "/kb/nowhere", "/shop?colour=red&sort=price", "/search?q=roses",  # noqa: E501
        "/feed/", "/static/logo.png", "/KB/mail/setting-up-mailbox", "javascript:void(0)", "tel:+3725550100",
        "/about;jsessionid=99ff", "/faq/?utm_source=front", "/pricing?PHPSESSID=55aa&utm_medium=x",
    )
)  # fmt: skip


class _Server:
    """A small HTTP server: one thread a connection, one write an answer."""

    def __init__(self, answer: Callable[[Visit], Answer]) -> None:
        self._server = _Threads(("127.0.0.1", 0), _Handler)
        self._server.answer = answer
        self.origin = f"127.0.0.1:{self._server.server_address[1]}"
        self.base = f"http://{self.origin}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def begin(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Threads(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128
    answer: Callable[[Visit], Answer]


class _Handler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    timeout = 60

    def handle(self) -> None:
        try:
            while self._one():
                pass
        except OSError:
            pass  # The client has gone, which is its right.

    def _one(self) -> bool:
        line = self.rfile.readline(65_536).decode("latin-1").split()
        if len(line) < 3:
            return False
        headers: dict[str, str] = {}
        while header := self.rfile.readline(65_536).decode("latin-1").strip():
            name, _, value = header.partition(":")
            headers[name.lower()] = value.strip()
        assert isinstance(self.server, _Threads)
        visit = Visit(path=line[1], headers=headers, at=time.monotonic())
        answer = self.server.answer(visit)
        if seconds := answer.delay():
            time.sleep(seconds)
        body, extra = answer.body, dict(answer.headers)
        if answer.packed and "gzip" in headers.get("accept-encoding", ""):
            body, extra["Content-Encoding"] = gzip.compress(body, 1), "gzip"
        extra.setdefault("Content-Length", str(len(body)))
        head = "".join(f"{name}: {value}\r\n" for name, value in extra.items())
        torn = answer.cut > 0 or int(extra["Content-Length"]) > len(body)
        end = "Connection: close\r\n" if torn else ""
        sent = body[: len(body) - answer.cut] if line[0] != "HEAD" else b""
        self.wfile.write(f"HTTP/1.1 {answer.status} .\r\n{head}{end}\r\n".encode("latin-1") + sent)
        return not torn and headers.get("connection", "").lower() != "close"
