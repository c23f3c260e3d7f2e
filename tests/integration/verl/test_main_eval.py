"""verl's offline evaluation of a parquet file: positional calls in Ray tasks, no extra_info, pandas' ground truths."""

from __future__ import annotations

import ast
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from real_rows import Sample, region_samples, tablebench_samples

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def main_eval(file: Path, overrides: list[str], folder: Path) -> dict[str, float]:
    """Run `verl.trainer.main_eval`; the keys it ships fail since 0.7.1, the `+reward.` form works."""
    command = [
        *(sys.executable, "-m", "verl.trainer.main_eval", f"data.path={file}"),
        *overrides,
        "ray_kwargs.ray_init.num_cpus=2",
        "+ray_kwargs.ray_init.include_dashboard=False",
    ]
    with tempfile.TemporaryDirectory(
        prefix="ray"
    ) as alone:  # a folder of its own: it joins no other Ray of the machine
        environment = {**os.environ, "RAY_TMPDIR": alone}
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, cwd=folder, env=environment)
    lines = [line for line in done.stdout.splitlines() if "test_score/" in line]
    assert done.returncode == 0 and lines, done.stdout[-800:] + done.stderr[-2000:]  # noqa: PT018
    printed = lines[-1].strip().replace("np.float64(", "").replace(")", "")
    return {key: float(value) for key, value in ast.literal_eval(printed).items()}


def write(file: Path, groups: dict[str, list[list[Sample]]]) -> None:
    """One row a prompt with all its answers; `groups` maps a data source to its prompts."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [
        {
            "data_source": source,
            "prompt": [{"role": "user", "content": answers[0].question}],
            "responses": [sample.completion for sample in answers],
            "reward_model": {"style": "rule", "ground_truth": answers[0].ground_truth},
        }
        for source, prompts in groups.items()
        for answers in prompts
    ]
    pq.write_table(pa.Table.from_pylist(rows), file)


def test_table_region_from_the_command_line(tmp_path: Path, adapter_file: Path) -> None:
    samples = region_samples(3)
    prompts = [samples[i : i + 2] for i in range(0, len(samples), 2)]
    write(tmp_path / "rows.parquet", {"tbl/right": [[p[0]] for p in prompts], "tbl/wrong": [[p[1]] for p in prompts]})
    by_path = ["path=" + str(adapter_file), "name=table_region_float"]
    overrides = ["+reward.custom_reward_function." + word for word in by_path]
    out = main_eval(tmp_path / "rows.parquet", overrides, tmp_path)
    assert out["test_score/tbl/right"] == pytest.approx(1.0)
    assert 0.0 <= out["test_score/tbl/wrong"] < 0.1


def test_table_bench_with_the_printed_overrides(tmp_path: Path) -> None:
    samples = tablebench_samples(["EM"])
    right = [s for s in samples if s.correct is True][:4]
    wrong = [s for s in samples if s.correct is False][:2]
    write(tmp_path / "rows.parquet", {"tbl/right": [[s] for s in right], "tbl/mixed": [[s] for s in right[:2] + wrong]})
    command = [str(Path(sys.executable).with_name("table-rewards")), "verl-args", "table_bench", "--for", "eval"]
    printed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    out = main_eval(tmp_path / "rows.parquet", shlex.split(printed), tmp_path)
    assert out["test_score/tbl/right"] == pytest.approx(1.0)
    assert 0.5 <= out["test_score/tbl/mixed"] < 0.9
