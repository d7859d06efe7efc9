"""The local cloud: starts, serves, survives, stops."""

import contextlib
import http.client
import json
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infra import template
from infra.local.aws import Clients
from tests.e2e.running import ROOT, SMALL, RunningStack
from tests.ports import free_port
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture
def own_stack(tmp_path: Path) -> Iterator[RunningStack]:
    """A stack that a test may kill, on a copy of the template that it may change."""
    copy = tmp_path / "project"
    shutil.copytree(SMALL.parent, copy)
    running = RunningStack(tmp_path / "state", template=copy / "template.yaml")
    yield running
    running.kill()


def start_in_vain(running: RunningStack) -> None:
    with contextlib.suppress(RuntimeError):
        running.start()


def test_an_unknown_route_is_a_404_in_json(small_stack: RunningStack) -> None:
    reply = small_stack.call("GET", "/v1/nothing", X_Trace_Id="trace-1")

    assert reply.status == 404
    assert reply.json == {"detail": "There is no such route."}
    assert reply.headers["X-Trace-Id"] == "trace-1"


def test_a_known_route_with_another_method_is_a_405_that_names_those_it_takes(
    small_stack: RunningStack,
) -> None:
    reply = small_stack.call("DELETE", "/counters/a")

    assert reply.status == 405
    assert reply.headers["Allow"] == "GET, POST"
    assert "GET, POST" in reply.json["detail"]


def test_any_stands_for_every_method(small_stack: RunningStack) -> None:
    answered = {
        method: small_stack.call(method, "/mirror").json["method"] for method in ("GET", "PUT", "DELETE")
    }

    assert answered == {"GET": "GET", "PUT": "PUT", "DELETE": "DELETE"}


def test_a_function_that_raises_is_a_500_in_json_and_a_line_in_the_log(small_stack: RunningStack) -> None:
    reply = small_stack.call("GET", "/fail")

    assert reply.status == 500
    assert reply.json == {"detail": "Something failed on our side."}
    until(lambda: any("FAILED" in line and "told to fail" in line for line in small_stack.log))


def test_a_request_larger_than_a_function_takes_is_a_413(small_stack: RunningStack) -> None:
    assert small_stack.call("POST", "/mirror", b"x" * (6 * 1024 * 1024 + 1)).status == 413
    assert small_stack.call("POST", "/mirror", b"x" * (10 * 1024 * 1024 + 1)).status == 413
    assert small_stack.call("POST", "/mirror", b"x" * 1024).status == 200


def test_an_answer_larger_than_a_function_may_give_fails_here_as_it_would_on_aws(
    small_stack: RunningStack,
) -> None:
    reply = small_stack.call("GET", f"/mirror?size={6 * 1024 * 1024}")

    assert reply.status == 500
    assert "6 MB" in reply.json["detail"]


def test_one_connection_serves_many_requests(small_stack: RunningStack) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", small_stack.port)
    connection.connect()
    before = connection.sock

    for _ in range(3):
        connection.request("GET", "/mirror")
        assert connection.getresponse().read()

    assert connection.sock is before
    connection.close()


def test_more_requests_than_fit_at_once_wait_their_turn(small_stack: RunningStack) -> None:
    with ThreadPoolExecutor(30) as pool:
        replies = list(pool.map(lambda _: small_stack.call("GET", "/mirror"), range(60)))

    assert {reply.status for reply in replies} == {200}


def test_a_client_that_hangs_up_leaves_the_others_alone(small_stack: RunningStack) -> None:
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", small_stack.port)) as client:
            client.sendall(b"POST /words HTTP/1.1\r\nHost: x\r\nContent-Length: 30\r\n\r\n")

    assert small_stack.call("GET", "/mirror").status == 200


def test_a_streamed_response_arrives_piece_by_piece(small_stack: RunningStack) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", small_stack.port)
    words = [f"word-{number}" for number in range(16)]
    connection.request("POST", "/words", json.dumps({"text": " ".join(words)}))
    response = connection.getresponse()
    arrivals = []
    while line := response.readline():
        if line.strip():
            arrivals.append((time.monotonic(), line))
    connection.close()

    assert response.headers["Content-Type"] == "text/event-stream"
    assert [line for _, line in arrivals] == [f"data: {word}\n".encode() for word in words]
    # All at once would be no time at all; they are written over three seconds.
    assert arrivals[-1][0] - arrivals[0][0] > 0.3


def test_a_stream_that_breaks_off_is_not_taken_for_a_whole_one(small_stack: RunningStack) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", small_stack.port)
    connection.request("POST", "/words", b'{"text": "one BREAK"}')
    response = connection.getresponse()

    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        response.read()
    connection.close()


def test_a_streaming_function_may_answer_as_a_whole_and_may_fail(small_stack: RunningStack) -> None:
    whole = small_stack.call("POST", "/words", {"text": "WHOLE"})
    failed = small_stack.call("POST", "/words", {"text": "FAIL"})
    after = small_stack.call("POST", "/words", {"text": "one"})

    assert (whole.status, whole.headers["Content-Type"]) == (201, "text/plain")
    assert (failed.status, set(failed.json)) == (500, {"detail"})
    assert after.body == b"data: one\n\n"


def test_a_streaming_function_is_told_that_its_client_left_and_answers_the_next(
    small_stack: RunningStack,
) -> None:
    since = len(small_stack.log)

    for _ in range(3):
        connection = http.client.HTTPConnection("127.0.0.1", small_stack.port)
        connection.request("POST", "/words", json.dumps({"text": "word " * 200}))
        response = connection.getresponse()
        response.readline()
        response.close()
        connection.close()

    # Of one process or of several: who comes while the one before is still being told gets one of its own.
    until(lambda: sum("a reader has left" in line for line in small_stack.log[since:]) == 3)
    assert small_stack.call("POST", "/words", {"text": "WHOLE"}).body == b"whole"


def test_the_log_has_one_line_for_a_request_and_nothing_of_its_query(small_stack: RunningStack) -> None:
    small_stack.call("GET", "/mirror?token=very-secret")

    until(lambda: any("/mirror 200" in line and "count" in line for line in small_stack.log))
    assert not any("very-secret" in line for line in small_stack.log)


def test_credentials_are_kept_closed_and_reach_the_functions(small_stack: RunningStack) -> None:
    file = small_stack.state / "credentials.env"
    functions = Clients(small_stack.aws)("lambda").list_functions()["Functions"]

    assert file.stat().st_mode & 0o777 == 0o600
    assert len(small_stack.credentials["JWT_SECRET"].encode()) >= 32
    for function in functions:
        assert function["Environment"]["Variables"]["API_KEY"] == small_stack.credentials["API_KEY"]


def test_a_table_expires_its_rows_as_the_template_says(small_stack: RunningStack) -> None:
    described = Clients(small_stack.aws)("dynamodb").describe_time_to_live(
        TableName=small_stack.outputs["Counters"]
    )

    assert described["TimeToLiveDescription"] == {
        "TimeToLiveStatus": "ENABLED",
        "AttributeName": "expires_at",
    }


def test_a_taken_port_is_one_clear_sentence(small_stack: RunningStack, tmp_path: Path) -> None:
    second = RunningStack(tmp_path / "other", template=SMALL)
    second.port = small_stack.port

    with pytest.raises(RuntimeError, match=f"Port {small_stack.port} is taken.*set PORT to a free port"):
        second.start()
    assert second.process is not None
    assert second.process.returncode == 1


def test_a_second_run_on_the_same_state_is_refused(small_stack: RunningStack) -> None:
    second = RunningStack(small_stack.state, template=SMALL)

    with pytest.raises(RuntimeError, match="in use by another run"):
        second.start()


def test_a_command_without_a_stack_says_how_to_start_one(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "infra.local", "ask", "why?"],
        cwd=ROOT,
        env={
            "STATE": str(tmp_path),
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}",
            "PATH": "/usr/bin:/bin",
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "start one with `make run`" in done.stderr


def test_it_stops_when_it_is_asked_to_and_comes_back_as_it_was(own_stack: RunningStack) -> None:
    own_stack.start()
    assert own_stack.call("POST", "/counters/a").json == {"n": 1}
    keys = own_stack.credentials

    own_stack.stop()
    assert own_stack.process is not None
    assert own_stack.process.returncode == 0

    own_stack.start()
    assert own_stack.call("GET", "/counters/a").json == {"n": 1}
    assert own_stack.credentials == keys


def test_a_kill_loses_nothing_that_was_acknowledged_and_repeats_nothing(own_stack: RunningStack) -> None:
    own_stack.start()
    for _ in range(3):
        before = 0
        for _ in range(10):
            before = own_stack.call("POST", "/counters/a").json["n"]

        own_stack.kill()
        own_stack.start()

        assert own_stack.call("GET", "/counters/a").json == {"n": before}
    sqs = Clients(own_stack.aws)("sqs")
    waiting = sqs.get_queue_attributes(QueueUrl=own_stack.outputs["Queue"], AttributeNames=["All"])[
        "Attributes"
    ]
    assert waiting["ApproximateNumberOfMessages"] == "30"


def test_a_message_that_was_taken_and_not_deleted_is_there_again_after_a_kill(
    own_stack: RunningStack,
) -> None:
    own_stack.start()
    for _ in range(2):
        own_stack.call("POST", "/counters/a")
    queue = own_stack.outputs["Queue"]
    sqs = Clients(own_stack.aws)("sqs")
    (done,) = sqs.receive_message(QueueUrl=queue, VisibilityTimeout=600)["Messages"]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=done["ReceiptHandle"])
    (held,) = sqs.receive_message(QueueUrl=queue, VisibilityTimeout=600)["Messages"]

    own_stack.kill()
    own_stack.start()

    again = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    assert [message["MessageId"] for message in again] == [held["MessageId"]]


def test_a_restart_on_another_port_finds_its_queues(own_stack: RunningStack) -> None:
    own_stack.start()
    own_stack.call("POST", "/counters/a")
    own_stack.kill()

    own_stack.aws_port = free_port()
    own_stack.start()

    assert own_stack.call("POST", "/counters/a").json == {"n": 2}
    sqs = Clients(own_stack.aws)("sqs")
    waiting = sqs.get_queue_attributes(QueueUrl=own_stack.outputs["Queue"], AttributeNames=["All"])[
        "Attributes"
    ]
    assert waiting["ApproximateNumberOfMessages"] == "2"


def test_a_saved_function_is_in_force_a_moment_later(own_stack: RunningStack) -> None:
    own_stack.start()
    assert own_stack.call("GET", "/mirror").json["word"] == "first"
    code = SMALL.parent / "functions" / "count" / "app.py"
    copy = own_stack.state.parent / "project" / "functions" / "count" / "app.py"

    copy.write_text(code.read_text().replace('"first"', '"second"'))

    # A worker that is just being replaced may refuse a call.
    until(lambda: own_stack.call("GET", "/mirror").json.get("word") == "second")


def test_a_broken_template_leaves_the_stack_as_it_was_and_says_why(own_stack: RunningStack) -> None:
    own_stack.start()
    template = own_stack.state.parent / "project" / "template.yaml"
    whole = template.read_text()

    template.write_text(whole.replace("Resources:", "Resources: ["))
    until(lambda: any("stays as it was" in line and "not YAML" in line for line in own_stack.log))
    assert own_stack.call("GET", "/mirror").status == 200

    template.write_text(whole.replace("Path: /mirror", "Path: /glass"))
    until(lambda: own_stack.call("GET", "/glass").status == 200)
    assert own_stack.call("GET", "/mirror").status == 404


def test_every_kind_of_write_survives_a_kill(own_stack: RunningStack) -> None:
    own_stack.start()
    aws = Clients(own_stack.aws)
    dynamodb, sqs, s3, secrets, schedules = map(aws, ("dynamodb", "sqs", "s3", "secretsmanager", "scheduler"))
    table = own_stack.outputs["Counters"]

    def row(name: str) -> dict[str, dict[str, str]]:
        return {"name": {"S": name}}

    dynamodb.create_table(
        TableName="made",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "name", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "name", "KeyType": "HASH"}],
    )
    queue = sqs.create_queue(QueueName="told")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allowed = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}],
    }
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(allowed)})
    secrets.create_secret(Name="cookie", SecretString="first")
    secrets.put_secret_value(SecretId="cookie", SecretString="second")
    role = Clients(own_stack.aws)("lambda").list_functions()["Functions"][0]["Role"]
    schedules.create_schedule(
        Name="nightly",
        ScheduleExpression="rate(1 days)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": arn, "RoleArn": role, "Input": "{}"},
    )
    s3.create_bucket(Bucket="dropped")
    s3.put_bucket_notification_configuration(
        Bucket="dropped",
        NotificationConfiguration={
            "QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]
        },
    )
    s3.put_object(Bucket="dropped", Key="a.json", Body=b"{}")
    dynamodb.batch_write_item(
        RequestItems={table: [{"PutRequest": {"Item": row(name)}} for name in ("batch", "gone")]}
    )
    add = {"UpdateExpression": "ADD n :n", "ExpressionAttributeValues": {":n": {"N": "5"}}}
    dynamodb.transact_write_items(
        TransactItems=[
            {"Update": {"TableName": table, "Key": row("transaction"), **add}},
            {"Put": {"TableName": table, "Item": row("with it")}},
        ]
    )
    dynamodb.delete_item(TableName=table, Key=row("gone"))
    dynamodb.put_item(TableName="made", Item=row("inside"))
    sqs.send_message_batch(
        QueueUrl=queue, Entries=[{"Id": str(number), "MessageBody": str(number)} for number in range(3)]
    )

    own_stack.kill()
    own_stack.start()

    names = {
        item["name"]["S"]: item.get("n", {}).get("N") for item in dynamodb.scan(TableName=table)["Items"]
    }
    assert names == {"batch": None, "transaction": "5", "with it": None}
    assert dynamodb.scan(TableName="made")["Count"] == 1
    bodies = [
        message["Body"]
        for _ in range(2)
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", ())
    ]
    assert {"0", "1", "2"} <= set(bodies)
    assert sum("ObjectCreated" in body for body in bodies) == 1
    assert secrets.get_secret_value(SecretId="cookie")["SecretString"] == "second"
    assert schedules.get_schedule(Name="nightly")["ScheduleExpression"] == "rate(1 days)"
    assert s3.get_object(Bucket="dropped", Key="a.json")["Body"].read() == b"{}"


def test_a_start_that_was_killed_half_way_is_a_first_start_again(own_stack: RunningStack) -> None:
    for seconds in (0.3, 0.8, 1.2, 1.6):
        before = own_stack.process
        starting = threading.Thread(target=start_in_vain, args=(own_stack,))
        starting.start()
        until(lambda before=before: own_stack.process is not before, every=0.01)  # type: ignore[misc]
        time.sleep(seconds)
        own_stack.kill()
        starting.join()

    own_stack.start()

    assert own_stack.call("POST", "/counters/a").status == 200


def test_the_first_admin_can_log_in_with_permissions_enforced(stack: RunningStack) -> None:
    user = {"username": "admin", "password": stack.credentials["ADMIN_PASSWORD"]}

    reply = stack.call("POST", "/v1/auth/login", user)

    assert reply.status == 200
    assert reply.json["user"]["role"] == "admin"


def test_the_service_says_that_it_is_well(stack: RunningStack) -> None:
    def is_well() -> bool:
        reply = stack.call("GET", "/v1/health")
        assert reply.status == 200
        return {reply.json["checks"][name] for name in ("dynamodb", "s3", "queues")} == {"ok"}

    # A busy machine may need longer for its first look than a part is waited for.
    until(is_well)


def test_every_route_of_the_template_leads_to_a_function(stack: RunningStack) -> None:
    refused = {
        (route.method, route.path): reply.status
        for route in template.load().routes
        if route.method == "GET" and "{" not in route.path
        if (reply := stack.call(route.method, route.path)).status >= 500 or reply.status == 405
    }

    assert refused == {}
