"""Keys: tokens and keys that are known by their own shape, or by the header or link they stand in."""

import re
from typing import Final

from candor.redaction.patterns import Pattern, named

KEY: Final = "[key]"

_BLOCK: Final = Pattern(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:(?!-----END)[\s\S]){0,20000}+"
    r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?"
    r"|^Private-Lines: \d{1,3}\r?\n(?:[A-Za-z0-9+/=]{1,80}\r?\n?){1,200}",
    re.M,
)
_KNOWN: Final = Pattern(
    r"(?<![A-Za-z0-9])(?:"
    r"(?:sk|pk|rk)[-_](?:live[-_]|test[-_]|proj[-_]|ant[-_]|"
    r"svcacct[-_])?(?=[A-Za-z_-]{0,60}\d)[A-Za-z0-9_-]{16,200}"
    r"|(?:sk|pk|rk)[-_](?:live|test|proj|ant)[-_][A-Za-z0-9_-]{12,200}"
    r"|whsec_[A-Za-z0-9+/=]{16,100}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])"
    r"|gh[pousr]_[A-Za-z0-9]{20,255}|github_pat_[A-Za-z0-9_]{20,255}|gl(?:pat|dt|rt)-[A-Za-z0-9_-]{16,64}"
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,200}|xapp-[A-Za-z0-9-]{10,200}"
    r"|AIza[A-Za-z0-9_-]{30,60}|ya29\.[A-Za-z0-9_-]{20,300}|GOCSPX-[A-Za-z0-9_-]{20,40}"
    r"|eyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{8,8000}(?:\.[A-Za-z0-9_-]{0,4000})?"
    r"|SG\.[A-Za-z0-9_-]{16,40}\.[A-Za-z0-9_-]{16,60}|key-[0-9a-f]{32}(?![0-9A-Za-z])"
    r"|npm_[A-Za-z0-9]{30,60}|pypi-[A-Za-z0-9_-]{30,250}|do[opr]_v1_[0-9a-f]{40,80}|hf_[A-Za-z]{30,50}"
    r"|shp(?:at|ca|pa|ss)_[0-9a-fA-F]{24,40}|dckr_pat_[A-Za-z0-9_-]{20,40}|AGE-SECRET-KEY-1[A-Z0-9]{40,80}"
    r"|\d{8,10}:AA[A-Za-z0-9_-]{30,36}(?![A-Za-z0-9])"
    r")"
)
_HOOK: Final = Pattern(
    r"((?:hooks\.slack\.com/services/|discord(?:app)?\.com/api/webhooks/))[A-Za-z0-9/_-]{20,200}", re.I
)
_HEADER: Final = Pattern(
    r"(\b(?:proxy-)?authorization[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?:(?:bearer|basic|token|digest|"
    r"apikey)\s{1,3})?)"
    r"(?![\[<{$*]|(?:bearer|basic|digest|token|header|required|failed|missing|denied)\b)[^\s\"',<>]{6,4000}",
    re.I,
)
_SCHEME: Final = Pattern(
    r"\b((?:bearer|basic)\s{1,3})(?=[A-Za-z0-9+/._~=-]{0,200}\d)[A-Za-z0-9+/._~=-]{16,4000}", re.I
)
_COOKIE: Final = Pattern(
    r"(\b(?:set-)?cookie[\"']?\s{0,2}:\s{0,3}[\"']?)(?=[\w.-]{1,80}=)(?!\[)[^\r\n\"']{6,4000}", re.I
)
_SESSION: Final = Pattern(
    r"(\b(?:PHPSESSID|JSESSIONID|ASP\.NET_SessionId|WHMCS[A-Za-z0-9]{8,20}|wordpress_(?:logged_in|"
    r"sec)_[0-9a-f]{8,40}|"
    r"connect\.sid|sessionid|laravel_session|cpsession|cpsess)[=:]?)(?!\[)[A-Za-z0-9%._~|+/-]{8,400}",
    re.I,
)
_URL_USER: Final = Pattern(
    r"(\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@\"'<>]{0,100}:)(?![\[<{]|\$[{A-Z]|\*+@)([^\s/@\"'<>]{1,200})(?=@)",
    re.I,
)
_LINK: Final = Pattern(
    r"([?&;](?:amp;)?(?:c|k|key|token|access_token|id_token|refresh_token|auth|auth_token|api_?key|"
    r"secret|sig|signature|"
    r"hash|code|sid|session|sessionid|reset|reset_key|verify|activation|confirm|X-Amz-(?:Signature|"
    r"Credential|Security-Token))=)"
    r"(?![\[<{$*])(?=[A-Za-z%._~+/-]{0,60}\d|[A-Za-z0-9]{14})[A-Za-z0-9%._~+/-]{6,2000}={0,2}"
)

_KNOWN_BY: Final = (
    "sk-", "sk_", "pk-", "pk_", "rk-", "rk_", "whsec_", "AKIA", "ASIA", "ghp_", "gho_", "ghu_", "ghs_",
    "ghr_", "github_pat_", "glpat-", "gldt-", "glrt-", "xox", "xapp-", "AIza", "ya29.", "GOCSPX-",
    "eyJ", "SG.", "key-", "npm_", "pypi-", "doo_v1_", "dop_v1_", "dor_v1_", "hf_", "shpat_", "shpca_",
    "shppa_", "shpss_", "dckr_pat_", "AGE-SECRET-KEY-1", ":AA",
)  # fmt: skip
_PLACED: Final = (
    (("hooks.slack.com", "/api/webhooks/"), _HOOK),
    (("authorization",), _HEADER),
    (("bearer", "basic"), _SCHEME),
    (("cookie",), _COOKIE),
    (("sess", "whmcs", "wordpress_", "connect.sid"), _SESSION),
)


def mask_keys(text: str) -> str:
    """The text with private keys, vendors' tokens, sessions and the secrets of links as `[key]`."""
    if "-----BEGIN " in text or "Private-Lines:" in text:
        text = _BLOCK.sub(KEY, text)
    if named(text, _KNOWN_BY):
        text = _KNOWN.sub(KEY, text)
    small = text.lower()
    for hints, pattern in _PLACED:
        if named(small, hints):
            text = pattern.sub(rf"\1{KEY}", text)
    if "://" in text:
        text = _URL_USER.sub(r"\1[password]", text)
    return _LINK.sub(rf"\1{KEY}", text) if "=" in text else text
