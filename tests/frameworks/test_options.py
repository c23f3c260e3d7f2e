"""Options come the same way to every framework, and what belongs to nobody is an error."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import table_rewards
from table_rewards import ConfigurationError, UnknownName
from table_rewards.frameworks import swift, trl, verl
from table_rewards.frameworks.options import check_environment, resolve

ROW: dict[str, Any] = {"qtype": "DataAnalysis", "qsubtype": "CorrelationAnalysis"}
NEAR = "Final Answer: 104"  # within the tolerance of 100: 1 by default, 0 by em


def by_verl(**options: Any) -> float:
    return float(verl.table_bench("t", NEAR, "100", ROW, **options)["score"])


def by_swift() -> float:
    made = swift.make("table_bench", "TableBench", {})()
    return float(made([NEAR], answer=["100"], **{key: [value] for key, value in ROW.items()})[0])


def by_trl(**options: Any) -> float:
    function = trl.reward("table_bench", **options)
    return float(function([NEAR], answer=["100"], **{key: [value] for key, value in ROW.items()})[0] or 0.0)


FRAMEWORKS = [by_verl, by_swift, by_trl]


@pytest.mark.parametrize("scored", FRAMEWORKS)
def test_the_file_reaches_every_framework_and_the_environment_wins(
    scored: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert scored() == 1.0
    config = tmp_path / "rewards.toml"
    config.write_text('[table_bench]\nmetric = "em"\n')
    monkeypatch.setenv("TABLE_REWARDS_CONFIG", str(config))
    assert scored() == 0.0
    monkeypatch.setenv("TABLE_REWARDS_TABLE_BENCH_METRIC", "em_tolerance")
    assert scored() == 1.0


@pytest.mark.parametrize("scored", [by_verl, by_trl])
def test_an_argument_wins_over_both(scored: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TABLE_REWARDS_TABLE_BENCH_METRIC", "em")
    assert scored(metric="em_tolerance") == 1.0


@pytest.mark.parametrize("scored", FRAMEWORKS)
@pytest.mark.parametrize(
    ("variable", "hint"),
    [
        ("TABLE_REWARDS_TABLE_BENCH_METRIK", "TABLE_REWARDS_TABLE_BENCH_METRIC"),
        ("TABLE_REWARDS_TABEL_BENCH_METRIC", "TABLE_REWARDS_TABLE_BENCH_METRIC"),
        ("TABLE_REWARDS_UNSCORD", "TABLE_REWARDS_UNSCORED"),
        ("TABLE_REWARDS_CONFG", "TABLE_REWARDS_CONFIG"),
        ("TABLE_REWARDS_TEDS_STRUCTUREONLY", "TABLE_REWARDS_TEDS_STRUCTURE_ONLY"),
    ],
)
def test_a_variable_that_belongs_to_nobody_is_an_error(
    scored: Any, variable: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "em")
    with pytest.raises(ConfigurationError, match=rf"{variable} belongs to nobody \(did you mean {hint}\?\)"):
        scored()


@pytest.mark.parametrize("scored", FRAMEWORKS)
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tablebench]\nmetric = 'em'\n", r"'tablebench' \(did you mean 'table_bench'\?\)"),
        ("[adaptor]\nunscored = 'raise'\n", r"'adaptor' \(did you mean 'adapter'\?\)"),
        ("[adapter]\nunscord = 'raise'\n", r"'unscord' \(did you mean 'unscored'\?\)"),
        ("[table_bench]\nmetrik = 'em'\n", r"'metrik' \(did you mean 'metric'\?\)"),
    ],
)
def test_a_table_that_belongs_to_nobody_is_an_error(
    scored: Any, text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "rewards.toml"
    config.write_text(text)
    monkeypatch.setenv("TABLE_REWARDS_CONFIG", str(config))
    with pytest.raises(UnknownName, match=message):
        scored()


def test_every_variable_that_the_library_reads_itself_is_known() -> None:
    """One that is read somewhere and missing here would stop every run that sets it."""
    source = Path(table_rewards.__file__).parent
    read = {
        name for file in source.rglob("*.py") for name in re.findall(r"TABLE_REWARDS_[A-Z_]*[A-Z]", file.read_text())
    }
    examples = {name for name in read if name.startswith(("TABLE_REWARDS_TABLE_BENCH", "TABLE_REWARDS_QA_F1"))}
    assert len(read) > 10
    check_environment(dict.fromkeys(read - examples, "1"))


def test_a_variable_that_holds_a_key_is_known_by_the_option_that_names_it() -> None:
    environ = {"TABLE_REWARDS_MY_KEY": "secret", "TABLE_REWARDS_QA_F1_API_KEY_ENV": "TABLE_REWARDS_MY_KEY"}
    assert resolve("qa_f1", {}, environ).own == {"api_key_env": "TABLE_REWARDS_MY_KEY"}


def test_a_line_at_the_start_says_what_is_in_force_and_where_it_came_from(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TABLE_REWARDS_UNSCORED_CEILING", "0.31")
    for _ in range(3):
        by_verl(metric="rouge_l")
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("table_rewards: ")]
    (line,) = lines
    assert "table_bench:metric=rouge_l" in line
    assert "metric=rouge_l (argument)" in line
    assert "unscored_ceiling=0.31 (TABLE_REWARDS_UNSCORED_CEILING)" in line
