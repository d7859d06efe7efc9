"""Web chrome: what surrounds a page's own words on every page of its site, and is not one of them."""

import re
from typing import Any, Final

_SILENT: Final = frozenset(
    """script style noscript template svg iframe object embed select option datalist input textarea canvas map
    meter progress head link meta title base audio video source track del s strike""".split()  # noqa: SIM905
)
"""Nobody reads these as they stand in the source; a struck-out price is no price."""

_ROLES: Final = frozenset(
    "navigation banner contentinfo search complementary menu menubar toolbar alertdialog dialog tablist".split()  # noqa: E501, SIM905
)
_NAMES: Final = re.compile(
    r"(?:^|[-_])(?:cookies?|consent|gdpr|ccpa|newsletter|subscribe|subscription-form|breadcrumbs?|crumbs?|pagination|pager|"
    r"paginator|related|relatedposts|recommended|recommendations?|you-may-also-like|read-?more-articles|share|sharing|"
    r"social|socials|sharedaddy|addthis|sidebar|side-?bar|sidenav|sidemenu|menu|menus|submenu|navbar|nav|navi|navigation|"
    r"topnav|topbar|top-bar|footer|foot|site-?header|masthead|toc|table-of-contents|skip-?link|skip-to-content|"
    r"ad|ads|advert|advertisement|adsense|sponsored|promo|promobar|popup|pop-up|modal|lightbox|overlay|offcanvas|"
    r"off-canvas|comments?|comment-list|comment-form|respond|disqus|rating|ratings|votes?|feedback|was-?this-?helpful|"
    r"helpful|author-?box|author-?bio|byline|post-?meta|entry-?meta|post-tags|tags|tag-?cloud|tagcloud|"
    r"lang(?:uage)?-?(?:switcher|selector|menu|nav)|search-?form|searchbox|search-box|livechat|chat-?widget|intercom|toast|"
    r"sr-only|screen-reader-text|visually-hidden|print-only|noprint|no-print|login-?form|user-?menu|account-?menu|"
    r"cart|mini-?cart|copyright|back-?to-?top|prev-?next|post-navigation|announcement-?bar|widget|widgets)(?:$|[-_])",
    re.IGNORECASE,
)
_SCREEN_READER: Final = re.compile(
    r"(?:^|[-_\s])(?:sr-only|screen-reader-text|visually-hidden)(?:$|[-_\s])", re.IGNORECASE
)
_LAYOUT: Final = re.compile(
    r"^(?:has|with|no|is|not|show|hide|hides|js|page|layout|col|row|grid|container|without|body|site|menu-item|nav-item)[-_]|"
    r"(?:content|main|wrapper|container|layout|page|body|article|inner|wrap|panel|pane|section)$",
    re.IGNORECASE,
)
"""A name that speaks of the layout around it: `has-sidebar`, `nav-content`, `menu-wrapper`."""

_CALLOUT: Final = re.compile(
    r"(?:^|[-_\s])(?:note|notes|tip|tips|hint|warning|info|important|caution|callout|admonition|alert|notice|danger|example)"
    r"(?:$|[-_\s])",
    re.IGNORECASE,
)
_PANEL: Final = re.compile(
    r"(?:^|[-_\s])(?:tab|tabs|tabpanel|pane|panel|accordion|collaps\w*|faq|faqs|answer|answers|toggle|expand\w*|content|details|"
    r"drawer-content|body|item)(?:$|[-_\s])",
    re.IGNORECASE,
)
_NOT_PANEL: Final = re.compile(
    r"(?:modal|popup|cookie|consent|dialog|overlay|tooltip|dropdown|menu|toast)", re.IGNORECASE
)
_HIDDEN: Final = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_CONTROLS: Final = "//*[@aria-controls or @data-bs-target or @data-target or @for or (starts-with(@href, '#') and @href != '#')]"  # noqa: E501
_MOSTLY: Final = 0.45
"""A part of the page with more of its letters than this is not what surrounds them, whatever it is called."""


class Chrome:
    """Says of each part of one page's tree whether a reader of the article would read it."""

    def __init__(self, root: Any) -> None:
        self._total = max(1, _letters(root))
        self._doubts = 200
        """How many large suspects are weighed; each is a walk over its part of the tree."""
        self._reachable: set[str] = set()
        self._labels: dict[str, str] = {}
        """Panel id → what its tab is called."""
        for control in root.xpath(_CONTROLS)[:2_000]:
            targets = (
                control.get("aria-controls")
                or control.get("data-bs-target")
                or control.get("data-target")
                or control.get("for")
                or control.get("href")
            )
            if targets and len(targets) < 500:
                for target in targets.replace("#", " ").split():
                    self._reachable.add(target)
                    if control.get("role") == "tab" or control.get("data-toggle") == "tab":
                        self._labels[target] = " ".join("".join(control.itertext()).split())[:80]

    def is_silent(self, element: Any) -> bool:
        """Whether it is nothing to read wherever it stands."""
        tag = element.tag
        return not isinstance(tag, str) or (tag in _SILENT and tag not in ("svg",)) or self._hidden(element)

    def label_of_panel(self, element: Any) -> str:
        """What the tab is called that opens this part; blank for a part that no tab opens."""
        if not self._labels:
            return ""
        return self._labels.get(element.get("id") or "", "")

    def drops(self, element: Any, *, in_main: bool) -> bool:
        """Whether this part and all in it are left out."""
        tag = element.tag
        if not isinstance(tag, str) or tag in _SILENT:
            return True
        attributes = element.attrib
        if not attributes and tag not in ("nav", "footer", "header", "aside", "button", "label", "legend"):
            return False
        if tag in ("html", "body", "main", "article"):
            return False
        if self._hidden(element):
            return True
        if tag == "button":
            return not (
                attributes.get("aria-expanded") or attributes.get("aria-controls") or _in_heading(element)
            )
        if tag in ("label", "legend"):
            return _letters(element) < 80 and element.getparent() is not None and not _has_block(element)
        names = f"{attributes.get('class', '')} {attributes.get('id', '')}".strip()
        suspect = (
            tag in ("nav", "footer", "header", "aside")
            or attributes.get("role", "") in _ROLES
            or "breadcrumb" in attributes.get("aria-label", "").lower()
            or "BreadcrumbList" in attributes.get("itemtype", "")
            or (bool(names) and _named(names))
        )
        if not suspect:
            return (
                tag == "form"
                and next(element.iterfind(".//input[@type='password']"), None) is not None
                and self._small(element)
            )
        if tag == "footer" and not in_main:
            return self._small(element)
        if tag == "aside" and _CALLOUT.search(names):
            return False
        if tag == "header" and (in_main or _holds_heading(element)):
            # An article's own head; of a site's head the h1 alone is kept by those who look for a title.
            return False
        if _holds_heading(element) and tag != "nav":
            return False
        return self._small(element)

    def _small(self, element: Any) -> bool:
        if self._doubts <= 0:
            return True
        self._doubts -= 1
        return _letters(element) < self._total * _MOSTLY

    def _hidden(self, element: Any) -> bool:
        attributes = element.attrib
        if not attributes:
            return False
        style = attributes.get("style")
        hidden = (
            "hidden" in attributes
            or (style is not None and _HIDDEN.search(style) is not None)
            or attributes.get("aria-hidden") == "true"
        )
        names = attributes.get("class", "")
        if not hidden:
            return "sr-only" in names and _SCREEN_READER.search(names) is not None
        # What a click opens is read; what nothing opens is not: a trap for robots, or a message box.
        if attributes.get("role") == "tabpanel" or attributes.get("id", "") in self._reachable:
            return _NOT_PANEL.search(names) is not None
        return _PANEL.search(names) is None or _NOT_PANEL.search(names) is not None


def _named(names: str) -> bool:
    return any(_NAMES.search(name) and not _LAYOUT.search(name) for name in names.split()[:20])


def _letters(element: Any) -> int:
    return sum(len(text) for text in element.itertext() if not text.isspace())


def _in_heading(element: Any) -> bool:
    return any(
        above.tag in ("h2", "h3", "h4", "h5", "h6", "summary", "dt") for above in element.iterancestors()
    )


def _has_block(element: Any) -> bool:
    return next(element.iterdescendants("p", "div", "ul", "table"), None) is not None


def _holds_heading(element: Any) -> bool:
    return next(element.iterdescendants("h1"), None) is not None
