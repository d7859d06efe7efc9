"""What the adversarial site says: the help pages of Marigold, a hosting company that does not exist."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Article:
    """One page of words. `fact` is a sentence that stands on no other page, word for word in the text."""

    path: str
    title: str
    fact: str
    body: str
    """HTML of the article, `{fact}` where the fact belongs."""
    language: str = "en"


CHAPTERS = {
    "mail": ("E-mail", "mailbox|forwarder|catch-all address|spam filter|mailing list|webmail login|autoresponder|IMAP folder"),  # noqa: E501
    "domains": ("Domains", "domain transfer|nameserver|domain lock|auth code|WHOIS record|DNS zone|subdomain|parked domain"),  # noqa: E501
    "databases": ("Databases", "MySQL user|database backup|remote connection|slow query|phpMyAdmin session|table repair|charset|import"),  # noqa: E501
    "websites": ("Websites", "WordPress site|staging copy|PHP version|error page|redirect rule|cache|cron job|file manager"),  # noqa: E501
    "security": ("Security", "TLS certificate|firewall rule|two-factor code|SSH key|malware scan|blocked address|password policy|audit log"),  # noqa: E501
    "billing": ("Billing", "invoice|credit card|bank transfer|refund|tax number|auto-renewal|upgrade|late fee"),  # noqa: E501
    "servers": ("Servers", "virtual server|snapshot|rescue mode|kernel update|private network|floating address|console|reinstallation"),  # noqa: E501
    "backups": ("Backups", "daily backup|restore point|off-site copy|retention time|archive download|backup key|exclusion list|restore test"),  # noqa: E501
}  # fmt: skip
"""Chapter → its name and its subjects."""

_JOBS = ("setting up", "changing", "removing", "troubleshooting", "limits of", "moving")
_OPENINGS = (
    "This page explains what happens when you are {job} a {subject} in the Marigold panel, and what to check first.",  # noqa: E501
    "Customers ask us about {job} a {subject} nearly every day. Here is the short way, and the long one below it.",  # noqa: E501
    "Before {job} a {subject}, make sure that nobody else is signed in with the same account.",
)
_STEPS = (
    (
        "Sign in to the panel and open <b>{chapter}</b>.",
        "Choose the {subject} in the list.",
        "Confirm with your PIN.",
    ),
    ("Open the command line.", "Run the command shown below for your {subject}.", "Wait for the green mark."),
    (
        "Write to the night shift with the name of the {subject}.",
        "Answer the check-up question.",
        "Read the receipt.",
    ),
)


def articles(number: int) -> Iterator[Article]:
    """That many help articles, spread over the chapters; the same ones each time."""
    made = 0
    for round_ in range(1 + number // len(CHAPTERS)):
        for chapter, (name, listed) in CHAPTERS.items():
            if made >= number:
                return
            subjects = listed.split("|")
            subject, job = subjects[round_ % len(subjects)], _JOBS[(round_ // len(subjects)) % len(_JOBS)]
            edition = round_ // (len(subjects) * len(_JOBS))
            slug = f"{job}-{subject}".replace(" ", "-").lower() + (f"-{edition + 1}" if edition else "")
            yield _article(made, chapter, name, subject, job, slug)
            made += 1


def _article(number: int, chapter: str, name: str, subject: str, job: str, slug: str) -> Article:
    fact = (
        f"Marigold lets one account keep {number + 11} of these at once, "
        f"and answers a question about it within {number % 50 + 2} hours under the code MG-{4000 + number}."
    )
    title = f"{job.capitalize()} a {subject}" + (
        f" (part {slug.rsplit('-', 1)[1]})" if slug[-1].isdigit() else ""
    )
    opening = _OPENINGS[number % 3].format(job=job, subject=subject)
    steps = "".join(f"<li>{step.format(subject=subject, chapter=name)}</li>" for step in _STEPS[number % 3])
    body = f"""<p>{opening}</p><h2>Step by step</h2><ol>{steps}</ol>
<h2>What to know about the {subject}</h2><p>{{fact}}</p>"""
    if number % 4 == 1:
        body += f"""<table><tr><th>Plan</th><th>Number</th><th>Price</th></tr>
<tr><td>Bud</td><td>{number + 3}</td><td>${number % 9 + 1}.50</td></tr>
<tr><td>Bloom</td><td>{number * 2 + 8}</td><td>${number % 9 + 4}.00</td></tr></table>"""
    if number % 5 == 2:
        body += f"<pre><code>marigold {chapter} show --id {number}\nmarigold {chapter} apply</code></pre>"
    if number % 6 == 3:
        body += f"""<details><summary>Does {job} a {subject} cost anything?</summary>
<p>Not on Bloom; on Bud it is {number} cents each time.</p></details>"""
    return Article(path=f"/kb/{chapter}/{slug}", title=title, fact=fact, body=body)


def _page(path: str, title: str, fact: str, body: str, language: str = "en") -> Article:
    return Article(path=path, title=title, fact=fact, body=body, language=language)


FIXED = (
    _page("/pricing", "Plans and prices", "Bud costs $3.20 a month, Bloom $8.90 and Meadow $24.50.",
          """<p>Every plan comes with free moving of your first site.</p><p>{fact}</p>
<table><thead><tr><th>Plan</th><th>Storage</th><th>Monthly</th></tr></thead><tbody>
<tr><td>Bud</td><td>12 GB</td><td><del>$5.00</del> $3.20</td></tr><tr><td>Bloom</td><td>60 GB</td><td>$8.90</td></tr>
<tr><td>Meadow</td><td>240 GB</td><td>$24.50</td></tr></tbody></table>
<ul class="nav-tabs" role="tablist"><li><a href="#m" role="tab" aria-controls="m">Monthly</a></li>
<li><a href="#y" role="tab" aria-controls="y">Yearly</a></li></ul>
<div id="m" role="tabpanel" class="tab-pane"><p>Monthly plans have a set-up fee of $4.</p></div>
<div id="y" role="tabpanel" class="tab-pane" style="display:none"><p>Yearly plans have two months free.</p></div>"""),  # noqa: E501
    _page("/faq", "Frequently asked questions", "Unused credit can be paid out once in every 17 weeks.",
          """<p>Short answers to what we hear most often on the telephone.</p>
<details><summary>Can I pay out my credit?</summary><p>{fact}</p></details>
<details><summary>Where are your machines?</summary><p>In Tartu and in Porto, nowhere else.</p></details>
<div class="accordion-item"><h3><button aria-expanded="false" aria-controls="q3">Do you work at night?</button></h3>
<div id="q3" class="collapse" hidden>Yes, the night shift has eleven people.</div></div>
<dl><dt>Do you sell telephones?</dt><dd>No, we never have.</dd></dl>"""),  # noqa: E501
    _page("/legal/terms", "Terms of service", "A contract ends 19 days after a notice in writing.",
          """<p>These terms hold between Marigold and everybody who orders from it.</p><h2>Ending</h2><p>{fact}</p>
<h2>Payment</h2><p>We ask for payment in advance, and stop a service only after two reminders.</p>"""),  # noqa: E501
    _page("/legal/privacy", "Privacy policy", "Call recordings are wiped after 23 days.",
          """<p>What we keep about you, why, and for how long. Nothing is sold to anyone.</p><p>{fact}</p>"""),  # noqa: E501
    _page("/legal/refunds", "Refund policy", "Money comes back within 37 days of the first order.",
          """<p>If you are not happy with a new plan, say so and we return what you paid.</p><p>{fact}</p>"""),  # noqa: E501
    _page("/about", "About Marigold", "Marigold was founded by three gardeners in 2009.",
          """<p>We are a small company that hosts web pages and answers its own telephone.</p><p>{fact}</p>"""),  # noqa: E501
    _page("/calendar", "Maintenance calendar", "Machines are only ever restarted on Tuesdays between 2 and 4 UTC.",  # noqa: E501
          """<p>What we plan to work on, month by month, with a week of warning each time.</p><p>{fact}</p>
<p><a href="/calendar?month=2031-01">next month</a> <a href="/calendar?month=2030-11">month before</a></p>"""),  # noqa: E501
    _page("/loop/", "The garden path", "The path to the office has 214 stones.",
          """<p>A walk through our garden, which some machines never find their way out of.</p><p>{fact}</p>
<p><a href="deeper/">further along the path</a></p>"""),
    _page("/kb/fix-404", "How to fix a 404 page not found error", "Marigold keeps the log of missing files for 58 hours.",  # noqa: E501
          """<p>A visitor who asks for a file that is not there gets the answer 404. The page was not found because the link
is old, or because the file has another name.</p><p>{fact}</p><h2>What to do</h2><ul><li>Look at the name of the file,
small and capital letters too.</li><li>Look at the redirect rules of the site.</li></ul>"""),  # noqa: E501
    _page("/kb/login-trouble", "I cannot log in", "Three wrong PINs lock the panel for 26 minutes.",
          """<p>Your password is right and the panel still refuses it? Then the lock is on.</p><p>{fact}</p>
<p>After that time, log in as always; nobody has to unlock anything by hand.</p>"""),
    _page("/kb/based/", "Pages with another base", "Base addresses were changed 8 times in 2024.",
          """<p>All links of this page are seen from another folder, as the head of the page says.</p><p>{fact}</p>
<p>Read on: <a href="relative-target">the page that only this one leads to</a>.</p>"""),  # noqa: E501
    _page("/kb/deep/relative-target", "Found by its base", "Only 41 visitors have ever come here.",
          """<p>Whoever reads this has understood where a relative link begins.</p><p>{fact}</p>"""),
    _page("/kb/busy", "When we are busy", "On Mondays the line is busy for 9 minutes on average.",
          """<p>Sometimes the server says that it has no time now and when to come again.</p><p>{fact}</p>"""),  # noqa: E501
    _page("/kb/slow", "When pages are slow", "A page slower than 1,300 milliseconds wakes the night shift.",
          """<p>This page takes its time, which does not mean that it has gone away.</p><p>{fact}</p>"""),
    _page("/kb/google-only", "Not for one other robot", "The guest network has room for 77 guests.",
          """<p>Another robot has been asked to leave this page out; everybody else is welcome.</p><p>{fact}</p>"""),  # noqa: E501
    _page("/private/open", "An open door", "The open house is on the 14th of May.",
          """<p>All of this folder is closed to robots, but for this page, which the rules let them read.</p><p>{fact}</p>"""),  # noqa: E501
    _page("/notes.txt", "Notes for the night shift", "The spare key hangs behind the 6th rack.", ""),
    _page("/files/handbook.pdf", "Handbook", "The handbook was printed in 350 copies", ""),
    _page("/ru/tarify", "Тарифы и цены", "Тариф «Бутон» стоит 290 рублей в месяц.",
          """<p>На всех тарифах перенос первого сайта бесплатный, а домен даётся в подарок.</p><p>{fact}</p>
<table><tr><th>Тариф</th><th>Место</th></tr><tr><td>Бутон</td><td>12 ГБ</td></tr>
<tr><td>Цветок</td><td>60 ГБ</td></tr></table>""", "ru"),
    _page("/ru/vozvrat", "Возврат денег", "Деньги возвращаются в течение 37 дней после первого заказа.",
          """<p>Если новый тариф вам не подошёл, напишите нам, и мы вернём всё, что вы заплатили.</p><p>{fact}</p>""", "ru"),  # noqa: E501
    _page("/ru/pochta", "Как создать почтовый ящик", "Один ящик вмещает 7 гигабайт писем.",
          """<p>Откройте панель, выберите раздел «Почта» и нажмите кнопку «Создать».</p><p>{fact}</p>""", "ru"),  # noqa: E501
    _page("/ru/parol", "Как сменить пароль", "Новый пароль начинает действовать через 45 секунд.",
          """<p>Пароль меняется в панели, в разделе «Безопасность», и никогда по телефону.</p><p>{fact}</p>""", "ru"),  # noqa: E501
    _page("/de/preise", "Preise und Tarife", "Der Tarif Knospe kostet 3,40 € im Monat.",
          """<p>Für alle Tarife gilt: Der Umzug der ersten Website ist kostenlos.</p><p>{fact}</p>""", "de"),
    _page("/de/rueckgabe", "Geld zurück", "Die Rückzahlung dauert höchstens 37 Tage.",
          """<p>Wenn Ihnen ein neuer Tarif nicht gefällt, schreiben Sie uns; wir zahlen alles zurück.</p><p>{fact}</p>""", "de"),  # noqa: E501
)  # fmt: skip
"""Pages with a catch each; how they are served is the site's business."""

ORPHANS = tuple(
    _page(f"/kb/orphans/note-{number}", f"Forgotten note {number}",
          f"Drawer {number} of the archive holds {number * 31 + 5} letters.",
          f"""<p>No page links here any more; only the site map remembers note {number}.</p><p>{{fact}}</p>
<p>It was written by the archivist, who likes to keep things in order and never throws one away.</p>""")
    for number in range(1, 13)
)  # fmt: skip
"""Named by the sitemap alone."""

MENU = "Cancel your abonnement of cookies in the Marigold cookie drawer"
FOOT = "Marigold is a trade mark of nobody at all, 2009 to 2031"
RELATED = "Seven more things that gardeners ask"
CHROME = (MENU, FOOT, RELATED)
"""Words on every page that belong to none."""


def whole(article: Article, *, head: str = "", related: str = "") -> str:
    """The article as a page of the site, in everything that surrounds it."""
    body = article.body.replace("{fact}", article.fact)
    return f"""<!doctype html>
<html lang="{article.language}"><head><title>{article.title} | Marigold Hosting</title>
<meta property="og:site_name" content="Marigold Hosting">{head}
<link rel="stylesheet" href="/static/site.css"><script src="/static/site.js"></script></head>
<body><div class="cookie-banner" role="dialog"><p>{MENU}</p><button>Fine</button></div>
<header class="site-header"><a href="/"><img src="/static/logo.png" alt="Marigold"></a><nav><ul>
<li><a href="/?utm_source=menu&amp;utm_medium=top">Home</a></li><li><a href="/kb/">Help</a></li>
<li><a href="/pricing">Prices</a></li><li><a href="/blog/">Blog</a></li>
<li><a href="/faq#top">Questions</a></li><li><a href="/client/tickets">Client area</a></li>
<li><a href="/login?return=/kb/">Log in</a></li><li><a href="/cart?add-to-cart=5">Order</a></li></ul></nav></header>
<ol class="breadcrumb"><li><a href="/">Marigold</a></li><li><a href="/kb/">Help</a></li></ol>
<div class="wrap"><h1>{article.title}</h1>
{body}
</div>
<div class="related-articles"><h3>{RELATED}</h3><ul>{related}</ul></div>
<footer><p>{FOOT}</p><a href="/legal/terms">Terms</a> <a href="/legal/privacy">Privacy</a>
<a href="/legal/refunds">Refunds</a> <a href="mailto:night@marigold.example">Write to us</a></footer></body></html>"""  # noqa: E501
