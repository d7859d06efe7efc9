"""Deploying: the template, packaged and handed to CloudFormation, and what came of it."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from infra import template as template_file
from infra.local import localise
from infra.local.aws import Clients
from infra.local.package import Packager, with_packages
from infra.template import Template

STACK = "candor"
ARTIFACTS = "candor-artifacts"
_REASONS_SHOWN = 5


class DeployFailed(Exception):
    """CloudFormation refused the template or a resource, with the reasons as a sentence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployed:
    """A stack that is up."""

    template: Template
    resources: Mapping[str, str]
    """Physical ids by logical id."""
    outputs: Mapping[str, str]
    api_id: str
    stage: str
    changed: bool
    seconds: float


class Deployer:
    """Deploys one template, as often as it changes."""

    def __init__(
        self,
        clients: Clients,
        *,
        path: Path,
        state: Path,
        variables: Mapping[str, str],
        stream_url: str,
        with_dependencies: bool = False,
    ) -> None:
        """
        `stream_url`: where the events of functions that stream go to, before their name.

        `with_dependencies`: ship the dependency layers too, for an endpoint that runs containers.
        """
        self._clients = clients
        self._path = path
        self._state = state
        self._variables = variables
        self._stream_url = stream_url
        self._with_dependencies = with_dependencies
        self._packager = Packager(clients("s3"), ARTIFACTS)
        self._bucket_is_there = False

    @property
    def root(self) -> Path:
        return self._path.parent

    def deploy(self) -> Deployed:
        """
        Bring the stack to what the template says. Raises `DeployFailed`, and `ValueError` for a broken
        template.
        """
        started = time.monotonic()
        raw = template_file.read(self._path)
        local = localise.localise(
            raw,
            root=self.root,
            variables=self._variables,
            stream_url=self._stream_url,
            with_dependencies=self._with_dependencies,
        )
        self._package(local)
        chosen = localise.parameters(raw, state=self._state, variables=self._variables)
        changed = self._apply(local, chosen)
        made = resources(self._clients)
        self._packager.forget_unused()
        for name, specification in localise.time_to_live(local).items():
            self._expire(made[name], specification)
        stage = chosen.get("Stage") or self._stage(raw)
        return Deployed(
            template=template_file.of(raw).deployed_as(made),
            resources=made,
            outputs=self._outputs(),
            api_id=made.get("Api", ""),
            stage=stage,
            changed=changed,
            seconds=time.monotonic() - started,
        )

    def update_code(self, deployed: Deployed, names: list[str]) -> None:
        """New code for these functions and nothing else: far faster than a change set."""
        for name in names:
            function = deployed.template.function(name)
            place = self._packager.upload(self.root / function.code)
            self._clients("lambda").update_function_code(
                FunctionName=deployed.resources[function.logical_id],
                S3Bucket=place["Bucket"],
                S3Key=place["Key"],
            )

    def _package(self, local: dict[str, Any]) -> None:
        if not self._bucket_is_there:
            try:
                self._clients("s3").create_bucket(Bucket=ARTIFACTS)
            except ClientError as error:
                if "BucketAlready" not in str(error):
                    raise
            self._bucket_is_there = True
        for name, properties in localise.functions(local):
            folder = self.root / str(properties["CodeUri"])
            if not folder.is_dir():
                raise ValueError(f"{name}: there is no folder {properties['CodeUri']}.")
            properties["CodeUri"] = self._packager.upload(folder)
        for _, properties in localise.layers(local):
            folder = self.root / str(properties["ContentUri"])
            if localise.is_dependency_layer(folder):
                folder = with_packages(folder, self._state / "layers" / folder.name)
            # `sam build` puts a package under python/ (see the layer's Makefile); a folder that has one is as
            # it should be.
            under = "" if (folder / "python").is_dir() else "python/"
            properties["ContentUri"] = self._packager.upload(folder, under=under)

    def _apply(self, local: Mapping[str, Any], parameters: Mapping[str, str]) -> bool:
        """Create or update by change set; False when there was nothing to change."""
        cloudformation = self._clients("cloudformation")
        kind = self._kind_of_change()
        self._packager.upload_text("template.json", json.dumps(local, default=str))
        name = f"local-{time.time_ns()}"
        try:
            cloudformation.create_change_set(
                StackName=STACK,
                ChangeSetName=name,
                ChangeSetType=kind,
                TemplateURL=f"{self._clients.endpoint}/{ARTIFACTS}/template.json",
                Parameters=[
                    {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
                ],
                Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
            )
            change_set = self._when_settled(
                lambda: cloudformation.describe_change_set(StackName=STACK, ChangeSetName=name)
            )
            if change_set["Status"] != "CREATE_COMPLETE":
                reason = change_set.get("StatusReason", "no reason given")
                if "didn't contain changes" in reason or "No updates" in reason:
                    return False
                raise DeployFailed(f"The template was refused: {reason}")
            cloudformation.execute_change_set(StackName=STACK, ChangeSetName=name)
            stack = self._when_settled(lambda: cloudformation.describe_stacks(StackName=STACK)["Stacks"][0])
        except ClientError as error:
            raise DeployFailed(f"The template was refused: {error}") from error
        if stack["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            raise DeployFailed(f"{stack['StackStatus']}: {self._reasons()}")
        return True

    def _kind_of_change(self) -> str:
        cloudformation = self._clients("cloudformation")
        try:
            status = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"]
        except ClientError:
            return "CREATE"
        if status == "REVIEW_IN_PROGRESS":
            return "CREATE"
        if status == "CREATE_COMPLETE" or status.startswith("UPDATE_"):
            return "UPDATE"
        # A first deploy that failed leaves nothing that can be updated.
        cloudformation.delete_stack(StackName=STACK)
        return "CREATE"

    @staticmethod
    def _when_settled(describe: Any) -> dict[str, Any]:
        while True:
            answer: dict[str, Any] = describe()
            status = answer.get("StackStatus") or answer["Status"]
            if not status.endswith(("_IN_PROGRESS", "_PENDING")):
                return answer
            time.sleep(0.02)

    def _reasons(self) -> str:
        pages = (
            self._clients("cloudformation").get_paginator("describe_stack_events").paginate(StackName=STACK)
        )
        failed = []
        for event in (event for page in pages for event in page["StackEvents"]):
            status = event["ResourceStatus"]
            if "FAILED" in status:
                failed.append(
                    f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason given')}"
                )
            elif event["LogicalResourceId"] == STACK and status in (
                "CREATE_IN_PROGRESS",
                "UPDATE_IN_PROGRESS",
            ):
                break  # Newest first: what follows belongs to earlier deploys.
        return "; ".join(failed[:_REASONS_SHOWN]) or "no resource says why"

    def _outputs(self) -> dict[str, str]:
        return outputs(self._clients)

    def _expire(self, table: str, specification: Mapping[str, Any]) -> None:
        dynamodb = self._clients("dynamodb")
        state = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]["TimeToLiveStatus"]
        if state == "DISABLED":
            dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=specification)

    @staticmethod
    def _stage(raw: Mapping[str, Any]) -> str:
        stage = raw["Resources"].get("Api", {}).get("Properties", {}).get("StageName", "Prod")
        if isinstance(stage, dict):
            return str(raw["Parameters"][stage["Ref"]]["Default"])
        return str(stage)


def resources(clients: Clients, stack: str = STACK) -> dict[str, str]:
    """What a stack consists of: its own names by the template's."""
    pages = clients("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    return {
        resource["LogicalResourceId"]: resource["PhysicalResourceId"]
        for page in pages
        for resource in page["StackResourceSummaries"]
    }


def outputs(clients: Clients, stack_name: str = STACK) -> dict[str, str]:
    """The running stack's outputs. Raises botocore's error when there is no stack."""
    stack = clients("cloudformation").describe_stacks(StackName=stack_name)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
