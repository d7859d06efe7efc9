"""Commands: lines of a message that are to be typed or copied, put between code fences."""

import re
from collections.abc import Iterator
from typing import Final

_FENCE: Final = re.compile(r"\s*(?:```|~~~)")
_PROMPT: Final = re.compile(r"^\s*(?:[\w.-]{1,40}@[\w.-]{1,60}[:~\w/-]{0,40}\s?)?[$#]\s+(?=[a-z./~])")
_COMMAND: Final = re.compile(
    r"^\s*(?:sudo|systemctl|apt|apt-get|yum|dnf|mysqldump|mysql|chmod|chown|curl|wget|rsync|scp|ssh|certbot|crontab|"
    r"iptables|ufw|firewall-cmd|whmapi1|uapi|wp|nslookup|dig|traceroute|composer|npm|git|docker|journalctl|tail|"
    r"openssl|exim|postqueue|postsuper|csf|tar|unzip|nano|php|plesk|v-[a-z-]+|/scripts/\w+|/usr/\S+|/etc/\S+)(?:\s+\S+)+\s*$"
    r"|^\s*(?:find|grep|cat|cd|ls|cp|mv|rm|mkdir|ln|sed|awk|echo|export|kill|service)(?:\s+\S+)*\s+[-/~.\"'$>|]\S*(?:\s+\S+)*\s*$"
)
_CONFIGURED: Final = re.compile(
    r"^\s*(?:(?:RewriteEngine|RewriteRule|RewriteCond|AddHandler|php_value|php_flag|Redirect|ErrorDocument|DirectoryIndex|"
    r"Header (?:set|always)|Options|AllowOverride|ExpiresActive)\s+\S.*|</?(?:IfModule|Files|FilesMatch|"
    r"Directory|VirtualHost|Location|Limit)\b[^>]*>|define\s*\(.*\);|[\w.]+\s*=\s*\S+\s*;?|[\w$>-]+\s*\([^)]*\)\s*;|<\?php.*|[{}]\s*;?)\s*$"
)


def fenced(text: str) -> str:
    """The text with runs of commands and settings in code fences; a shell's prompt is left out."""
    return "\n".join(_lines(text)).strip("\n")


def is_prompt(line: str) -> bool:
    """Whether a line begins as a shell does, and is no heading: `# reboot`."""
    return _PROMPT.match(line) is not None


def _lines(text: str) -> Iterator[str]:
    given = inside = False
    blanks = 0
    for line in text.split("\n"):
        if inside and not line.strip():
            blanks += 1  # Inside the code if more of it follows, below it if not.
            continue
        fence = bool(_FENCE.match(line))
        code = not given and not fence and _is_code(line)
        if inside and not code:
            yield "```"
        yield from [""] * blanks
        blanks = 0
        if code and not inside:
            yield "```"
        inside = code
        given ^= fence
        yield _PROMPT.sub("", line).strip() if code and _PROMPT.match(line) else line
    if inside or given:
        yield "```"


def _is_code(line: str) -> bool:
    bare = line.rstrip()
    if not bare.strip() or bare.endswith((",", ":", "?")):
        return False
    if _PROMPT.match(bare):
        return True
    if bare.endswith(".") and not bare.endswith(" ."):
        return False
    return bool(_COMMAND.match(bare) or _CONFIGURED.match(bare))
