"""Each recipe's own commands from the first to the last, on small data, a scripted endpoint in place of the models.

What one command writes the next one reads; every command must end well. Not run: `verl-args`, `probe` and `sandbox`,
which make no file, and what other programs do.
"""

from __future__ import annotations

import base64
import itertools
import json
import re
from pathlib import Path

import pytest

import recipe_pages
from command_line import here, read, write
from table_rewards.frameworks import verl
from table_rewards.frameworks.advantages import tarpo_advantage
from table_rewards.testing.chat_server import ChatServer

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
PROMPT = """Rank these translations from {source_language} to {target_language}: the best first, scores below.
{source}
{#candidates}{label}: {text}
{/candidates}"""
PIPELINE = tuple(f"exec-verify-{step}" for step in ("synthesize", "mutate", "filter", "difficulty", "combine", "cot"))
BENCHMARKS = ("cruxeval-x", "lcb-exec", "programs")
NOT_RUN = ("verl-args", "probe", "sandbox", "adapter")


def fixture(name):
    return read(FIXTURES / name)


def put(path, rows):
    """Write rows in the form that the name says."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        parquet.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows), "utf-8")
    else:
        write(path, rows)


def said(request):
    """What the last turn of a request asks, as text."""
    content = request["messages"][-1]["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def run(page, server, *, between=lambda words: None, but=()):
    """Run the page's commands in order in this folder; return how many there were."""
    count = 0
    for command in recipe_pages.commands(page):
        if not command.starts("table-rewards") or command.words[1] in NOT_RUN or set(but) & set(command.words):
            continue
        words = [re.sub(r"https?://(localhost|10\.0\.0\.\d):\d+", server.url, word) for word in command.words[1:]]
        done = here(*words)
        assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}\n{done.stderr}"
        between(words)
        count += 1
    return count


def scores(path, function, complete, **options):
    """What verl's function gives for completions of the prepared rows, one call a row as in a trainer."""
    rows = parquet.read_table(path).to_pylist()
    return [
        function(r["data_source"], complete(r), r["reward_model"]["ground_truth"], r["extra_info"], **options)["score"]
        for r in rows
    ]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("llm_serve_urls", raising=False)
    return tmp_path


def test_table_r1():
    rows = [row for row in fixture("table_r1/rl_rows.jsonl") if row["reward_model"]["ground_truth"]]
    put("train.parquet", rows)
    put("TableInstruct.jsonl", fixture("table_r1/tablebench_rows.jsonl"))
    put("TableBench.jsonl", fixture("table_r1/tablebench_rows.jsonl"))
    answers, pairs = {}, []
    for row in rows:
        gold = row["reward_model"]["ground_truth"]
        response = f"<gold_area>{gold['gold_area']}</gold_area>\nSo it is.\nFinal Answer: {gold['answer']}"
        answers[row["prompt"][0]["content"]] = response
        pairs.append({"prompt": row["prompt"][0]["content"], "response": response})
    put("TableInstruct_TableArea.json", pairs)
    wikitq = "id\tutterance\tcontext\ttargetValue"
    for name, header, more in (("data", wikitq, ""), ("tagged/data", wikitq + "\ttargetCanon", "\t7")):
        path = Path("WikiTableQuestions") / name / f"pristine-unseen-tables.{'tsv' if not more else 'tagged'}"
        path.parent.mkdir(parents=True)
        path.write_text(f"{header}\nnu-0\thow many?\tcsv/1-csv/1.csv\t7{more}\n", "utf-8")
    Path("WikiTableQuestions/csv/1-csv").mkdir(parents=True)
    Path("WikiTableQuestions/csv/1-csv/1.tsv").write_text("a\n7\n", "utf-8")
    put("test.jsonl", [{"table_id": "1", "question": "How many?", "sql": {"sel": 0, "agg": 0, "conds": []}}])
    put("test.tables.jsonl", [{"id": "1", "header": ["a"], "types": ["real"], "rows": [[7]]}])
    with ChatServer(reply=lambda request: answers.get(said(request), "Final Answer: 7")) as server:
        # the marking of regions is tested in tests/datasets
        assert run("table-r1.md", server, but=("table-r1-annotate",)) == 16
    assert [row["prediction"] for row in read("wikitq_predictions.jsonl")] == ["Final Answer: 7"]
    registered = json.loads(Path("LLaMA-Factory/data/dataset_info.json").read_text())
    assert set(registered) == {"table_r1_train", "table_r1_sampled"}
    assert json.loads(Path("LLaMA-Factory/data/sampled_sft.json").read_text())
    assert list(Path("results").iterdir())
    made = ("data/train.parquet", verl.table_region)
    right = scores(*made, lambda row: answers[row["prompt"][0]["content"]], weight=0.1)
    wrong = scores(*made, lambda row: "Final Answer: none of it", weight=0.1)
    assert sum(score > 0.89 for score in right) > len(right) / 2 > 2  # programs are not answered here
    assert max(wrong) < 0.11
    groups = ["a", "a", "b", "b"]
    parts = [1.0, 0.0, 1.0, 0.0]
    advantages = tarpo_advantage([0.1 * p for p in parts], [0.9 * p for p in parts], groups)
    assert [value > 0 for value in advantages] == [True, False, True, False]


def test_exec_verify():
    samples = fixture("exec_verify/cruxeval.jsonl")[:12]
    put("samples.json", samples)
    tests = {"inputs": ["1 2\n", "5 5\n"], "outputs": ["3\n", "10\n"]}
    problem = {
        "data_source": "taco",
        "ability": "code",
        "prompt": [{"role": "user", "content": "Read two numbers and print their sum."}],
        "reward_model": {"style": "rule", "ground_truth": json.dumps(tests)},
    }
    for name in ("train", "validation"):
        put(f"eurus2-rl/{name}.parquet", [problem])
    put("cruxeval.jsonl", samples)
    put("generations.json", {row["id"]: [f"f({row['input']})"] for row in samples})
    tasks = fixture("exec_verify/dreval_tasks.jsonl")
    put("DREval_tasks.jsonl", tasks)
    put("DREval_data.jsonl", fixture("exec_verify/dreval_data.jsonl"))
    questions = [
        {
            "task": "coverage",
            "task_id": task["task_id"],
            "input_idx": item["input_idx"],
            "lineno": line["lineno"],
            "var": line["var"],
            "response": "YES",
        }
        for task in tasks
        for item in task["tasks"]
        for line in item["task"]
    ]
    put("answers.jsonl", questions)
    right = {}

    def between(words):
        if words[:2] == ["prepare", "exec-verify"]:
            for row in json.loads(Path("data/sft.json").read_text()):
                human, answer = row["conversations"][-2:]
                right[human["value"]] = answer["value"]

    with ChatServer(reply=lambda request: right.get(said(request), "<answer>\nassert 1\n</answer>")) as server:
        # a model's functions, and their difficulty, are scripted in tests/datasets/exec_verify
        assert run("exec-verify.md", server, between=between, but=(*PIPELINE, *BENCHMARKS)) == 10
    assert json.loads(Path("data/sampled/sft.json").read_text())
    asked = lambda row: row["prompt"][-1]["content"]  # noqa: E731
    full = scores("data/train.parquet", verl.white_box, lambda row: right[asked(row)])
    assert full == [1.0] * len(full)
    assert max(scores("data/train.parquet", verl.white_box, lambda row: "no answer")) == 0.0
    program = "<answer>\n```python\na, b = map(int, input().split())\nprint(a + b)\n```\n</answer>"
    (best,) = scores("data/code_train.parquet", verl.unit_tests, lambda row: program)
    (worst,) = scores("data/code_train.parquet", verl.unit_tests, lambda row: program.replace("+", "-"))
    assert best > 1.0 > 0.1 > worst
    assert parquet.read_table("data/code_validation.parquet").to_pylist()[0]["extra_info"]["split"] == "validation"


def test_grrm():
    groups = fixture("grrm/mt_ranking.jsonl")
    for path in (
        "parquet_data/TowerBlocks-MT-Ranking/train.parquet",
        "parquet_data/TowerBlocks-MT-Ranking/test.parquet",
        "test_wmt.parquet",
        "test_seedx.parquet",
    ):
        put(path, groups)
    reply = "The first is better.\n\n### Final Ranking:\n\nA > B\n\n### Scores:\n\nA: 8, B: 3"
    translations = [{name: groups[0][name] for name in ("src_text", "src_lang", "trg_lang")} | {"trg_text": "x"}] * 4
    put("parquet_data/TowerBlocks-MT/train.parquet", translations)
    put("parquet_data/TowerBlocks-MT-CoT-ZhEn/train.parquet", [{**row, "response": "..."} for row in translations])
    put("groups.jsonl", [{**translations[0], "mt_texts": groups[0]["mt_texts"]}])
    Path("prompt.txt").write_text(PROMPT, "utf-8")

    def answer(request):
        return reply if "###" in said(request) or "anking" in said(request) else "Compared.\n\nA: 8, B: 3"

    with ChatServer(reply=answer) as server:
        assert run("grrm.md", server, but=("translations.jsonl",)) >= 10
    assert parquet.read_table("mt/train.parquet").num_rows > 4

    def rank(row):
        gold = json.loads(row["reward_model"]["ground_truth"])
        best = sorted(gold, key=gold.get, reverse=True)
        order = "".join(f"{' > ' if gold[a] > gold[b] else ' = '}{b}" for a, b in itertools.pairwise(best))
        return f"Compared.\n\n### Final Ranking:\n\n{best[0]}{order}\n\n### Scores:\n\n" + ", ".join(
            f"{name}: {gold[name]:g}" for name in best
        )

    assert set(scores("rl_train.parquet", verl.ranking_score_reward_fn, rank)) == {2.0}
    assert max(scores("rl_train.parquet", verl.ranking_score_reward_fn, lambda row: "Both are good.")) == 0.0
    assert "sft_towerblocks_mt_ranking" in json.loads(Path("LLaMA-Factory/data/dataset_info.json").read_text())
    assert json.loads(Path("accuracy.json").read_text())


def test_trivia():
    tables = [row for row in fixture("trivia/tables_qa.jsonl") if row.get("otsl")]
    ask = {"role": "user", "content": "Write the table in OTSL.\n<image>"}
    rows = [
        {
            "messages": [ask, {"role": "assistant", "content": "<table></table>"}],
            "qa_pairs": row["qa_pairs"],
            "images": [str(Path("image.png").resolve())],
        }
        for row in tables * 10
    ]
    pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    Path("image.png").write_bytes(base64.b64decode(pixel))
    put("pairs.jsonl", rows)
    put("tables.jsonl", [{"otsl": row["otsl"], "images": ["image.png"]} for row in tables])
    for name in ("synthetic.jsonl", "real.jsonl"):
        put(name, [{"otsl": row["otsl"], "images": [str(Path("image.png").resolve())]} for row in tables])
    pairs = json.dumps([{"question": "How many cells?", "answer": "1,823"}])

    def reply(request):
        text = said(request)
        if "OTSL" in text and "<nl>" not in text:
            return tables[0]["otsl"].replace("63", str(len(server.received)))
        return pairs

    with ChatServer(reply=reply) as server:
        # the models behind the questions, and the benchmarks, are tested in tests/datasets/trivia
        assert (
            run(
                "trivia.md",
                server,
                but=(
                    "trivia-questions",
                    "trivia-benchmark",
                    "pubtabnet",
                    "omnidocbench",
                    "pubtabnet.jsonl",
                    "omnidoc.jsonl",
                ),
            )
            >= 5
        )
    assert read("data/kept.jsonl")
    assert parquet.read_table("data_verl/train.parquet").num_rows > 5


def test_rl_tango():
    put(
        "raw/deepmath/part.parquet",
        [{"question": f"What is {n}+1?", "final_answer": str(n + 1), "difficulty": float(n % 10)} for n in range(2200)],
    )
    box = {"from": "gpt", "value": "So it is \\boxed{3}."}
    put(
        "raw/eurus2-sft/part.parquet",
        [
            {"task": "Math", "conversations": [{"from": "human", "value": f"What is 1+2 ({n})?"}, box]}
            for n in range(12)
        ],
    )
    sets = {
        "MATH500": {"problem": "1+1?", "solution": "...", "answer": "2", "subject": "Algebra", "level": 1},
        "AIME2024": {"ID": "2024-I-1", "Problem": "1+1?", "Solution": "...", "Answer": 204},
        "AIME2025": {"problem_idx": 1, "problem": "1+1?", "answer": "70"},
        "AMC2023": {"id": 0, "question": "1+1?", "answer": 27.0},
        "OlympiadBench": {"question": "1+1?", "final_answer": ["$2$"]},
        "BGQA": {"example": "The dog barks. Does it?", "label": "disproved"},
        "CRUXEval": {"code": "def f(x):\n    return x", "input": "'a'", "output": "'a'", "id": "sample_0"},
        "StrategyQA": {"question": "Is ice cold?", "answer": True, "facts": ["Ice is frozen."]},
        "TableBench": {
            "qtype": "FactChecking",
            "question": "Who won?",
            "answer": "Spain",
            "table": {"columns": ["a"], "data": [["Spain"]]},
        },
    }
    for name, row in sets.items():
        put(f"raw/{name}/test.jsonl", [row])
    solution = "<think>\n<step>1 and 2</step>\n<step>are</step>\n<step>3</step>\n</think>\n<answer>\\boxed{3}</answer>"
    with ChatServer(reply=solution) as server:
        assert run("tango.md", server) == 25
    for name in ("sft_llm", "sft_lrm"):
        counts = [parquet.read_table(f"data/{name}/{part}.parquet").num_rows for part in ("train", "test")]
        assert counts == [11, 1]
    assert parquet.read_table("data/rl/validation.parquet").num_rows == 2000
    assert parquet.read_table("data/lrm/train_hard.parquet").num_rows > 20
    assert parquet.read_table("data/sft_all.parquet").column("responses").to_pylist() == [[solution]] * 12
