"""The pages of the double: what a WHMCS site of either theme, or its admin area, would show."""
# ruff: noqa: E501 - markup is easier to read on one line

from collections.abc import Sequence
from datetime import datetime
from html import escape

from candor.tickets.values import Role
from tests.doubles.whmcs_site.truth import DEPARTMENTS, Post, Truth

STATUSES = ("Open", "Answered", "Customer-Reply", "On Hold", "In Progress", "Closed")


def stamp(at: datetime, pattern: str) -> str:
    """A moment in one of WHMCS's formats."""
    if pattern == "long":
        ending = {1: "st", 2: "nd", 3: "rd"}.get(at.day if at.day < 4 else at.day - 20, "th")
        return at.strftime(f"%A, %B {at.day}{ending}, %Y (%H:%M)")
    return at.strftime(pattern)


def whole(title: str, body: str, *, charset: str = "utf-8", scripts: str = "") -> str:
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="{charset}"><title>{escape(title)}</title>'
        f'<script src="/assets/theme.js"></script></head>\n<body>{body}{scripts}</body></html>'
    )


def menu(admin: str) -> str:
    """Links that change things, on every page: none of them may be followed."""
    return (
        f'<ul class="menu"><li><a href="{admin}logout.php">Logout</a></li>'
        f'<li><a href="{admin}supporttickets.php?sub=deleteall&token=abc">Empty</a></li>'
        '<li><a href="https://elsewhere.example/track?x=1">Partner</a></li></ul>'
    )


# ---------------------------------------------------------------- the admin area
def admin_list(
    rows: Sequence[Truth],
    *,
    total: int,
    page: int,
    pages: int,
    view: str,
    offers_any: bool,
    pattern: str,
    says_total: bool,
    stale: bool = False,
) -> str:
    views = (["any"] if offers_any else []) + ["active", "flagged", *STATUSES]
    options = "".join(
        f'<option value="{one}"{" selected" if one == view else ""}>{one}</option>' for one in views
    )
    departments = "".join(
        f'<option value="{one}">{escape(name)}</option>' for one, name in DEPARTMENTS.items()
    )
    links = "".join(f'<li><a href="supporttickets.php?view={one}">{one}</a></li>' for one in STATUSES)
    lines = "".join(_admin_row(one, pattern) for one in rows)
    if not rows:
        lines = '<tr><td colspan="8">No Records Found</td></tr>'
    found = f"<div>{total} Records Found, Page {page} of {pages}</div>" if says_total else ""
    return (
        f'{menu("")}<ul class="sidebar">{links}</ul>'
        f'<form method="post" action="supporttickets.php?filter=1"><select name="view">{options}</select>'
        f'<select name="deptid"><option value="">Any</option>{departments}</select></form>{found}'
        '<table id="sortabletbl1" class="datatable"><tr><th><input type="checkbox"></th><th></th><th>Department</th>'
        "<th>Subject</th><th>Submitter</th><th>Status</th><th>Last Reply</th></tr>"
        f"{lines}</table>"
        f'<a href="supporttickets.php?view={view}&filter=1&page={page + 1}">Next Page</a>'
    )


def _admin_row(ticket: Truth, pattern: str) -> str:
    href = f"supporttickets.php?action=view&amp;id={ticket.id}"
    client, name, email = ticket.client
    sender = f'<a href="clientssummary.php?userid={client}">{escape(name)}</a>'
    return (
        f'<tr><td><input type="checkbox" name="selectedtickets[]" value="{ticket.id}"></td>'
        f'<td><a href="supporttickets.php?sub=delete&amp;id={ticket.id}"><img src="images/delete.gif"></a></td>'
        f"<td>{escape(DEPARTMENTS[ticket.department])}</td>"
        f'<td><a href="{href}" title="{escape(ticket.subject)}">#{ticket.tid} - {escape(ticket.subject)}</a></td>'
        f'<td>{sender} <span>{escape(email)}</span></td><td><span style="color:#779500">{ticket.status}</span></td>'
        f"<td>{stamp(ticket.updated, pattern)}</td></tr>"
    )


def admin_ticket(ticket: Truth, *, pattern: str, newest_first: bool) -> str:
    blocks = [(post.at, post.number, _admin_reply(ticket, post, pattern)) for post in ticket.posts]
    for number, note in enumerate(ticket.notes):
        blocks.append((ticket.posts[0].at, 10**9 + number, _note(ticket, note, pattern)))
    blocks.sort(key=lambda block: block[:2], reverse=newest_first)
    options = "".join(
        f"<option{' selected' if one == ticket.status else ''}>{one}</option>" for one in STATUSES
    )
    departments = "".join(
        f'<option value="{one}"{" selected" if one == ticket.department else ""}>{escape(name)}</option>'
        for one, name in DEPARTMENTS.items()
    )
    priorities = "".join(
        f"<option{' selected' if one == ticket.priority else ''}>{one}</option>"
        for one in ("Low", "Medium", "High")
    )
    base = f"supporttickets.php?action=view&amp;id={ticket.id}"
    return (
        f'{menu("")}<div class="ticket-head"><h2>#{ticket.tid} - {escape(ticket.subject)} '
        f'<select id="ticketstatus" name="ticketstatus">{options}</select> '
        f'<a href="{base}&amp;closeticket=true">Close</a></h2></div>'
        f'<a href="{base}&amp;sub=del">Delete</a> <a href="{base}&amp;action=mergeticket">Merge</a>'
        f'<form method="post" action="{base}"><textarea name="message"></textarea>'
        f'<input type="password" name="confirmpw"><select name="deptid">{departments}</select>'
        f'<select name="priority">{priorities}</select></form>'
        f'<div id="ticketreplies">{"".join(block[2] for block in blocks)}</div>'
    )


def _admin_reply(ticket: Truth, post: Post, pattern: str) -> str:
    is_staff = post.role == Role.STAFF
    kind = "operator" if is_staff else "owner"
    who = escape(post.name)
    if not is_staff:
        who = f'<a href="clientssummary.php?userid={ticket.client[0]}">{who}</a>'
    mail = "" if is_staff else f'<a href="mailto:{post.email}">{post.email}</a>'
    shown = "".join(
        f'<li><a href="../dl.php?type={"ar" if post.number else "a"}&amp;id={post.number or ticket.id}&amp;i={at}">'
        f'{escape(name)}</a> <small><a href="supporttickets.php?action=viewticket&amp;id={ticket.id}'
        f'&amp;removeattachment=true&amp;filecount={at}">remove</a></small></li>'
        for at, name in enumerate(post.files)
    )
    if post.files_removed:
        shown = "".join(f'<li><span class="caption">{escape(name)}</span></li>' for name in post.files)
    files = f'<div class="attachments"><ul class="attachment-list">{shown}</ul></div>' if post.files else ""
    anchor = f' id="reply{post.number}"' if post.number else ""
    return (
        f'<div class="reply{" staff" if is_staff else ""}"{anchor}><div class="leftcol"><div class="submitter">'
        f'<div class="requestor-name">{who}</div><div><span class="label requestor-type-{kind}">{kind}</span></div>'
        f'{mail}</div></div><div class="rightcol"><div class="postedon">Posted on {stamp(post.at, pattern)}</div>'
        f'<div class="msgwrap"><div class="message markdown-content">{post.page_html}</div></div>{files}</div></div>'
    )


def _note(ticket: Truth, note: str, pattern: str) -> str:
    return (
        '<div class="reply note"><div class="leftcol"><div class="submitter"><div class="requestor-name">Mara Lind'
        f'</div></div></div><div class="rightcol"><div class="postedon">{stamp(ticket.posts[0].at, pattern)}</div>'
        f'<div class="message">{escape(note)}</div></div></div>'
    )


def admin_missing() -> str:
    return f'{menu("")}<div class="errorbox"><strong>Ticket ID Not Found</strong></div>'


# ---------------------------------------------------------------- the client area
def client_list(rows: Sequence[Truth], *, theme: str, pattern: str) -> str:
    lines = "".join(_client_row(one, theme, pattern) for one in rows)
    return (
        f'{menu("")}<div class="table-container"><table id="tableTicketsList" class="table table-list w-hidden"><thead><tr>'
        "<th>Department</th><th>Subject</th><th>Status</th><th>Last Updated</th></tr></thead>"
        f"<tbody>{lines}</tbody></table></div>"
        "<script>jQuery('#tableTicketsList').DataTable({pageLength: 10});</script>"
    )


def _client_row(ticket: Truth, theme: str, pattern: str) -> str:
    href = f"viewticket.php?tid={ticket.tid}&amp;c={ticket.key}"
    subject = escape(ticket.subject)
    if theme == "six":
        name = f'<a href="{href}">#{ticket.tid} - {subject}</a>'
    else:
        name = (
            f'<a href="{href}"><span class="ticket-number">#{ticket.tid}</span>'
            f'<span class="ticket-subject unread">{subject}</span></a>'
        )
    return (
        f"<tr onclick=\"window.location='{href}'\"><td>{escape(DEPARTMENTS[ticket.department])}</td><td>{name}</td>"
        f'<td><span class="label status status-open">{ticket.status}</span></td><td class="text-center">'
        f'<span class="w-hidden">{ticket.updated:%Y-%m-%d %H:%M:%S}</span>{stamp(ticket.updated, pattern)}</td></tr>'
    )


def client_ticket(ticket: Truth, *, theme: str, pattern: str, newest_first: bool) -> str:
    posts = sorted(ticket.posts, key=lambda post: (post.at, post.number), reverse=newest_first)
    draw = _six_reply if theme == "six" else _twenty_one_reply
    replies = "".join(draw(ticket, post, pattern) for post in posts)
    close = f"viewticket.php?tid={ticket.tid}&amp;c={ticket.key}&amp;closeticket=true"
    if theme == "six":
        columns = "".join(
            f'<div class="col-md-3"><b>{name}</b><br />{escape(value)}</div>'
            for name, value in (
                ("Ticket ID", ticket.tid),
                ("Subject", ticket.subject),
                ("Priority", ticket.priority),
                ("Department", DEPARTMENTS[ticket.department]),
            )
        )
        head = f'<div class="panel visible-print-block"><div class="panel-body"><div class="row">{columns}</div></div></div>'
        return f'{menu("")}<a href="{close}">Close</a>{head}{replies}'
    side = (
        '<div id="Primary_Sidebar-Ticket_Information-Department"><span class="title">Department</span><br>'
        f"{escape(DEPARTMENTS[ticket.department])}</div>"
        '<div id="Primary_Sidebar-Ticket_Information-Priority"><span class="title">Priority</span><br>'
        f"{ticket.priority}</div>"
    )
    return (
        f'{menu("")}{side}<div class="card view-ticket"><div class="card-body p-3"><h3>View Ticket #{ticket.tid}</h3>'
        f"<button onclick=\"window.location='?tid={ticket.tid}&amp;c={ticket.key}&amp;closeticket=true'\">Close</button>"
        f"<p>Subject: <strong>{escape(ticket.subject)}</strong></p></div>{replies}</div>"
    )


def _files(ticket: Truth, post: Post, theme: str) -> str:
    if not post.files:
        return ""
    lines = []
    for at, name in enumerate(post.files):
        shown = escape(name) if theme == "six" else f'<span><div class="caption">{escape(name)}</div></span>'
        href = f"dl.php?type={'ar' if post.number else 'a'}&id={post.number or ticket.id}&i={at}"
        removed = post.files_removed and theme != "six"
        lines.append(f"<li>{shown}</li>" if removed else f'<li><a href="{href}">{shown}</a></li>')
    return (
        f'<div class="attachments"><strong>Attachments ({len(lines)})</strong><ul>{"".join(lines)}</ul></div>'
    )


def _stars(post: Post) -> str:
    if post.rating is None:
        return ""
    stars = "".join(
        f'<span class="star{" active" if 5 - post.rating < one else ""}"></span>' for one in range(1, 6)
    )
    return f'<div class="clearfix"><div class="rating-done">{stars}<div class="rated">You rated this</div></div></div>'


def _six_reply(ticket: Truth, post: Post, pattern: str) -> str:
    is_staff = post.role == Role.STAFF
    return (
        f'<div class="ticket-reply markdown-content{" staff" if is_staff else ""}"><div class="date">\n'
        f'{stamp(post.at, pattern)}\n</div><div class="user"><span class="name">\n{escape(post.name)}\n</span>'
        f'<span class="type">{"Staff" if is_staff else "Owner"}</span></div>'
        f'<div class="message">\n{post.page_html}\n{_stars(post)}</div>{_files(ticket, post, "six")}</div>'
    )


def _twenty_one_reply(ticket: Truth, post: Post, pattern: str) -> str:
    is_staff = post.role == Role.STAFF
    address = "" if is_staff else "\n<hr>\nIP Address: 198.51.100.23\n"
    kind = "operator" if is_staff else "owner"
    return (
        f'<div class="card-body"><div class="ticket-reply markdown-content{" staff" if is_staff else ""}">'
        f'<div class="posted-by">Posted by <span class="posted-by-name">{escape(post.name)}</span> on '
        f'<span class="posted-on">{stamp(post.at, pattern)}</span> <span class="label requestor-type-{kind}">x</span>'
        f'</div><div class="message p-3">\n{post.page_html}\n{address}{_stars(post)}</div>'
        f"{_files(ticket, post, 'twenty-one')}</div></div>"
    )


def client_missing() -> str:
    return (
        f'{menu("")}<div class="alert alert-danger text-center"><strong>Oops, there\'s a problem...</strong><br>'
        "The ticket you requested could not be found.</div>"
    )


# ---------------------------------------------------------------- logging in
def login(*, area: str, token: str, failed: bool, captcha: bool, action: str) -> str:
    alert = (
        '<div class="alert alert-danger">Login Details Incorrect. Please try again.</div>' if failed else ""
    )
    guard = '<div class="g-recaptcha" data-sitekey="x"></div>' if captcha else ""
    kind = "text" if area == "admin" else "email"
    return (
        f'<form method="get" action="search.php"><input name="q"></form>{alert}'
        f'<form method="post" action="{action}" class="login-form">'
        f'<input type="hidden" name="token" value="{token}"><input type="{kind}" name="username">'
        f'<input type="password" name="password">{guard}'
        '<input type="checkbox" name="rememberme"><button type="submit">Login</button></form>'
        '<form method="post" action="register.php"><input type="password" name="pw1"><input type="password" name="pw2"></form>'
    )


def second_factor(*, token: str, action: str, backup: bool, failed: bool) -> str:
    field = (
        '<input type="text" name="backupcode">' if backup else '<input type="text" name="key" maxlength="6">'
    )
    alert = '<div class="alert alert-danger">The code is not valid.</div>' if failed else ""
    return (
        f'<h3>Two-Factor Authentication</h3>{alert}<form method="post" action="{action}">'
        f'<input type="hidden" name="token" value="{token}">{field}<input type="submit" value="Continue"></form>'
    )
