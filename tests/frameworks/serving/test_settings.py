"""The settings of a service, and the page that lists them."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from table_rewards.core.errors import ConfigurationError
from table_rewards.frameworks.options import ADAPTER_OPTIONS
from table_rewards.frameworks.serving.forms import FORMS
from table_rewards.frameworks.serving.settings import RewardService, ServiceSettings

PAGE = (Path(__file__).parents[3] / "docs" / "service.md").read_text("utf-8")


@pytest.mark.parametrize(
    "name",
    [
        *(one.name for kind in (RewardService, ServiceSettings) for one in fields(kind) if one.name != "rewards"),
        *(name for name in ADAPTER_OPTIONS if name.startswith("service")),
    ],
)
def test_the_page_lists_every_setting(name: str) -> None:
    assert f"`{name}`" in PAGE or name == "name"


def test_the_page_lists_every_form() -> None:
    assert all(f"/NAME/{form}`" in PAGE for form in FORMS)


@pytest.mark.parametrize(
    ("option", "value"),
    [("max_waiting_mb", 0), ("receive_timeout_s", -1.0), ("request_timeout_s", "long"), ("max_request_mb", True)],
)
def test_a_limit_that_cannot_be_is_told(option: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=option):
        ServiceSettings((RewardService("teds", "teds"),), **{option: value})  # type: ignore[arg-type]


def test_gym_gets_a_reward_that_is_there() -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'teds'"):
        ServiceSettings((RewardService("teds", "teds"),), gym="tedss")
    assert ServiceSettings((RewardService("teds", "teds"),)).gym_reward == "teds"
    assert ServiceSettings((RewardService("teds", "teds"), RewardService("other", "teds"))).gym_reward == ""
