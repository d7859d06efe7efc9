"""Dead letters and exports on the running stack: what fails waits, is given up with a reason, comes back."""

import json
import os
import re
import signal
import subprocess
import time
import urllib.request
from typing import Any

import pytest

from infra.local.aws import Clients
from tests.e2e.running import RunningStack
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

KEY = "exports/custom_docs.json"


def outputs(stack: RunningStack) -> dict[str, str]:
    found: dict[str, str] = json.loads((stack.state / "stack.json").read_text())["outputs"]
    return found


def send(stack: RunningStack, queue: str, *bodies: str) -> None:
    sqs = Clients(stack.aws)("sqs")
    for body in bodies:
        sqs.send_message(QueueUrl=outputs(stack)[queue], MessageBody=body)


def letters(stack: RunningStack, queue: str) -> list[dict[str, Any]]:
    reply = stack.admin("GET", f"/v1/admin/dlq/{queue}")
    assert reply.status == 200, reply.body
    items: list[dict[str, Any]] = reply.json["items"]
    return items


def count(stack: RunningStack, queue: str) -> int:
    queues = stack.admin("GET", "/v1/admin/dlq").json["queues"]
    return next(int(one["messages"]) for one in queues if one["queue"] == queue)


def clear(stack: RunningStack, queue: str) -> None:
    for letter in letters(stack, queue):
        assert stack.admin("DELETE", f"/v1/admin/dlq/{queue}/{letter['message_id']}").status == 204


def exported(stack: RunningStack) -> dict[str, dict[str, Any]]:
    """The export's pages by url, downloaded as anybody would."""
    for export in stack.admin("GET", "/v1/admin/exports").json:
        if export["key"] == KEY:
            with urllib.request.urlopen(export["download_url"], timeout=120) as answer:
                return {page["url"]: page for page in json.loads(answer.read())["pages"]}
    return {}


def document(url: str, text: str) -> dict[str, Any]:
    return {"url": url, "title": url.rsplit("/", 1)[-1], "raw_text": text}


@pytest.mark.parametrize(
    ("output", "queue"),
    [("IndexQueueUrl", "index"), ("SourceQueueUrl", "source"), ("ExportQueueUrl", "export")],
)
def test_what_nobody_can_read_is_given_up_at_once_and_says_why(
    stack: RunningStack, output: str, queue: str
) -> None:
    clear(stack, queue)

    send(stack, output, "not a message of ours")
    until(lambda: count(stack, queue) == 1)

    [letter] = letters(stack, queue)
    assert letter["reason"].startswith("The message is")
    assert (letter["receive_count"], letter["subject"]) == (1, "")
    assert "not a message of ours" not in json.dumps(letter)
    clear(stack, queue)
    assert count(stack, queue) == 0


def test_dead_letters_are_sent_again_and_what_fails_again_stays(stack: RunningStack) -> None:
    clear(stack, "index")
    answer = stack.admin(
        "POST", "/v1/documents", document("https://example.com/dlq/a", "A page about kilns.")
    )
    assert answer.status == 201
    sqs = Clients(stack.aws)("sqs")
    good = json.dumps({"document_id": answer.json["id"]})
    sqs.send_message(QueueUrl=outputs(stack)["IndexDlqUrl"], MessageBody=good)
    sqs.send_message(QueueUrl=outputs(stack)["IndexDlqUrl"], MessageBody="nonsense")
    until(lambda: count(stack, "index") == 2)

    redrive = stack.admin("POST", "/v1/admin/dlq/index/redrive")

    assert redrive.status == 202, redrive.body
    assert redrive.json["id"] == redrive.json["job_id"]

    def job() -> dict[str, Any]:
        found: dict[str, Any] = stack.admin("GET", f"/v1/admin/jobs/{redrive.json['id']}").json
        return found

    until(lambda: job()["status"] == "succeeded")
    assert job()["progress"] == {"done": 2, "total": 2, "failed": 0}
    until(lambda: [one["reason"][:14] for one in letters(stack, "index")] == ["The message is"])
    clear(stack, "index")


def test_an_unknown_queue_is_answered_with_the_known_ones(stack: RunningStack) -> None:
    reply = stack.admin("GET", "/v1/admin/dlq/indices")

    assert reply.status == 404
    assert all(name in reply.json["detail"] for name in ("index", "source", "changes", "export"))
    assert stack.api("GET", "/v1/admin/dlq").status == 403


def test_what_the_api_made_is_exported_by_itself_and_leaves_with_it(stack: RunningStack) -> None:
    url = "https://example.com/exported/page"
    made = stack.admin("POST", "/v1/documents", {**document(url, "Short."), "metadata": {"a": [1, "ü"]}})
    assert made.status == 201

    until(lambda: url in exported(stack))

    page = exported(stack)[url]
    assert (page["text"], page["metadata"], page["title"]) == ("Short.", {"a": [1, "ü"]}, "page")
    # It triggers nothing: no job reads it, and the document still belongs to the API.
    jobs = stack.admin("GET", "/v1/admin/jobs?page_size=100").json["items"]
    assert not [job for job in jobs if job["kind"] == "read_source" and "exports/" in job["subject"]]
    assert stack.admin("GET", "/v1/documents?q=exported/page&source=api").json["total"] == 1

    assert stack.admin("DELETE", f"/v1/documents/{made.json['id']}").status == 204
    until(lambda: url not in exported(stack))


def _set_table(stack: RunningStack, table: str) -> None:
    """Let write_exports keep its marks in that table; its workers are new ones from then on."""
    clients = Clients(stack.aws)
    resource = clients("cloudformation").describe_stack_resource(
        StackName="candor", LogicalResourceId="WriteExportsFunction"
    )["StackResourceDetail"]["PhysicalResourceId"]
    functions = clients("lambda")
    environment = functions.get_function_configuration(FunctionName=resource)["Environment"]["Variables"]
    functions.update_function_configuration(
        FunctionName=resource, Environment={"Variables": {**environment, "CONFIG_TABLE": table}}
    )


def test_a_worker_whose_table_is_gone_waits_a_little_longer_each_time_and_recovers(
    stack: RunningStack,
) -> None:
    clear(stack, "export")
    table = outputs(stack)["ConfigTable"]
    since = len(stack.log)

    def tries() -> set[int]:
        lines = [line for line in stack.log[since:] if "write_exports" in line and "failed" in line]
        return {int(found[1]) for line in lines if (found := re.search(r"tries=(\d+)", line))}

    _set_table(stack, "nowhere")
    try:
        send(stack, "ExportQueueUrl", '{"changed_at": ""}')
        until(lambda: 1 in tries())
        # Without a pause of its own the message would stay hidden for half an hour.
        until(lambda: 3 in tries())
        assert count(stack, "export") == 0
        # While it cannot be written: once the table is back, that may happen before anybody looks.
        before = stack.admin("GET", "/v1/admin/exports").json
    finally:
        _set_table(stack, table)

    def is_written_again() -> bool:
        return bool(stack.admin("GET", "/v1/admin/exports").json[0]["updated_at"] != before[0]["updated_at"])

    until(is_written_again)
    assert count(stack, "export") == 0


def _workers(stack: RunningStack, function: str) -> list[int]:
    listed = subprocess.check_output(["ps", "-ewwo", "pid,args"], text=True).splitlines()
    return [int(line.split()[0]) for line in listed if str(stack.state) in line and function in line]


def test_a_message_whose_worker_is_killed_comes_back_within_seconds(stack: RunningStack) -> None:
    nothing_to_do = '{"Event": "s3:TestEvent"}'

    def is_at_work() -> bool:
        send(stack, "SourceQueueUrl", nothing_to_do)
        time.sleep(1)
        return bool(_workers(stack, "ReadSourceFunction"))

    until(is_at_work)
    workers = _workers(stack, "ReadSourceFunction")
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    send(stack, "SourceQueueUrl", nothing_to_do)
    time.sleep(2)
    since = len(stack.log)
    for pid in workers:
        os.kill(pid, signal.SIGKILL)

    # The queue itself would hide it for half an hour.
    until(lambda: any("read_source: consumed" in line for line in stack.log[since:]))
