"""Checking: whether the helpdesk lets us in, tried once and told in a sentence."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from candor.whmcs.crawl.opening import Opening, checked_base
from candor.whmcs.crawl.remembering import Memory
from candor.whmcs.site.values import Access, Checked

_TURNED_AWAY: Final = ("Refused", "SessionExpired")
"""Not a site that is down for a while: that is no fault of the login's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Checking:
    opening: Opening
    memory: Memory
    check_address: Callable[[str], str]
    check: Callable[[Access], Checked]

    def look(self, sent: Mapping[str, Any]) -> Checked:
        """
        Try what was sent, or what is kept where nothing was. `Malformed` for an address nobody may fetch,
        `Invalid` where there is no address or nothing to try.

        What is kept and works ends an alert about it; what is kept and does not work raises one.
        """
        given = {name: value for name, value in sent.items() if value not in (None, "", (), [])}
        if given.get("base_url"):
            given["base_url"] = checked_base(str(given["base_url"]), self.check_address)
        checked = self.check(self.opening.access(given))
        if not given:
            if checked.ok:
                self.memory.let_in(str(checked.debug.get("way", "")))
            elif checked.debug.get("error") in _TURNED_AWAY:
                self.memory.turned_away(checked.message)
        return checked
