"""The local cloud's decisions that need no cloud: routes, refusals, settings, packages, log lines."""

import argparse
import contextlib
import importlib.util
import io
import json
import sys
import zipfile
from pathlib import Path

import pytest

from infra.local import credentials, emulator, localise, options, refusals, words
from infra.local.console import condensed, failure
from infra.local.gateway import Answer
from infra.local.package import zipped
from infra.local.pages import Pages
from infra.local.routing import Routes, as_sent
from infra.local.state import State
from infra.template import TEMPLATE as TEMPLATE_FILE
from infra.template import Route, of, read


def routes(*paths: str) -> Routes:
    return Routes(Route(method="GET", path=path, function=path) for path in paths)


def test_a_literal_path_wins_over_a_variable_and_a_variable_over_a_greedy_one() -> None:
    table = routes("/v1/{rest+}", "/v1/documents/{id}", "/v1/documents/upload", "/v1/x/{id}:stream")

    matched = {
        path: table.match("GET", path).route
        for path in (
            "/v1/documents/upload",
            "/v1/documents/7",
            "/v1/a/b/c",
            "/v1/x/1:stream",
            "/v1",
            "/v1/documents/7/",
        )
    }

    assert {path: route and route.function for path, route in matched.items()} == {
        "/v1/documents/upload": "/v1/documents/upload",
        "/v1/documents/7": "/v1/documents/{id}",
        "/v1/a/b/c": "/v1/{rest+}",
        "/v1/x/1:stream": "/v1/x/{id}:stream",
        "/v1": None,
        "/v1/documents/7/": "/v1/{rest+}",
    }


@pytest.mark.parametrize(
    ("sent", "path"),
    [
        (b"/v1/plain/crm%2F42", "/v1/plain/crm%2F42"),
        (b"/v1/plain/50%25", "/v1/plain/50%25"),
        (b"/v1/plain/a%252Fb", "/v1/plain/a%252Fb"),
        (b"/v1/plain/%D0%96%20x", "/v1/plain/Ж x"),
        (b"/v1/plain/%FF", "/v1/plain/�"),
    ],
)
def test_a_slash_inside_a_name_stays_inside_it(sent: bytes, path: str) -> None:
    match = routes("/v1/plain/{message_id}").match("GET", as_sent(sent))

    assert as_sent(sent) == path
    assert match.route is not None


def test_a_path_that_knows_only_preflights_is_no_route() -> None:
    table = Routes([Route(method="OPTIONS", path="/{any+}", function="f")])

    assert table.match("GET", "/x").methods == ()
    assert table.match("OPTIONS", "/x").route is not None


def answer(status: int, body: bytes) -> Answer:
    return Answer(status=status, headers=[], body=body)


@pytest.mark.parametrize(
    ("given", "status", "retry"),
    [
        (answer(502, b'{"errorMessage":"x","errorType":"Runtime.HandlerError"}'), 500, None),
        (
            answer(
                502, b'{"errorMessage":"Task timed out after 29.00 seconds","errorType":"Sandbox.Timedout"}'
            ),
            503,
            5,
        ),
        (answer(403, b'{"message":"Missing Authentication Token"}'), 404, None),
        (answer(429, b'{"Reason":"ConcurrentInvocationLimitExceeded"}'), 429, 1),
        (answer(500, b"<html>Internal Server Error</html>"), 500, None),
    ],
)
def test_what_the_gateway_says_becomes_what_the_api_says(
    given: Answer, status: int, retry: int | None
) -> None:
    refusal = refusals.of(given)

    assert refusal is not None
    assert (refusal.status, refusal.retry_after) == (status, retry)
    assert refusal.detail.endswith(".")
    assert "<" not in refusal.detail


def test_an_error_of_the_function_itself_is_passed_on() -> None:
    assert refusals.of(answer(502, b'{"detail":"The page could not be fetched."}')) is None
    assert refusals.of(answer(400, b'{"error":"Missing"}')) is None
    assert refusals.of(answer(200, b"<html></html>")) is None


def test_a_text_grows_by_its_escapes_and_a_file_by_a_third() -> None:
    assert refusals.size_as_event(b'{"a":"b\n"}', "application/json") == 10 + 5
    assert refusals.size_as_event(b"x" * 300, "multipart/form-data; boundary=x") == 400


def parse(*flags: str, **environ: str) -> options.Options:
    parser = argparse.ArgumentParser()
    options.add_arguments(parser)
    return options.parse(parser.parse_args(list(flags)), environ)


def test_flags_win_over_variables_and_variables_over_defaults() -> None:
    assert (parse().port, parse().aws_port, parse().demo, parse().auth) == (8000, 4566, True, True)
    assert parse(PORT="9000", DEMO="0", AUTH="false").port == 9000
    assert not parse(DEMO="0").demo
    assert not parse(AUTH="false").auth
    assert parse("--port", "9100", PORT="9000").port == 9100


def test_a_port_that_is_none_is_refused_with_its_setting() -> None:
    with pytest.raises(ValueError, match="PORT=http is not a port"):
        parse(PORT="http")


def test_settings_of_the_functions_are_taken_and_those_of_the_older_product_named() -> None:
    chosen = parse(LLM_MODEL="m", REDIS_URL="redis://x", HOME="/home/x", APP_NAME="")

    assert chosen.variables == {"LLM_MODEL": "m"}
    assert chosen.replaced == ("REDIS_URL",)


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text(
        "# keys\nexport API_KEY=\"a b\"\nLLM_MODEL=file # why\nAPP_NAME='x'\n\nbroken\n"
    )
    monkeypatch.setenv("LLM_MODEL", "shell")
    monkeypatch.setenv("APP_NAME", "")

    found = options.environment(tmp_path)

    assert (found["API_KEY"], found["LLM_MODEL"], found["APP_NAME"]) == ("a b", "shell", "x")


def test_a_dry_run_reads_what_would_be_dropped_and_sends_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "page.md").write_text("# Title\n\nSome text that is long enough to be kept.\n")
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "photo").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / ".hidden.md").write_text("# Hidden\n")

    assert words.ingest_dry(tmp_path) == 1

    said = capsys.readouterr().out
    assert "inner/page.md: 1 documents, 0 left out" in said
    assert "broken.json: 0 documents, 1 left out" in said
    assert "photo: 0 documents, 1 left out" in said
    assert "hidden" not in said


def test_credentials_are_made_once_and_replaced_by_what_is_set(tmp_path: Path) -> None:
    first = credentials.ensure(tmp_path, {})
    second = credentials.ensure(tmp_path, {"API_KEY": "given"})

    assert first.made_now
    assert not second.made_now
    assert second.values == {**first.values, "API_KEY": "given"}
    assert second.from_environment == ("API_KEY",)
    assert "given" not in first.path.read_text()
    assert first.path.stat().st_mode & 0o777 == 0o600


def test_the_same_files_make_the_same_package_with_bytecode_that_runs(tmp_path: Path) -> None:
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "__init__.py").write_text("WORD = 'here'\n")
    (tmp_path / "core" / "broken.py").write_text("def (:\n")
    (tmp_path / "Makefile").write_text("all:\n")

    data = zipped(tmp_path, under="python/")

    assert zipped(tmp_path, under="python/") == data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path / "unpacked")
    bytecode = importlib.util.cache_from_source("python/core/__init__.py")
    assert sorted(names) == sorted(["python/core/__init__.py", bytecode, "python/core/broken.py"])
    found = importlib.util.spec_from_file_location("core", tmp_path / "unpacked" / bytecode)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    assert module.WORD == "here"
    assert sys.modules.get("core") is not module


TEMPLATE = {
    "Parameters": {"Stage": {"Default": "production"}, "Other": {}},
    "Globals": {
        "Function": {"Layers": [{"Ref": "Core"}, {"Ref": "Base"}], "Environment": {"Variables": {"A": "1"}}}
    },
    "Resources": {
        "Core": {"Type": "AWS::Serverless::LayerVersion", "Properties": {"ContentUri": "layers/core"}},
        "Base": {"Type": "AWS::Serverless::LayerVersion", "Properties": {"ContentUri": "layers/base"}},
        "AskFunction": {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "CodeUri": "functions/ask",
                "Environment": {"Variables": {"KEY": "template"}},
                "Events": {
                    "Any": {"Type": "Api", "Properties": {"Path": "/a", "Method": "any"}},
                    "Say": {
                        "Type": "Api",
                        "Properties": {
                            "Path": "/s",
                            "Method": "post",
                            "ResponseTransferMode": "RESPONSE_STREAM",
                        },
                    },
                },
            },
        },
        "RenderPageFunction": {
            "Type": "AWS::Serverless::Function",
            "IgnoreGlobals": ["Runtime", "Handler", "Layers"],
            "Properties": {
                "PackageType": "Image",
                "ImageUri": "elsewhere",
                "ImageConfig": {"Command": ["functions.render_page.app.handler"]},
            },
        },
    },
}


def local_template(root: Path) -> dict[str, object]:
    (root / "layers/core/candor").mkdir(parents=True)
    (root / "layers/core/candor/__init__.py").touch()
    (root / "layers/base").mkdir(parents=True)
    return localise.localise(
        TEMPLATE, root=root, variables={"KEY": "here"}, stream_url="http://127.0.0.1:1/x/"
    )


def test_a_function_in_a_container_runs_from_its_folder_like_any_other(tmp_path: Path) -> None:
    assert of(TEMPLATE).function("render_page").code == "functions/render_page"

    local = local_template(tmp_path)

    assert local["Resources"]["RenderPageFunction"] == {  # type: ignore[index]
        "Type": "AWS::Serverless::Function",
        "Properties": {
            "CodeUri": "functions/render_page",
            "Runtime": "python3.13",
            "Handler": "app.handler",
            "Layers": [],
        },
    }


def test_the_template_is_localised_in_a_copy(tmp_path: Path) -> None:
    before = repr(TEMPLATE)

    local = local_template(tmp_path)

    functions = dict(localise.functions(local))
    assert [name for name, _ in localise.layers(local)] == ["Core"]
    assert local["Globals"]["Function"]["Layers"] == [{"Ref": "Core"}]  # type: ignore[index]
    assert local["Globals"]["Function"]["Environment"]["Variables"] == {"A": "1", "KEY": "here"}  # type: ignore[index]
    assert functions["AskFunction"]["Environment"]["Variables"]["KEY"] == "here"
    assert len(of(local).routes) == 8
    assert not any(route.streams for route in of(local).routes)
    proxy = functions["AskFunction"]["Environment"]["Variables"]["MINISTACK_LAMBDA_PROXY_URL"]
    assert proxy == "http://127.0.0.1:1/x/AskFunction"
    assert functions["RenderPageFunction"]["CodeUri"] == "functions/render_page"
    assert "PackageType" not in functions["RenderPageFunction"]
    assert repr(TEMPLATE) == before


def test_only_parameters_the_template_has_are_set(tmp_path: Path) -> None:
    assert localise.parameters(TEMPLATE, state=tmp_path, variables={}) == {"Stage": "local"}


def test_a_log_line_is_cut_down_to_what_is_new_in_it() -> None:
    line = (
        '{"level":"INFO","location":"f:1","message":"indexed","service":"candor",'
        '"document_id":"d1","passages":3}'
    )

    assert condensed(line) == "indexed document_id=d1 passages=3"
    assert condensed('{"level":"DEBUG","message":"x"}') is None
    assert condensed('{"_aws":{},"message":"x"}') is None
    assert condensed("Traceback (most recent call last):") is None
    assert condensed('{"level":"ERROR","message":"a\\u001b[31mb","exception":"T\\nValueError: no"}') == (
        "ERROR a?[31mb (ValueError: no)"
    )


def test_a_failure_names_its_error_and_the_last_line_of_ours() -> None:
    trace = [
        "Traceback (most recent call last):",
        '  File "/t/layer_0/python/candor/indexing.py", line 12, in index',
        '  File "/t/site-packages/botocore/client.py", line 5, in call',
        "ValueError: no such table",
    ]

    assert failure(trace) == "ValueError: no such table  (candor/indexing.py:12)"


def test_the_console_is_served_from_its_folder_and_nowhere_else(tmp_path: Path) -> None:
    dist = tmp_path / "dist"
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_text("<html></html>")
    (dist / "assets" / "a.js").write_text("1")
    (tmp_path / "secret.txt").write_text("no")
    pages = Pages(dist)

    assert pages.get("/console").headers["location"] == "/console/"
    assert pages.get("/console/").body == pages.get("/console/documents/7").body == b"<html></html>"
    assert "immutable" in pages.get("/console/assets/a.js").headers["cache-control"]
    assert pages.get("/console/assets/a.js").headers["content-type"].startswith("text/javascript")
    assert pages.get("/console/../secret.txt").status == 404
    assert not pages.wants("/consoles")
    assert not Pages(tmp_path / "none").wants("/console")


def test_a_start_leaves_the_variables_that_sam_local_invoke_wants(tmp_path: Path) -> None:
    with contextlib.closing(State(tmp_path)) as state:
        state.announce(
            {"url": "http://127.0.0.1:1", "aws": "http://127.0.0.1:2", "outputs": {"DocumentsTable": "d-1"}},
            credentials={"API_KEY": "k"},
        )

    assert json.loads((tmp_path / "env.json").read_text())["Parameters"] == {
        "DOCUMENTS_TABLE": "d-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:2",
        "EMBEDDED_STORE": "",
        "API_KEY": "k",
    }


def test_the_emulator_tells_functions_itself_where_it_answers() -> None:
    shared = read(TEMPLATE_FILE)["Globals"]["Function"]["Environment"]["Variables"]
    local = localise.localise(
        read(TEMPLATE_FILE), root=TEMPLATE_FILE.parent, variables={}, stream_url="http://127.0.0.1:1"
    )

    assert "AWS_ENDPOINT_URL" in shared
    assert "AWS_ENDPOINT_URL" not in local["Globals"]["Function"]["Environment"]["Variables"]


@pytest.mark.parametrize(
    ("path", "query", "is_setting"),
    [
        ("/bucket", b"", True),
        ("/bucket/", b"lifecycle", True),
        ("/bucket", b"notification", True),
        ("/bucket", b"delete", False),
        ("/bucket", b"delete=", False),
        ("/bucket/key", b"uploads", False),
        ("/", b"", False),
    ],
)
def test_removing_objects_is_no_setting_of_their_bucket(path: str, query: bytes, is_setting: bool) -> None:
    assert emulator.is_bucket_setting({"path": path, "query_string": query}) is is_setting
