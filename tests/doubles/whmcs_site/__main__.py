"""`python -m tests.doubles.whmcs_site --port 21150`: the double, for a person to look at."""

import argparse
import sys
import time

from tests.doubles.whmcs_site import IDENTIFIER, PASSWORD, SECRET, USERNAME, WhmcsSite, alerts, tickets


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.doubles.whmcs_site", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="where to listen on 127.0.0.1 (any that is free)")
    parser.add_argument("--tickets", type=int, default=255)
    parser.add_argument("--alerts", type=int, default=0, help="monitoring alerts and bounces besides")
    parser.add_argument("--theme", default="six", choices=("six", "twenty-one", "other"))
    parser.add_argument("--totp-secret", default="", help="ask for a second factor")
    parser.add_argument("--captcha", action="store_true", help="put a captcha into the login form")
    parser.add_argument("--needs-scripts", action="store_true", help="pages that are empty without scripts")
    chosen = parser.parse_args()
    site = WhmcsSite(
        [*tickets(chosen.tickets), *alerts(chosen.alerts)],
        port=chosen.port,
        theme=chosen.theme,
        totp_secret=chosen.totp_secret,
        captcha=chosen.captcha,
        needs_scripts=chosen.needs_scripts,
    )
    with site:
        sys.stdout.write(
            f"{site.base}/supporttickets.php and {site.base}/admin/supporttickets.php\n"
            f"user {USERNAME!r}, password {PASSWORD!r}; API identifier {IDENTIFIER!r}, secret {SECRET!r}\n"
            f"FETCH_ALLOWED_ORIGINS={site.origin} lets a stack of yours crawl it. Ctrl-C ends it.\n"
        )
        sys.stdout.flush()
        try:
            while True:
                time.sleep(1)
        except KeyboardInterrupt:
            return 0


if __name__ == "__main__":
    sys.exit(main())
