"""WHMCS dumps: what a person wrote comes out as it was written, whoever wrote the SQL around it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from candor.tickets.values import Role
from tests.doubles.dump_reading import TICKET_COLUMNS, read_texts, replies_sql, reply, ticket, tickets_sql


@pytest.mark.parametrize(
    ("stored", "written"),
    [
        (r"it\'s", "it's"),
        ("it''s", "it's"),
        (r"\'\'", "''"),
        ("''''", "''"),
        (r"''said'' \'it\'", "'said' 'it'"),
        (r"a\'''b", "a''b"),
        (r"a\\''b", "a\\'b"),
        (r"\'", "'"),
        (r"C:\\", "C:\\"),
        (r"C:\\\'\\", "C:\\'\\"),
        (r"''\n''", "'\n'"),
        (r"\\\'", "\\'"),
        (r"C:\\new\\temp", "C:\\new\\temp"),
        (r"a\nb\r\nc\td", "a\nb\nc\td"),
        (r"old\rMac", "old\nMac"),
        (r"5\% \_ \x \"q\"", '5\\% \\_ x "q"'),
        (r"a\0b\Zc\bd", "abcd"),
        ("a\x00b\x1ec\x1fd\x1ce", "abcde"),
        (r"a\');\nINSERT INTO tbltickets VALUES (9)", "a');\nINSERT INTO tbltickets VALUES (9)"),
        ("&quot;x&quot; &#039;y&#039; &lt;b&gt;", "\"x\" 'y' <b>"),
        ("&amp;lt;b&amp;gt; &amp;amp; &amp;quot;", "&lt;b&gt; &amp; &quot;"),
        ("caf&eacute; &#8364; &#x20AC;", "café € €"),
        ("&eacute; &amp;eacute; &amp;amp;lt; &lt; &quot;", 'é &eacute; &amp;lt; < "'),
        ("AT&T ?a=1&copy=2 &notanentity;", "AT&T ?a=1&copy=2 &notanentity;"),
        ("Привет 你好 🙂", "Привет 你好 🙂"),
        ("  two  spaces  ", "two  spaces"),
    ],
)
def test_a_text_means_what_it_meant(tmp_path: Path, stored: str, written: str) -> None:
    outcome = read_texts(tmp_path, tickets_sql(ticket(1, stored), ticket(2, "next")))

    assert outcome.descriptions == [written, "next"]


@pytest.mark.parametrize(
    "literal",
    [
        "0x68656c6c6f",
        "x'68656c6c6f'",
        "X'68656C6C6F'",
        "_utf8mb4'hello'",
        "_binary 'hello'",
        "'hel' 'lo'",
        '"hello"',
        "N'hello'",
        "_binary 0x68656c6c6f",
    ],
)
def test_every_way_to_write_a_string_is_read(tmp_path: Path, literal: str) -> None:
    outcome = read_texts(tmp_path, tickets_sql(ticket(1).replace("'hello'", literal), ticket(2, "next")))

    assert outcome.descriptions == ["hello", "next"]


def test_digits_of_a_blob_cannot_forge_rows(tmp_path: Path) -> None:
    outcome = read_texts(tmp_path, tickets_sql(ticket(1).replace("'hello'", "0x611e621f631d64"), ticket(2)))

    assert outcome.descriptions == ["abcd", "hello"]


def test_without_backslash_escapes_a_backslash_is_a_letter(tmp_path: Path) -> None:
    sql = "SET sql_mode='STRICT_TRANS_TABLES,NO_BACKSLASH_ESCAPES';\n"
    outcome = read_texts(tmp_path, sql + tickets_sql(ticket(1, "C:\\"), ticket(2, "D:\\new it''s")))

    assert outcome.descriptions == ["C:\\", "D:\\new it's"]


def test_a_dump_that_does_not_say_so_is_read_without_backslash_escapes_from_where_it_must_be(
    tmp_path: Path,
) -> None:
    outcome = read_texts(tmp_path, tickets_sql(ticket(1, "C:\\"), ticket(2, "D:\\new")))

    assert outcome.descriptions == ["C:\\", "D:\\new"]
    assert "NO_BACKSLASH_ESCAPES" in outcome.sentences


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("4111 1111 1111 1111", "[card]"),
        ("4111111111111111", "[card]"),
        ("4111&nbsp;1111&#160;1111&#xa0;1111", "[card]"),
        ("&#52;111-1111-1111-1111", "[card]"),
        ("&#x0034;11&#00049;-1111-1111-1111", "[card]"),
        ("card 4111:1111:1111:1111", "card [card]"),
        ("４１１１ １１１１ １１１１ １１１１", "[card]"),
        ("2024-01-02 03:04:05 378282246310005", "2024-01-02 03:04:05 [card]"),
        ("5500 0000 0000 0004 2024-01-02 03:04:05", "[card] 2024-01-02 03:04:05"),
        ("order 4111111111111112", "order 4111111111111112"),
    ],
)
def test_a_card_is_masked_however_it_is_written(tmp_path: Path, stored: str, shown: str) -> None:
    sql = tickets_sql(ticket(1, stored, title=stored)) + replies_sql(reply(1, 1, stored))
    outcome = read_texts(tmp_path, sql)

    one = outcome.tickets[0]
    assert (one.subject, one.description, one.replies[0].content) == (shown, shown, shown)


@pytest.mark.parametrize(
    ("text", "encoding", "name"),
    [
        ("Привет, сервер не работает уже второй день, помогите пожалуйста", "cp1251", "cp1251"),
        ("Größe möglich für Änderung", "cp1252", "cp1252"),
        ("Größe möglich für Änderung", "utf-8", "utf-8"),
    ],
)
def test_letters_are_told_apart_when_the_dump_says_nothing(
    tmp_path: Path, text: str, encoding: str, name: str
) -> None:
    outcome = read_texts(tmp_path, tickets_sql(ticket(1, text)).encode(encoding))

    assert outcome.descriptions == [text]
    assert set(outcome.report.encodings) == {name}


def test_one_dump_may_mix_encodings(tmp_path: Path) -> None:
    body = (
        b"SET NAMES latin1;\n"
        + tickets_sql(ticket(1, "café")).encode()
        + tickets_sql(ticket(2, "über €")).encode("cp1252")
    )
    outcome = read_texts(tmp_path, body)

    assert outcome.descriptions == ["café", "über €"]


@pytest.mark.parametrize("right", ["CAFÉ»", "MAÇÃ»", "«été»", "naïve Ünï", "Â", "100 £ ·", "Šárka × 2"])
def test_letters_that_are_right_are_never_repaired(tmp_path: Path, right: str) -> None:
    outcome = read_texts(tmp_path, tickets_sql(ticket(1, right)))

    assert outcome.descriptions == [right]


def test_letters_garbled_once_or_twice_are_repaired(tmp_path: Path) -> None:
    once = "déjà vu – it’s".encode().decode("cp1252")
    twice = "café".encode().decode("cp1252").encode().decode("cp1252")
    outcome = read_texts(tmp_path, tickets_sql(ticket(1, once), ticket(2, twice)))

    assert outcome.descriptions == ["déjà vu – it’s", "café"]


@pytest.mark.parametrize("meant", ["Straße", "Здравствуйте", "it’s – déjà vu"])
def test_letters_garbled_by_php_whose_latin1_has_controls_are_repaired(tmp_path: Path, meant: str) -> None:
    outcome = read_texts(tmp_path, tickets_sql(ticket(1, meant.encode().decode("iso8859-1"))))

    assert outcome.descriptions == [meant]


def test_bbcode_loses_its_tags_and_keeps_its_words(tmp_path: Path) -> None:
    message = (
        "[b]hi[/b] [url=https://a.example/x]link[/url]\\n[code]a[0] = 1[/code]\\n[list][*]one[*]two[/list]"
    )
    row = ticket(1, message).removesuffix(")") + ",'bbcode')"
    plain = ticket(2, message).removesuffix(")") + ",'plain')"
    sql = f"INSERT INTO tbltickets ({TICKET_COLUMNS},editor) VALUES {row},{plain};"

    outcome = read_texts(tmp_path, sql)

    assert (
        outcome.descriptions[0]
        == "**hi** [link](https://a.example/x)\n\n```\na[0] = 1\n```\n\n\n- one\n- two"
    )
    assert outcome.descriptions[1].startswith("[b]hi[/b]")


def test_attachments_keep_their_names_without_the_number_before_them(tmp_path: Path) -> None:
    files = "123456_my file.png|654321_b_2.txt|plain.log"
    outcome = read_texts(tmp_path, tickets_sql(ticket(1, attachment=files)))

    assert outcome.tickets[0].attachments == ("my file.png", "b_2.txt", "plain.log")


def test_who_wrote_is_told_by_the_admin_column_alone(tmp_path: Path) -> None:
    sql = tickets_sql(ticket(1, admin="Pat")) + replies_sql(
        reply(1, 1, admin="Anna S."), reply(2, 1), reply(3, 1, admin="  ")
    )
    one = read_texts(tmp_path, sql).tickets[0]

    assert one.opened_by == Role.STAFF
    assert one.metadata["opened_by_name"] == "Pat"
    assert [(said.role, said.name) for said in one.replies] == [
        (Role.STAFF, "Anna S."),
        (Role.CUSTOMER, "Nora"),
        (Role.CUSTOMER, "Nora"),
    ]


def test_names_come_from_contacts_users_and_clients(tmp_path: Path) -> None:
    columns = "id,tid,did,userid,contactid,requestor_id,name,email,date,title,message,status"
    rows = [
        f"({number},'T{number}',1,{client},{contact},{user},'','','2024-01-02 03:04:05','t','m','Open')"
        for number, client, contact, user in ((1, 5, 0, 0), (2, 5, 6, 0), (3, 5, 0, 7), (4, 9, 0, 0))
    ]
    sql = (
        f"INSERT INTO tbltickets ({columns}) VALUES {','.join(rows)};"
        "INSERT INTO tblclients (id,firstname,lastname,companyname,email,password) VALUES (5,'','',"
        "'ACME &amp; Co','c@example.com','x');"
        "INSERT INTO tblcontacts (id,userid,firstname,lastname,email) VALUES (6,5,'Con','Tact',"
        "'k@example.com');"
        "INSERT INTO tblusers (id,first_name,last_name,email,password) VALUES (7,'U','Ser',"
        "'u@example.com','x');"
    )

    outcome = read_texts(tmp_path, sql)

    assert [(one.name, one.email) for one in outcome.tickets] == [
        ("ACME & Co", "c@example.com"),
        ("Con Tact", "k@example.com"),
        ("U Ser", "u@example.com"),
        ("", ""),
    ]


def test_dates_that_are_none_are_unknown(tmp_path: Path) -> None:
    outcome = read_texts(tmp_path, tickets_sql(ticket(1, date="0000-00-00 00:00:00"), ticket(2)))

    assert [one.opened_at for one in outcome.tickets] == [None, datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)]


def test_merged_tickets_join_the_end_of_their_chain(tmp_path: Path) -> None:
    sql = tickets_sql(
        ticket(1, "a", merged=2, date="2024-01-01 00:00:01", title="first"),
        ticket(2, "b", merged=3, date="2024-01-01 00:00:03"),
        ticket(3, "c"),
        ticket(4, "ring", merged=5),
        ticket(5, "ring too", merged=4),
        ticket(6, "of one that is gone", merged=99),
        ticket(7, "of that", merged=6),
        ticket(8, "itself", merged=8),
    ) + replies_sql(reply(1, 1, "to a", date="2024-01-01 00:00:02"), reply(2, 77, "to nobody"))

    outcome = read_texts(tmp_path, sql)

    told = {one.number: (one.merged, [said.content for said in one.replies]) for one in outcome.tickets}
    assert told == {
        "3": (("1", "2"), ["a", "to a", "b"]),
        "4": (("5",), ["ring too"]),
        "6": (("7",), ["of that"]),
        "8": ((), []),
    }
    assert outcome.tickets[0].metadata["merged_subjects"] == "first"
    assert outcome.report.skipped == {"replies whose ticket is not in the dump": 1}


def test_filters_take_names_or_numbers_in_any_case(tmp_path: Path) -> None:
    sql = (
        "INSERT INTO tblticketdepartments (id,name,password) VALUES (1,'Sales &amp; Co','x'),(2,"
        "'Support','x');"
        + tickets_sql(
            ticket(1, status="Closed"),
            ticket(2, department=2, status="Closed"),
            ticket(3),
            ticket(4, status="Closed", date="2020-01-01 00:00:00"),
        )
        + replies_sql(reply(1, 4, date="2025-06-01 00:00:00"))
    )

    by_name = read_texts(tmp_path, sql, departments=("sales & co",), statuses=("CLOSED",))
    by_number = read_texts(tmp_path, sql, departments=("2",))
    recent = read_texts(tmp_path, sql, since=datetime(2025, 1, 1, tzinfo=UTC))

    assert [one.number for one in by_name.tickets] == ["1", "4"]
    assert by_name.report.skipped == {"of another department": 1, "of another status": 1}
    assert [one.number for one in by_number.tickets] == ["2"]
    assert [one.number for one in recent.tickets] == ["4"]


def test_addresses_are_given_only_where_the_installation_is_known(tmp_path: Path) -> None:
    known = read_texts(tmp_path, tickets_sql(ticket(1)), base_url="https://billing.example.com/")
    unknown = read_texts(tmp_path, tickets_sql(ticket(1)))

    assert (
        known.tickets[0].detail_url == "https://billing.example.com/admin/supporttickets.php?action=view&id=1"
    )
    assert unknown.tickets[0].detail_url == ""


@pytest.mark.parametrize(
    "row",
    [
        "(5,'AB-1',2,7,0,'','','','key','2020-01-01 00:00:00','title','msg','Open','Medium','',"
        "'a.png',1,'2020-01-02 00:00:00',0,1,'',0,'0000-00-00 00:00:00','',0,'markdown')",
        "(5,'AB-1',2,7,0,'','','','key','2020-01-01 00:00:00','title','msg','Open','Medium','',"
        "'a.png','2020-01-02 00:00:00',0,1,'',0,'0000-00-00 00:00:00','',0,'markdown','2020-01-02 00:00:00')",
        "(5,'AB-1',2,7,0,'','','','key','2020-01-01 00:00:00','title','msg','Open','Medium','',"
        "'a.png',0,'2020-01-02 00:00:00',0,1,'',0,'0000-00-00 00:00:00','',0,'markdown',NULL)",
        "(5,'AB-1',2,7,0,8,'','','','key','192.0.2.1','2020-01-01 00:00:00','title','msg','Open',"
        "'Medium','','a.png',0,'2020-01-02 00:00:00',0,1,'',0,'0000-00-00 00:00:00','',0,'markdown',NULL)",
    ],
    ids=["26 with attachments_removed", "26 with updated_at", "27", "29"],
)
def test_a_row_without_any_name_of_a_column_is_told_by_its_shape(tmp_path: Path, row: str) -> None:
    one = read_texts(tmp_path, f"INSERT INTO tbltickets VALUES {row};").tickets[0]

    assert (one.subject, one.description, one.status, one.attachments) == ("title", "msg", "Open", ("a.png",))
    assert one.last_reply_at == datetime(2020, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize("date", ["2024-01-02", "2024-01-02 00:00:00", "2024-01-02 00:00:00.000000"])
def test_a_date_is_one_in_utc_with_and_without_its_time(tmp_path: Path, date: str) -> None:
    outcome = read_texts(tmp_path, tickets_sql(ticket(1, date=date)))

    assert outcome.tickets[0].opened_at == datetime(2024, 1, 2, tzinfo=UTC)
