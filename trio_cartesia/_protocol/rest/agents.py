"""Agents, their templates, numbers and deployments (protocol §5.7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import attrs

from trio_cartesia._protocol.rest.records import extra, hidden

__all__ = [
    "AgentList",
    "AgentPhoneNumber",
    "AgentSummary",
    "AgentTemplate",
    "AgentTemplateList",
    "Deployment",
    "DeploymentStatus",
    "GitRepository",
    "PhoneNumber",
]

DeploymentStatus = (
    Literal["queued", "inactive", "deploy_error", "skipped", "build_error", "building", "deployed"]
    | str
)


@attrs.frozen(kw_only=True)
class GitRepository:
    """The repository of an agent.

    Attributes:
        account: The account that it belongs to.
        name: Its name.
        provider: Where it is, such as ``"github"``.
        extra: Members that this version does not know.
    """

    account: str = ""
    name: str = ""
    provider: str = ""
    extra: Mapping[str, object] = extra()


@attrs.frozen(kw_only=True)
class PhoneNumber:
    """A phone number in an agent's summary.

    Attributes:
        id: Its id.
        number: The number, with its country code.
        extra: Members that this version does not know.
    """

    id: str
    number: str = ""
    extra: Mapping[str, object] = extra()


@attrs.frozen(kw_only=True)
class AgentSummary:
    """An agent.

    Attributes:
        id: Its id.
        name: Its unique name.
        description: What it does, or None.
        tts_language: The language that it speaks.
        tts_voice: The id of its voice.
        created_at: A time (RFC 3339).
        updated_at: A time (RFC 3339).
        deleted_at: A time (RFC 3339), or None.
        deployment_count: The number of its deployments.
        has_text_to_agent_run: Whether it has one.
        git_deploy_branch: The branch that is deployed, or None.
        git_repository: The repository, or None.
        phone_numbers: Its phone numbers.
        webhook_id: The id of its webhook, or None.
        extra: Members that this version does not know.
    """

    id: str
    name: str
    description: str | None = None
    tts_language: str = ""
    tts_voice: str = ""
    created_at: str | None = None
    updated_at: str | None = None
    deleted_at: str | None = None
    deployment_count: int | None = None
    has_text_to_agent_run: bool = False
    git_deploy_branch: str | None = None
    git_repository: GitRepository | None = None
    phone_numbers: tuple[PhoneNumber, ...] | None = None
    webhook_id: str | None = None
    extra: Mapping[str, object] = extra()


@attrs.frozen(kw_only=True)
class AgentList:
    """The agents of the account.

    Attributes:
        summaries: All of them.
        extra: Members that this version does not know.
    """

    summaries: tuple[AgentSummary, ...] = ()
    extra: Mapping[str, object] = extra()


@attrs.frozen(kw_only=True)
class AgentTemplate:
    """Code to start an agent from.

    Attributes:
        id: Its id.
        name: Its name.
        description: What it does, or None.
        owner_id: The id of its owner.
        repo_url: The address of its repository.
        root_dir: The folder of the code in the repository.
        dependencies: What it depends on, or None.
        required_env_vars: The variables that it needs, or None.
        created_at: A time (RFC 3339).
        updated_at: A time (RFC 3339).
        extra: Members that this version does not know.
    """

    id: str
    name: str
    description: str | None = None
    owner_id: str = ""
    repo_url: str = ""
    root_dir: str = ""
    dependencies: tuple[str, ...] | None = None
    required_env_vars: tuple[str, ...] | None = None
    created_at: str | None = None
    updated_at: str | None = None
    extra: Mapping[str, object] = extra()


@attrs.frozen(kw_only=True)
class AgentTemplateList:
    """The templates of the service.

    Attributes:
        templates: All of them.
        extra: Members that this version does not know.
    """

    templates: tuple[AgentTemplate, ...] = ()
    extra: Mapping[str, object] = extra()


@attrs.frozen(kw_only=True)
class AgentPhoneNumber:
    """A phone number that reaches an agent.

    Attributes:
        agent_id: The id of the agent.
        number: The number.
        is_cartesia_managed: Whether Cartesia manages it.
        created_at: A time (RFC 3339).
        updated_at: A time (RFC 3339).
        extra: Members that this version does not know.
    """

    agent_id: str
    number: str
    is_cartesia_managed: bool = False
    created_at: str | None = None
    updated_at: str | None = None
    extra: Mapping[str, object] = extra()


@attrs.frozen(kw_only=True)
class Deployment:
    """A version of an agent's code that was built and deployed.

    Attributes:
        id: Its id.
        agent_id: The id of the agent.
        status: ``"queued"``, ``"building"``, ``"build_error"``, ``"deployed"``,
            ``"deploy_error"``, ``"inactive"`` or ``"skipped"``.
        is_live: Whether it is the one in use.
        is_pinned: Whether it is the agent's active one.
        git_commit_hash: The commit of its code.
        source_code_file_id: The id of the file of its code.
        env_var_collection_id: The id of its variables.
        build_logs: The output of the build; no ``repr`` shows it.
        build_error: Why the build failed, or None.
        deployment_error: Why the deployment failed, or None.
        created_at: A time (RFC 3339), like all that follow.
        updated_at: When it was changed last.
        build_started_at: When its build started.
        build_completed_at: When its build ended.
        deployment_started_at: When its deployment started.
        deployment_completed_at: When its deployment ended.
        extra: Members that this version does not know.
    """

    id: str
    agent_id: str
    status: DeploymentStatus = ""
    is_live: bool = False
    is_pinned: bool = False
    git_commit_hash: str | None = None
    source_code_file_id: str | None = None
    env_var_collection_id: str | None = None
    build_logs: str | None = hidden(default=None)
    build_error: str | None = None
    deployment_error: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    build_started_at: str | None = None
    build_completed_at: str | None = None
    deployment_started_at: str | None = None
    deployment_completed_at: str | None = None
    extra: Mapping[str, object] = extra()
