"""Circumstances of the process that belong to every Run: which code, which build, which SDKs."""

from __future__ import annotations

import functools
import os
import platform
import subprocess
from collections.abc import Mapping
from importlib import metadata

from opentelemetry.sdk.resources import Resource, ResourceDetector

_BUILD_VARIABLES = (
    "BUILD_ID", "GITHUB_RUN_ID", "CI_PIPELINE_ID", "BUILD_BUILDID",
    "CIRCLE_WORKFLOW_ID", "BUILDKITE_BUILD_ID", "CODEBUILD_BUILD_ID", "BUILD_NUMBER",
)  # fmt: skip
"""Where CI systems put the id of a build: generic, GitHub, GitLab, Azure, CircleCI, Buildkite, CodeBuild, Jenkins."""
_REVISION_VARIABLES = (
    "GIT_COMMIT", "GITHUB_SHA", "CI_COMMIT_SHA", "BUILD_SOURCEVERSION", "CIRCLE_SHA1", "BUILDKITE_COMMIT", "SOURCE_VERSION",
)  # fmt: skip
_ENVIRONMENT_VARIABLES = ("DEPLOYMENT_ENVIRONMENT", "ENVIRONMENT", "APP_ENV")
_SDKS = ("openai", "anthropic", "google-genai", "langchain-core", "langgraph", "mcp", "litellm", "pydantic-ai-slim")


@functools.cache
def process_facts() -> Mapping[str, str | bool]:
    """Return the facts as resource attributes; unknown ones are left out.

    `service.version`, `vcs.ref.head.revision`, `deployment.environment.name` and `app.build_id` carry the conventions'
    names; `chronicle.vcs.dirty` says whether tracked files differed from the revision, `chronicle.sdk.<name>` which
    version of an SDK is installed.
    """
    facts: dict[str, str | bool] = {"process.runtime.version": platform.python_version()}
    version = os.environ.get("SERVICE_VERSION")
    if version:
        facts["service.version"] = version
    revision = _first(_REVISION_VARIABLES)
    if revision is None:
        revision = _git("rev-parse", "HEAD")
        if revision:
            facts["chronicle.vcs.dirty"] = bool(_git("status", "--porcelain", "--untracked-files=no"))
    if revision:
        facts["vcs.ref.head.revision"] = revision
    build = _first(_BUILD_VARIABLES)
    if build:
        facts["app.build_id"] = build
    environment = _first(_ENVIRONMENT_VARIABLES)
    if environment:
        facts["deployment.environment.name"] = environment
    for name in _SDKS:
        try:
            facts[f"chronicle.sdk.{name}"] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return facts


def _first(names: tuple[str, ...]) -> str | None:
    return next((os.environ[name] for name in names if os.environ.get(name)), None)


def _git(*arguments: str) -> str | None:
    """Ask git about the working directory; None where it is no checkout or git is not there. Bounded to two seconds."""
    try:
        done = subprocess.run(
            ["git", *arguments],
            capture_output=True, text=True, timeout=2, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


class ChronicleResourceDetector(ResourceDetector):
    """Add the process's facts to a Resource; registered as `chronicle` under `opentelemetry_resource_detector`."""

    def detect(self) -> Resource:
        return Resource(dict(process_facts()))
