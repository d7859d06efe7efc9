"""WHMCS dumps: articles, announcements, predefined replies and products become documents, private "
"ones never."""

from pathlib import Path

import pytest

from tests.doubles.dump_reading import Outcome, read_texts, ticket, tickets_sql

KNOWLEDGE = r"""
INSERT INTO tblknowledgebase (id,title,article,views,private,parentid,language) VALUES
(1,'How to &amp; why','<p>Use <code>&lt;VirtualHost&gt;</code> &amp;amp; it\'s.</p><ul><li>one</li></ul>',
9,'',0,''),
(2,'','<p>So geht es.</p>',0,'',1,'german'),
(3,'Secret','<p>zq-private-article</p>',0,'on',0,''),
(4,'','<p>zq-private-translation</p>',0,'',3,'german'),
(5,'Encoded','&lt;p&gt;Once &amp;amp; more&lt;/p&gt;',0,'',0,''),
(6,'Blank','',0,'',0,''),
(7,'Card','Pay with 4111 1111 1111 1111',0,'',0,'');
INSERT INTO tblannouncements (id,date,title,announcement,published,parentid,language) VALUES
(1,'2024-03-04 10:00:00','Move','<p>We move.</p>',1,0,''),
(2,'2024-03-05 10:00:00','Draft','<p>zq-unpublished</p>',0,0,''),
(3,'0000-00-00 00:00:00','','<p>Wir ziehen um.</p>','on',1,'german'),
(4,'2024-03-05 10:00:00','','<p>zq-unpublished too</p>',1,2,'german');
INSERT INTO tblticketpredefinedreplies (id,catid,name,reply) VALUES
(1,1,'Reset','Hello [NAME],\r\nuse the panel. {$signature}');
INSERT INTO tblcurrencies (`id`,`code`,`prefix`,`suffix`,`format`,`rate`,`default`) VALUES
(1,'USD','$',' USD',1,1.0,1),(2,'EUR','&euro;','',1,0.9,0);
INSERT INTO tblproductgroups (id,name,hidden) VALUES (1,'Hosting',0),(2,'Old',1);
INSERT INTO tblproducts (id,type,gid,name,description,hidden,paytype,retired) VALUES
(1,'hostingaccount',1,'Basic','10 GB<br />\r\nFree SSL',0,'recurring',0),
(2,'hostingaccount',1,'Hidden','zq-hidden',1,'recurring',0),
(3,'hostingaccount',1,'Retired','zq-retired',0,'recurring',1),
(4,'hostingaccount',2,'Of a hidden group','zq-hidden-group',0,'recurring',0),
(5,'other',1,'Setup help','Once.','0','onetime','0'),
(6,'other',1,'Trial','For a week.','','free','');
INSERT INTO tblpricing (id,type,currency,relid,msetupfee,qsetupfee,ssetupfee,asetupfee,bsetupfee,tsetupfee,
monthly,quarterly,semiannually,annually,biennially,triennially) VALUES
(1,'product',1,1,5.00,0.00,0.00,0.00,0.00,0.00,9.95,-1.00,-1.00,99.00,-1.00,-1.00),
(2,'product',2,1,0.00,0.00,0.00,0.00,0.00,0.00,8.95,-1.00,-1.00,-1.00,-1.00,-1.00),
(3,'product',1,5,0.00,0.00,0.00,0.00,0.00,0.00,25.00,-1.00,-1.00,-1.00,-1.00,-1.00),
(4,'domainregister',1,1,7.77,0.00,0.00,0.00,0.00,0.00,7.77,0.00,0.00,0.00,0.00,0.00);
"""


@pytest.fixture
def outcome(tmp_path: Path) -> Outcome:
    return read_texts(tmp_path, KNOWLEDGE + tickets_sql(ticket(1)))


def test_articles_and_their_translations_become_documents(outcome: Outcome) -> None:
    told = {one.url: one for one in outcome.documents}

    assert told["whmcs://kb/1"].title == "How to & why"
    assert "<VirtualHost>" in told["whmcs://kb/1"].text
    assert "- one" in told["whmcs://kb/1"].text
    assert told["whmcs://kb/1"].doc_type == "howto"
    assert told["whmcs://kb/2"].title == "How to & why"
    assert told["whmcs://kb/2"].metadata == {"language": "german"}
    assert "Once & more" in told["whmcs://kb/5"].text
    assert told["whmcs://kb/7"].text.endswith("Pay with [card]")


def test_what_is_private_hidden_or_unpublished_stays_out(outcome: Outcome) -> None:
    assert "zq-" not in repr(outcome.documents)
    assert outcome.report.skipped == {
        "private articles": 2,
        "documents without a text": 1,
        "unpublished announcements": 2,
        "hidden and retired products": 3,
    }
    assert outcome.report.documents == len(outcome.documents)


def test_announcements_have_their_date(outcome: Outcome) -> None:
    told = {one.url: one for one in outcome.documents}

    assert told["whmcs://announcement/1"].effective_date == "2024-03-04"
    assert "Wir ziehen um." in told["whmcs://announcement/3"].text


def test_predefined_replies_lose_what_whmcs_would_fill_in(outcome: Outcome) -> None:
    (one,) = [one for one in outcome.documents if "predefined" in one.url]

    assert one.text == "# Reset\n\nHello ,\nuse the panel."


def test_products_tell_every_price_that_is_offered(outcome: Outcome) -> None:
    told = {one.url: one.text for one in outcome.documents if one.doc_type == "pricing"}

    assert told["whmcs://product/1"].split("\n")[-3:] == [
        "- Price: $9.95 USD a month, set-up fee $5.00 USD",
        "- Price: $99.00 USD a year",
        "- Price: €8.95 EUR a month",
    ]
    assert "Free SSL" in told["whmcs://product/1"]
    assert told["whmcs://product/5"].endswith("- Price: $25.00 USD once")
    assert told["whmcs://product/6"].endswith("- Price: free")


def test_with_the_installation_known_documents_are_at_their_own_addresses(tmp_path: Path) -> None:
    outcome = read_texts(tmp_path, KNOWLEDGE + tickets_sql(ticket(1)), base_url="https://a.example/")

    urls = [one.url for one in outcome.documents]
    assert "https://a.example/knowledgebase.php?action=displayarticle&id=1" in urls
    assert "https://a.example/knowledgebase.php?action=displayarticle&id=1&language=german" in urls
    assert "https://a.example/cart.php?a=add&pid=1" in urls
    assert len(urls) == len(set(urls))


def test_only_tickets_are_taken_when_nothing_else_is_wanted(tmp_path: Path) -> None:
    outcome = read_texts(tmp_path, KNOWLEDGE + tickets_sql(ticket(1)), extras=False)

    assert (len(outcome.tickets), outcome.documents) == (1, [])
    assert b"VirtualHost" not in outcome.spilled
