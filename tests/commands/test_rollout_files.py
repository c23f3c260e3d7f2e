"""Rollouts in the files that trainers and servers write: the right numbers from `score` and from `profile`."""

from __future__ import annotations

import bz2
import csv
import gzip
import json
import lzma
import os
import threading

import pytest

from command_line import command, here, read, write
from table_rewards.datasets.files import RowWriter

QUESTIONS = ["How many medals did Norway win?", "Who scored most?"]
FOUR = [(0, "16", "16"), (0, "17", "16"), (1, "Jane", "Jane"), (1, "Jane", "Jane")]
"""(question, answer, gold): three of four are right; the completions of the second question are all alike."""


def said(answer):
    return f"I look at the table.\nFinal Answer: {answer}"


def rows():
    return [{"prompt": QUESTIONS[q], "completion": said(a), "answer": g} for q, a, g in FOUR]


def swift_log(folder):
    """ms-swift's completions.jsonl: one line a logging step, every column a list."""
    columns = {
        "step": ["1"] * 4,
        "prompt": [f"<|im_start|>user\n{QUESTIONS[q]}<|im_end|>\n<|im_start|>assistant\n" for q, _, _ in FOUR],
        "completion": [said(a) for _, a, _ in FOUR],
        "solution": [g for _, _, g in FOUR],
        "TableBench": [1.0, 0.0, 1.0, 1.0],
        "advantages": [0.7, -0.7, 0.0, 0.0],
    }
    return write(folder / "completions.jsonl", [columns])


def swift_folder(folder):
    """What ms-swift leaves in its output folder."""
    swift_log(folder)
    (folder / "args.json").write_text('{"model": "x"}')
    write(folder / "logging.jsonl", [{"loss": 0.1}])
    return folder


def batch(folder):
    columns = {
        "prompt": [QUESTIONS[q] for q, _, _ in FOUR],
        "response": [said(a) for _, a, _ in FOUR],
        "answer": [g for _, _, g in FOUR],
        "epoch": 3,
    }
    (folder / "batch.json").write_text(json.dumps(columns, indent=2))
    return folder / "batch.json"


def verl_folder(folder):
    """verl's rollout dumps: one file a step, named after it."""
    inputs = [f"user\n{QUESTIONS[q]}\nassistant\n" for q, _, _ in FOUR]
    for step in (2, 10):
        part = slice(0, 2) if step == 2 else slice(2, 4)
        write(
            folder / f"{step}.jsonl",
            [
                {"input": asked, "output": said(a), "gts": g, "score": float(a == g), "step": step}
                for asked, (_, a, g) in list(zip(inputs, FOUR, strict=True))[part]
            ],
        )
    return folder


def verl_pattern(folder):
    return verl_folder(folder) / "*.jsonl"


def swift_results(folder):
    return write(
        folder / "result.jsonl",
        [
            {
                "response": said(a),
                "labels": g,
                "logprobs": None,
                "answer": g,
                "messages": [
                    {"role": "user", "content": QUESTIONS[q]},
                    {"role": "assistant", "content": said(a)},
                ],
            }
            for q, a, g in FOUR
        ],
    )


def chats_alone(folder):
    return write(
        folder / "chats.jsonl",
        [
            {
                "id": "",
                "answer": g,
                "messages": [{"role": "user", "content": QUESTIONS[q]}, {"role": "assistant", "content": said(a)}],
            }
            for q, a, g in FOUR
        ],
    )


def parts(folder):
    message = lambda text: [{"role": "assistant", "content": [{"type": "text", "text": text}]}]  # noqa: E731
    return write(folder / "parts.jsonl", [{**row, "completion": message(row["completion"])} for row in rows()])


def share_gpt(folder):
    turns = lambda row: [  # noqa: E731
        {"from": "human", "value": row["prompt"]},
        {"from": "gpt", "value": row["completion"]},
    ]
    return write(folder / "s.jsonl", [{"conversations": turns(row), "answer": row["answer"]} for row in rows()])


def vllm(folder):
    samples = lambda i: [{"index": k, "text": rows()[i + k]["completion"]} for k in (0, 1)]  # noqa: E731
    return write(
        folder / "vllm.jsonl",
        [{"prompt": QUESTIONS[i // 2], "outputs": samples(i), "answer": FOUR[i][2]} for i in (0, 2)],
    )


def openai(folder):
    choices = lambda i: [  # noqa: E731
        {"index": k, "message": {"role": "assistant", "content": rows()[i + k]["completion"]}} for k in (0, 1)
    ]
    return write(
        folder / "openai.jsonl",
        [{"prompt": QUESTIONS[i // 2], "response": {"choices": choices(i)}, "answer": FOUR[i][2]} for i in (0, 2)],
    )


def trl(folder):
    with RowWriter(folder / "completions_00010.parquet") as writer:
        writer.write(
            {
                "step": 10,
                "prompt": [{"role": "user", "content": row["prompt"]}],
                "completion": [{"role": "assistant", "content": row["completion"]}],
                "table_bench": 0.0,
                "advantage": 0.0,
                "answer": row["answer"],
            }
            for row in rows()
        )
    return folder


def null_ids(folder):
    return write(folder / "n.jsonl", [{"id": None, "uid": "", "index": "nan", **row} for row in rows()])


def sample_numbers(folder):
    """``index`` is the sample's number here: it says nothing of the prompt."""
    return write(folder / "n.jsonl", [{"index": i % 2, **row} for i, row in enumerate(rows())])


def csv_file(folder):
    with (folder / "r.csv").open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, ["prompt", "completion", "answer"])
        writer.writeheader()
        writer.writerows(rows())
    return folder / "r.csv"


def tab_separated(folder):
    lines = ["prompt\tcompletion\tanswer", *(f"{r['prompt']}\tFinal Answer: {a}\t{r['answer']}" for r, (_, a, _) in
             zip(rows(), FOUR, strict=True))]  # fmt: skip
    (folder / "r.tsv").write_text("\n".join(lines))
    return folder / "r.tsv"


def wrapped(folder):
    (folder / "w.json").write_text(json.dumps({"version": 1, "data": rows()}, indent=1))
    return folder / "w.json"


def wrapped_in_one_line(folder):
    (folder / "w.json").write_text(json.dumps({"data": rows()}))
    return folder / "w.json"


def indented(folder):
    (folder / "i.json").write_text("\n".join(json.dumps(row, indent=2) for row in rows()))
    return folder / "i.json"


def arrow_on_disk(folder):
    """What Hugging Face's ``save_to_disk`` writes."""
    pyarrow = pytest.importorskip("pyarrow")
    split = folder / "train"
    split.mkdir()
    table = pyarrow.Table.from_pylist(rows())
    path = str(split / "data-00000-of-00001.arrow")
    with pyarrow.OSFile(path, "wb") as sink, pyarrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    (split / "state.json").write_text(json.dumps({"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}))
    (split / "dataset_info.json").write_text("{}")
    (folder / "dataset_dict.json").write_text('{"splits": ["train"]}')
    return folder


def zipped(folder):
    with gzip.open(folder / "r.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows())
    return folder / "r.jsonl.gz"


def packed(folder, name):
    """Compressed in another way; told by the bytes."""
    content = "".join(json.dumps(row) + "\n" for row in rows()).encode()
    if name == "zst":
        pyarrow = pytest.importorskip("pyarrow")
        with pyarrow.CompressedOutputStream(str(folder / "r.jsonl.zst"), "zstd") as file:
            file.write(content)
    else:
        (folder / f"r.jsonl.{name}").write_bytes({"bz2": bz2, "xz": lzma}[name].compress(content))
    return folder


def zstandard(folder):
    return packed(folder, "zst")


def bzip2(folder):
    return packed(folder, "bz2")


def xz(folder):
    return packed(folder, "xz")


def tracker_table(folder):
    """A table as Weights & Biases keeps it."""
    log = rows()
    table = {"columns": list(log[0]), "data": [list(row.values()) for row in log], "ncols": 3, "nrows": 4}
    (folder / "completions.table.json").write_text(json.dumps(table))
    return folder / "completions.table.json"


def chats_in_csv(folder):
    """TRL's table of completions as pandas writes it to csv: chats as Python shows them."""
    import pandas

    chats = [{**row, "prompt": [{"role": "user", "content": row["prompt"]}],
              "completion": [{"role": "assistant", "content": row["completion"]}]} for row in rows()]  # fmt: skip
    pandas.DataFrame(chats).to_csv(folder / "completions.csv", index=False)
    return folder / "completions.csv"


def lists_in_csv(folder):
    import pandas

    pairs = [{"prompt": QUESTIONS[i // 2], "responses": [said(FOUR[i + k][1]) for k in (0, 1)], "answer": FOUR[i][2]}
             for i in (0, 2)]  # fmt: skip
    pandas.DataFrame(pairs).to_csv(folder / "r.csv")
    return folder / "r.csv"


def openai_batch(folder):
    """The output of OpenAI's batches: ``id`` is the request's."""
    body = lambda row: {"choices": [{"index": 0, "message": {"role": "assistant", "content": row["completion"]}}]}  # noqa: E731
    return write(
        folder / "batch.jsonl",
        [{"id": f"r{i}", "response": {"status_code": 200, "body": body(row)}, "prompt": row["prompt"],
          "answer": row["answer"]} for i, row in enumerate(rows())],
    )  # fmt: skip


def gemini(folder):
    parts = lambda text: [{"text": "Final Answer: 0", "thought": True}, {"text": text}]  # noqa: E731
    reply = lambda row: {"candidates": [{"content": {"role": "model", "parts": parts(row["completion"])}}]}  # noqa: E731
    return write(
        folder / "g.jsonl", [{"prompt": r["prompt"], "response": reply(r), "answer": r["answer"]} for r in rows()]
    )


def ids_of_tasks(folder):
    """Nothing says what was asked: the id of the task does."""
    return write(
        folder / "s.jsonl",
        [{"task_id": f"t/{q}", "completion": said(a), "answer": g} for q, a, g in FOUR],
    )


def rows_under_their_ids(folder):
    (folder / "predictions.json").write_text(json.dumps({f"row-{i}": row for i, row in enumerate(rows())}, indent=1))
    return folder / "predictions.json"


def helm(folder):
    """HELM's ``scenario_state.json``: the right answer is a reference with a tag."""
    states = [
        {
            "instance": {
                "input": {"text": row["prompt"]},
                "references": [
                    {"output": {"text": "something else"}, "tags": []},
                    {"output": {"text": row["answer"]}, "tags": ["correct"]},
                ],
                "id": f"id{QUESTIONS.index(row['prompt'])}",
            },
            "request": {"prompt": row["prompt"], "model": "m"},
            "result": {"success": True, "completions": [{"text": row["completion"], "logprob": -1.0}]},
        }
        for row in rows()
    ]
    (folder / "scenario_state.json").write_text(json.dumps({"adapter_spec": {}, "request_states": states}, indent=2))
    return folder / "scenario_state.json"


def slime(folder):
    """``index`` is the sample's and ``group_index`` the prompt's."""
    return write(
        folder / "s.jsonl",
        [{"group_index": i // 2, "index": i, "prompt": row["prompt"], "response": row["completion"],
          "answer": row["answer"]} for i, row in enumerate(rows())],
    )  # fmt: skip


def checkpoints(folder):
    """One file a checkpoint, all of one name: the folder says the step."""
    for step, part in ((100, rows()[:2]), (200, rows()[2:])):
        (folder / f"checkpoint-{step}").mkdir()
        write(folder / f"checkpoint-{step}" / "rollouts.jsonl", part)
    return folder / "checkpoint-*" / "rollouts.jsonl"


def pandas_csv(folder):
    """With the index, which has no name."""
    import pandas

    pandas.DataFrame(rows()).to_csv(folder / "p.csv")
    return folder / "p.csv"


def pandas_json(folder):
    import pandas

    pandas.DataFrame(rows()).to_json(folder / "p.json")
    return folder / "p.json"


def tool_calls(folder):
    """What a tool answered differs from sample to sample; the prompt is what stands before."""
    turns = lambda i, row: [  # noqa: E731
        {"role": "user", "content": row["prompt"]},
        {"role": "assistant", "content": None, "tool_calls": [{"id": str(i)}]},
        {"role": "tool", "content": f"call {i}"},
        {"role": "assistant", "content": row["completion"]},
    ]
    return write(
        folder / "t.jsonl", [{"messages": turns(i, row), "answer": row["answer"]} for i, row in enumerate(rows())]
    )


def megatron_swift_log(folder):
    """ms-swift under Megatron counts generations: ``gen_step``."""

    def half(part):
        return {
            "gen_step": [part] * 2,
            "prompt": ["<|im_start|>user\nThe same question.<|im_end|>"] * 2,
            "completion": [said(a) for _, a, _ in FOUR[2 * part :][:2]],
            "solution": [FOUR[2 * part][2]] * 2,
        }

    return write(folder / "completions.jsonl", [half(0), half(1)])


def open_compass(folder):
    """OpenCompass's predictions: rows under their numbers, turns that say ``prompt``."""
    told = {
        str(i): {"origin_prompt": [{"role": "HUMAN", "prompt": QUESTIONS[q]}], "prediction": said(a), "answer": g}
        for i, (q, a, g) in enumerate(FOUR)
    }
    (folder / "gsm8k.json").write_text(json.dumps(told, indent=4))
    return folder / "gsm8k.json"


def lighteval(folder):
    """lighteval's details: the texts of a document's samples are a list in ``model_response``."""
    with RowWriter(folder / "details.parquet") as writer:
        writer.write(
            {
                "prompt": QUESTIONS[i // 2],
                "answer": FOUR[i][2],
                "model_response": {"text": [said(FOUR[i + k][1]) for k in (0, 1)], "output_tokens": [[1], [2]]},
            }
            for i in (0, 2)
        )
    return folder / "details.parquet"


def lm_eval_filters(folder):
    """lm-eval's samples: every completion once for each filter."""
    rows = [
        {
            "doc_id": i // 2,
            "doc": {"question": QUESTIONS[i // 2]},
            "answer": FOUR[i][2],
            "arguments": {"gen_args_0": {"arg_0": QUESTIONS[i // 2], "arg_1": {"do_sample": True}}},
            "resps": [[said(FOUR[i][1]), said(FOUR[i + 1][1])]],
            "filtered_resps": [FOUR[i][1]],
            "filter": name,
        }
        for name in ("strict-match", "flexible-extract")
        for i in (0, 2)
    ]
    return write(folder / "samples_task.jsonl", rows)


def sky_rl(folder):
    rows = [
        {"input_prompt": QUESTIONS[q], "output": said(a), "answer": g, "score": [0.0], "env_extras": {}}
        for q, a, g in FOUR
    ]
    return write(folder / "s.jsonl", rows)


def feather(folder):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import feather as format

    format.write_feather(pyarrow.Table.from_pylist(rows()), str(folder / "r.feather"))
    return folder


def whole_chats(folder):
    """Prompt and completion in one column."""
    talk = lambda row: [  # noqa: E731
        {"role": "user", "content": row["prompt"]},
        {"role": "assistant", "content": row["completion"]},
    ]
    return write(folder / "w.jsonl", [{"completion": talk(row), "answer": row["answer"]} for row in rows()])


SHAPES = [
    whole_chats,
    *(megatron_swift_log, open_compass, lighteval, lm_eval_filters, sky_rl, feather),
    *(pandas_csv, pandas_json, tool_calls),
    *(swift_log, swift_folder, batch, verl_folder, verl_pattern, swift_results, chats_alone, parts, share_gpt, vllm),
    *(openai, trl, null_ids, sample_numbers, csv_file, tab_separated, wrapped, wrapped_in_one_line, indented),
    *(arrow_on_disk, zipped, zstandard, bzip2, xz, tracker_table, chats_in_csv, lists_in_csv, openai_batch, gemini),
    *(ids_of_tasks, slime, checkpoints, rows_under_their_ids, helm),
]


@pytest.mark.parametrize("verb", ["score", "profile"])
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_the_numbers_are_the_same_in_every_shape(tmp_path, shape, verb):
    words = ["--calls", 2] if verb == "profile" else ["--quiet"]
    told = json.loads(here(verb, shape(tmp_path), "--reward", "table_bench", "--json", *words, check=0).stdout)
    assert (told["rows"], told["mean"]) == (4, 0.75)
    assert told["status"] == {"scored": 4, "unparsed": 0, "unscored": 0}
    groups = told["prompts"]
    assert (groups["prompts"], groups["with_several_completions"], groups["zero_variance_share"]) == (2, 2, 0.5)


def test_standard_input_is_a_file(tmp_path):
    text = "".join(json.dumps(row) + "\n" for row in rows())
    done = command("score", "-", "--reward", "table_bench", "--json", "--quiet", stdin=text, check=0)
    assert json.loads(done.stdout)["prompts"]["zero_variance_share"] == 0.5


def test_a_pipe_is_a_file(tmp_path):
    """Such as the shell's ``<(zcat rollouts.gz)``."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for content, status in ((b"".join(json.dumps(row).encode() + b"\n" for row in rows()), 0), (b"", 3)):
        writer = threading.Thread(target=pipe.write_bytes, args=(content,))
        writer.start()
        done = here("score", pipe, "--reward", "table_bench", "--json", check=status)
        writer.join()
        told = json.loads(done.stdout)["mean"] if status == 0 else done.stderr
        assert told == (0.75 if status == 0 else "table-rewards: standard input: the file is empty\n")


def test_a_file_is_opened_once(tmp_path):
    """34 and 8 times, it used to be; on a network drive every one is a round trip."""
    code = (
        "import sys\nopened = []\n"
        "sys.addaudithook(lambda event, args: opened.append(args[0]) if event == 'open' else None)\n"
        "from table_rewards.commands.main import main\n"
        "main([sys.argv[1], sys.argv[2], '--reward', 'table_bench', '--json'])\n"
        "print(sum(str(name) == sys.argv[2] for name in opened), file=sys.stderr)"
    )
    import subprocess
    import sys

    for verb in ("score", "profile"):
        path = write(tmp_path / "r.jsonl", rows() * 50)
        done = subprocess.run([sys.executable, "-c", code, verb, str(path)], capture_output=True, text=True, timeout=60)
        assert done.stderr.strip() == "1"


def group_numbers(path, reward="table_bench"):
    told = json.loads(here("profile", path, "--reward", reward, "--json", "--calls", 1, check=0).stdout)
    return told["prompts"]["prompts"], told["prompts"]["zero_variance_share"], told


def test_steps_are_groups_of_their_own(tmp_path):
    row = lambda step, a: {"input": "How many?", "output": said(a), "gts": "16", "step": step}  # noqa: E731
    path = write(tmp_path / "d.jsonl", [row(1, "17")] * 4 + [row(2, "16")] * 4)
    assert group_numbers(path)[:2] == (2, 1.0)


def test_images_of_one_prompt_text_are_prompts_of_their_own(tmp_path):
    html = lambda *cells: "<table><tr>" + "".join(f"<td>{c}</td>" for c in cells) + "</tr></table>"  # noqa: E731
    equal = [
        {"prompt": "<image>Convert.", "images": [f"{i}.png"], "completion": html(c, "7"), "solution": html("Oslo", "7")}
        for i in (0, 1)
        for c in ("Oslo", "Oslo", "Rome")
    ]
    assert group_numbers(write(tmp_path / "a.jsonl", equal), "cell_f1")[:2] == (2, 0.0)
    pixels = [{**row, "images": [{"bytes": row["images"][0].encode(), "path": None}]} for row in equal]
    with RowWriter(tmp_path / "b.parquet") as writer:
        writer.write(pixels)
    assert group_numbers(tmp_path / "b.parquet", "cell_f1")[:2] == (2, 0.0)


def test_references_tell_prompts_apart(tmp_path):
    """Rows whose images were not logged: one text, two references, no spread in either."""
    log = [{"prompt": "Convert.", "completion": said("a"), "answer": gold} for gold in ("a", "b") for _ in range(4)]
    assert group_numbers(write(tmp_path / "a.jsonl", log))[:2] == (2, 1.0)


def test_an_instruction_is_told_apart_by_its_input(tmp_path):
    log = [
        {"instruction": "Add.", "input": f"{i}+1", "output": said(str(j)), "answer": "1"}
        for i in (0, 1)
        for j in (1, 2)
    ]
    assert group_numbers(write(tmp_path / "a.jsonl", log))[:2] == (2, 0.0)


@pytest.mark.parametrize("name", ["id", "index"])
def test_numbers_of_rows_are_no_prompts(tmp_path, name):
    """pandas' index and servers' ids count rows: taken for prompts, every group would have one completion."""
    path = write(tmp_path / "a.jsonl", [{name: i, **row} for i, row in enumerate(rows())])
    prompts, dead, told = group_numbers(path)
    assert (prompts, dead) == (2, 0.5)
    assert f"--prompt-column {name}" in " ".join(told["advice"])
    done = here("profile", path, "--reward", "table_bench", "--json", "--prompt-column", name, check=0)
    assert json.loads(done.stdout)["prompts"]["prompts"] == 4


def test_ids_of_rows_are_told_when_prompts_repeat(tmp_path):
    """``uid`` is a prompt's by its name: it counts, and the doubt is told."""
    path = write(tmp_path / "a.jsonl", [{"uid": i, **row} for i, row in enumerate(rows())])
    prompts, _, told = group_numbers(path)
    assert prompts == 4
    assert "--prompt-column prompt" in " ".join(told["advice"])
    done = here("profile", path, "--reward", "table_bench", "--json", "--prompt-column", "prompt", check=0)
    assert json.loads(done.stdout)["prompts"]["prompts"] == 2


def test_ids_that_begin_anew_are_other_prompts(tmp_path):
    """Data sets that are read as one count from 0 each: what was asked tells their prompts apart, also far down."""
    asked = lambda name, right: [  # noqa: E731
        {"id": i, "prompt": f"{name} {i}?", "completion": said(1 if k < right else 0), "answer": "1"}
        for i in range(60)
        for k in (0, 1)
    ]
    (tmp_path / "logs").mkdir()
    write(tmp_path / "logs" / "a.jsonl", asked("medals", 1))
    write(tmp_path / "logs" / "b.jsonl", asked("goals", 2))
    prompts, dead, _ = group_numbers(tmp_path / "logs")
    assert (prompts, dead) == (120, 0.5)
    both = asked("medals", 1) + asked("goals", 2)
    (one,) = compared(tmp_path, both, [{**row, "completion": said(1)} for row in both[::-1]])
    assert (one["rows"], one["lower"]) == (120, 0)
    assert one["only_first"] == one["only_second"] == 120


def test_a_batch_of_uneven_columns_is_refused(tmp_path):
    """Nobody knows which gold answer belongs to which completion: any pairing would be wrong in silence."""
    columns = {"prompt": ["a", "b", "c"], "completion": [said(7)] * 3, "solution": ["7", "8"]}
    done = here("score", write(tmp_path / "completions.jsonl", [columns]), "--reward", "table_bench", check=3)
    assert "3 in 'completion', 2 in 'solution'" in done.stderr


@pytest.mark.parametrize("shape", ["one line", "indented"])
def test_a_list_in_a_row_is_no_wrapper_of_rows(tmp_path, shape):
    """The samples of the first row were once taken for the file's rows, and the rest of the file was dropped."""
    log = [
        {"prompt": QUESTIONS[i // 2], "samples": [{"text": said(FOUR[i + k][1])} for k in (0, 1)], "answer": FOUR[i][2]}
        for i in (0, 2)
    ]
    path = tmp_path / "s.json"
    path.write_text("\n".join(json.dumps(row, indent=1 if shape == "indented" else None) for row in log))
    assert group_numbers(path)[:2] == (2, 0.5)
    path.write_text(json.dumps(log[0]))
    assert group_numbers(path)[2]["rows"] == 2


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"PK\x03\x04....", "a zip archive"),
        (b"\x80\x04\x95....", "a pickle, which is never read"),
        ('{"prompt": "a"}'.encode("utf-16"), "UTF-16"),
        (b"SQLite format 3\x00", "SQLite"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        (b"<!doctype html><html>404</html>", "a download that failed"),
        (b"r.jsonl" + bytes(250) + b"ustar\x0000", "a tar archive"),
    ],
)
def test_what_people_try_is_refused_by_its_name(tmp_path, content, told):
    path = tmp_path / "rollouts.jsonl"
    path.write_bytes(content)
    assert told in here("score", path, "--reward", "table_bench", check=3).stderr


def test_a_chat_that_numpy_printed_is_refused(tmp_path):
    """Its commas are gone: read as text, every completion would hold the marks of the print."""
    chat = "[{'role': 'assistant', 'content': 'Final Answer: 7'}\n {'role': 'assistant', 'content': 'Final Answer: 8'}]"
    with (tmp_path / "r.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["prompt", "completion", "answer"], ["a", chat, "7"]])
    assert "cannot be read back" in here("score", tmp_path / "r.csv", "--reward", "table_bench", check=3).stderr


@pytest.mark.parametrize(
    ("columns", "named"),
    [(["target"], "target"), (["label"], "label"), (["doc"], None)],
)
def test_a_reference_under_another_name_is_asked_for(tmp_path, columns, named):
    log = [{"prompt": row["prompt"], "completion": row["completion"], columns[0]: row["answer"]} for row in rows()]
    path = write(tmp_path / "a.jsonl", log)
    said_so = here("score", path, "--reward", "table_bench", check=3).stderr
    assert (f"did you mean --reference-column {named}?" if named else "see --reference-column") in said_so
    done = here("score", path, "--reward", "table_bench", "--json", "--reference-column", columns[0], check=0)
    assert json.loads(done.stdout)["mean"] == 0.75


def test_a_place_below_a_column_is_named_with_dots(tmp_path):
    log = [
        {"doc": {"question": row["prompt"], "gold": row["answer"]}, "resps": [[row["completion"]]], "target": "x"}
        for row in rows()
    ]
    path = write(tmp_path / "samples.jsonl", log)
    words = ["--reward", "table_bench", "--json", "--reference-column"]
    told = json.loads(here("profile", path, *words, "doc.gold", "--prompt-column", "doc.question", check=0).stdout)
    assert (told["mean"], told["prompts"]["prompts"]) == (0.75, 2)
    assert "no column 'doc.golden'" in here("profile", path, *words, "doc.golden", check=3).stderr


def test_length_is_correlated_within_prompts(tmp_path):
    """Long prompts are easy; in every prompt the longer completion is the wrong one."""
    log = []
    for p in range(40):
        base, easy = (400, 6) if p % 2 == 0 else (20, 2)
        for k in range(8):
            right = k < easy
            text = "x" * (base + (0 if right else 60) + k) + f"\nFinal Answer: {7 if right else 8}"
            log.append({"prompt": f"question {p}", "completion": text, "answer": "7"})
    told = group_numbers(write(tmp_path / "a.jsonl", log))[2]
    assert told["length"]["within_prompts"] < -0.5
    assert told["length"]["over_all"] > 0.2
    assert "shorter completions score higher within prompts" in " ".join(told["advice"])


def test_profile_reads_the_whole_file_or_says_that_it_did_not(tmp_path):
    path = write(tmp_path / "a.jsonl", rows() * 2000)
    assert group_numbers(path)[2]["rows"] == 8000
    done = here("profile", path, "--reward", "table_bench", "--limit", 100, check=0)
    assert "only the first 100 rows" in done.stdout


@pytest.mark.parametrize("shape", [verl_folder, swift_log, trl])
def test_the_scores_of_a_log_are_reported_without_scoring(tmp_path, shape):
    column = {verl_folder: [], swift_log: ["--score-column", "TableBench"], trl: ["--score-column", "table_bench"]}
    told = json.loads(here("report", shape(tmp_path), "--json", *column[shape], check=0).stdout)["files"][0]
    assert (told["rows"], told["mean"]) == (4, 0.0 if shape is trl else 0.75)
    assert told["prompts"]["prompts"] == 2


def test_a_log_without_a_score_names_the_columns_that_could_be(tmp_path):
    done = here("report", swift_log(tmp_path), check=3)
    assert "--score-column takes TableBench" in done.stderr


def test_runs_of_different_questions_are_not_compared_and_reordered_ones_are_joined(tmp_path):
    first = [
        {"uid": f"u{i}", "prompt": f"q{i}", "completion": said("7" if i % 3 else "8"), "answer": "7"} for i in range(12)
    ]
    second = [{**row, "completion": said("9" if i == 5 else "7")} for i, row in enumerate(first)][::-1]
    other = [{"prompt": f"elsewhere {i}", "completion": said("7"), "answer": "7"} for i in range(12)]
    outs = []
    for name, log in (("a", first), ("b", second), ("c", other)):
        outs.append(tmp_path / f"{name}.scores.jsonl")
        words = ["--reward", "table_bench", "--quiet", "--out", outs[-1]]
        here("score", write(tmp_path / f"{name}.jsonl", log), *words, check=0)
    (one,) = json.loads(here("report", outs[0], outs[1], "--json", check=0).stdout)["pairs"]
    assert (one["rows"], one["higher"], one["lower"], one["only_first"]) == (12, 4, 1, 0)
    assert one["difference"] == pytest.approx(0.25)
    assert json.loads(here("report", outs[0], outs[2], "--json", check=0).stdout)["pairs"] == []
    assert "no completion in common" in here("report", outs[0], outs[2], check=0).stdout


def compared(tmp_path, first, second):
    outs = []
    for name, log in (("a", first), ("b", second)):
        outs.append(tmp_path / f"{name}.scores.jsonl")
        words = ["--reward", "table_bench", "--quiet", "--out", outs[-1], "--overwrite"]
        here("score", write(tmp_path / f"{name}.jsonl", log), *words, check=0)
    return json.loads(here("report", *outs, "--json", check=0).stdout)["pairs"]


def test_ids_that_are_row_numbers_of_other_data_are_no_prompts_in_common(tmp_path):
    log = lambda name: [  # noqa: E731
        {"id": i, "prompt": f"{name} {i}?", "completion": said("yes"), "answer": "yes" if i % 2 else f"{name}"}
        for i in range(10)
    ]
    assert compared(tmp_path, log("France"), log("Faust")) == []


@pytest.mark.parametrize("name", ["uid", "index"])
@pytest.mark.parametrize("steps", [(None, None), (1, 1), (1, 2)])
def test_runs_whose_ids_say_nothing_are_compared_by_what_they_ask(tmp_path, name, steps):
    """verl draws a uid for each run, and row numbers move with the rows: equal ones would pair different questions."""
    log = lambda run, order, right: [  # noqa: E731
        {name: f"{run}-{i}" if name == "uid" else number, "prompt": f"What is {i}?", "answer": str(i),
         "completion": said(i if i < right else "?"), **({"step": steps[run]} if steps[run] else {})}
        for number, i in enumerate(order)
    ]  # fmt: skip
    (one,) = compared(tmp_path, log(0, range(10), 4), log(1, [*range(5, 10), *range(5)], 6))
    assert (one["rows"], one["higher"], one["lower"], one["only_first"]) == (10, 2, 0, 0)
    assert len(one["changed"]) == 2
    done = here("report", tmp_path / "a.scores.jsonl", tmp_path / "b.scores.jsonl", "--html", tmp_path / "r.html")
    assert done.returncode == 0, done.stderr
    assert '"changed"' in (tmp_path / "r.html").read_text("utf-8")


def test_runs_that_ask_the_same_in_other_words_are_compared_by_id(tmp_path):
    log = lambda words, right: [  # noqa: E731
        {"id": i, "prompt": f"{words} {i}?", "completion": said(i if i < right else "?"), "answer": str(i)}
        for i in range(10)
    ]
    (one,) = compared(tmp_path, log("What is", 4), log("Tell me", 6))
    assert (one["rows"], one["higher"], one["lower"]) == (10, 2, 0)


def test_runs_of_different_steps_are_joined_on_the_prompt(tmp_path):
    log = lambda step, right: [  # noqa: E731
        {"prompt": f"q{i}", "completion": said(i if i < right else "?"), "answer": str(i), "step": step}
        for i in range(10)
    ]
    (one,) = compared(tmp_path, log(100, 4), log(200, 6))
    assert (one["rows"], one["higher"], one["difference"]) == (10, 2, pytest.approx(0.2))


def test_several_files_are_read_as_one(tmp_path):
    parts = [write(tmp_path / f"{i}.jsonl", rows()[2 * i : 2 * i + 2]) for i in range(2)]
    for verb in ("score", "profile"):
        told = json.loads(here(verb, *parts, "--reward", "table_bench", "--json", check=0).stdout)
        assert (told["rows"], told["prompts"]["zero_variance_share"]) == (4, 0.5)


def test_chats_of_equal_answers_are_told_apart_by_what_they_ask(tmp_path):
    """What a row shares with the one before is read once; a chat that holds prompt and completion shares nothing."""
    chat = lambda asked: [{"role": "user", "content": asked}, {"role": "assistant", "content": said(7)}]  # noqa: E731
    log = [{"messages": chat(f"question {i // 2}"), "answer": "7"} for i in range(6)]
    out = tmp_path / "scores.jsonl"
    here("score", write(tmp_path / "a.jsonl", log), "--reward", "table_bench", "--quiet", "--out", out, check=0)
    assert len({row["content"] for row in read(out)}) == len({row["prompt"] for row in read(out)}) == 3


def test_a_reference_that_changes_within_a_prompt_is_read_anew(tmp_path):
    log = [{"uid": "a", "prompt": "q", "completion": said(7), "answer": gold} for gold in ("7", "7", "8", "7")]
    out = tmp_path / "scores.jsonl"
    here("score", write(tmp_path / "a.jsonl", log), "--reward", "table_bench", "--quiet", "--out", out, check=0)
    assert [row["score"] for row in read(out)] == [1.0, 1.0, 0.0, 1.0]


@pytest.mark.parametrize("verb", ["score", "profile"])
def test_gold_answers_in_the_place_of_completions_are_told(tmp_path, verb):
    """A data set for fine-tuning has a `response` that is the answer wanted: scored, it earns all and says nothing."""
    log = [
        {"query": f"q{i}", "response": f"Final Answer: {i}", "answer": f"Final Answer: {i}", "generations": ["no idea"]}
        for i in range(10)
    ]
    path = write(tmp_path / "sft.jsonl", log)
    words = ["--calls", 0] if verb == "profile" else []
    done = here(verb, path, "--reward", "table_bench", *words, columns=200, check=0)
    said_so = done.stdout + done.stderr
    assert "('response') is its own gold answer ('answer')" in said_so
    assert "scoring column 'response'; there is also 'generations' (--completion-column)" in said_so
    done = here(
        verb, path, "--reward", "table_bench", *words, "--completion-column", "generations", columns=200, check=0
    )
    assert "own gold answer" not in done.stdout + done.stderr


def test_rows_of_several_models_are_told(tmp_path):
    """Their completions of one prompt differ though each model's are alike: no trainer would have that gradient."""
    log = [
        {"model_name": name, "prompt": "q", "completion": said(name), "answer": "a"} for name in "ab" for _ in (0, 1)
    ]
    told = group_numbers(write(tmp_path / "a.jsonl", log))[2]
    assert "of several models (a, b)" in " ".join(told["advice"])
    told = group_numbers(write(tmp_path / "a.jsonl", log[:2]))[2]
    assert "several models" not in " ".join(told["advice"])


@pytest.mark.parametrize("name", ["prompt", "text", "parts", "asks"])
def test_turns_are_told_apart_by_what_they_say_under_any_name(tmp_path, name):
    words = lambda text: [{"text": text}] if name == "parts" else text  # noqa: E731
    turns = lambda text: [{"role": "user", name: words(text)}]  # noqa: E731
    rows = [{"prompt": turns(f"q{i // 2}"), "completion": said("7" if i < 2 else "8"), "answer": "7"} for i in range(4)]
    path = write(tmp_path / "r.jsonl", rows)
    told = json.loads(here("score", path, "--reward", "table_bench", "--json", check=0).stdout)["prompts"]
    assert (told["prompts"], told["zero_variance_share"]) == (2, 1.0)


@pytest.mark.parametrize("row", [{"completion": None}, {"completion": [None]}, {}])
def test_a_completion_that_is_null_is_unscored_as_one_that_is_missing(tmp_path, row):
    rows = [{"prompt": "q", "answer": "7", "completion": said("7")}, {"prompt": "q", "answer": "7", **row}]
    path = write(tmp_path / "r.jsonl", rows)
    told = json.loads(here("score", path, "--reward", "table_bench", "--json", check=1).stdout)
    assert told["status"] == {"scored": 1, "unparsed": 0, "unscored": 1}
    assert told["mean"] == 1.0


def test_a_file_that_says_nothing_of_prompts_is_told(tmp_path):
    rows = [{"user_said": f"q{i // 2}", "completion": said("7"), "answer": "7"} for i in range(4)]
    path = write(tmp_path / "r.jsonl", rows)
    done = here("profile", path, "--reward", "table_bench", "--json", "--calls", 1, check=0)
    assert any("nothing says which prompt" in one for one in json.loads(done.stdout)["advice"])
    done = here("score", path, "--reward", "table_bench", "--json", "--prompt-column", "user_said", check=0)
    assert json.loads(done.stdout)["prompts"]["prompts"] == 2
    assert json.loads(done.stdout)["remarks"] == []


def test_numbers_of_files_that_are_taken_for_steps_are_told(tmp_path):
    write(tmp_path / "rollouts_0.jsonl", rows()[::2])
    write(tmp_path / "rollouts_1.jsonl", rows()[1::2])
    told = json.loads(here("score", tmp_path, "--reward", "table_bench", "--json", check=0).stdout)
    assert told["prompts"]["prompts"] == 4
    assert any("taken for training steps" in one for one in told["remarks"])


def test_lists_that_are_written_as_one_text_are_told(tmp_path):
    rows = [{"prompt": f"q{i}", "completion": json.dumps([said("7"), said("8")]), "answer": "7"} for i in range(2)]
    told = here("score", write(tmp_path / "r.jsonl", rows), "--reward", "table_bench", check=0).stderr
    assert "a list of texts that is written as one text" in told


def test_a_place_below_a_column_holds_the_completions(tmp_path):
    """EvalScope's reviews."""
    rows = [
        {"index": q, "input": QUESTIONS[q], "target": g, "sample_score": {"score": {"prediction": said(a)}}}
        for q, a, g in FOUR
    ]
    path = write(tmp_path / "r.jsonl", rows)
    words = ["--completion-column", "sample_score.score.prediction", "--reference-column", "target"]
    told = json.loads(here("score", path, "--reward", "table_bench", "--json", *words, check=0).stdout)
    assert (told["mean"], told["prompts"]["prompts"]) == (0.75, 2)
    shown = here("explain", path, "--reward", "table_bench", "--row", 1, *words, check=0).stdout
    assert "17" in shown
    done = here("score", path, "--reward", "table_bench", "--completion-column", "sample_score.nothing", check=3)
    assert "no column 'sample_score.nothing'" in done.stderr


def test_completions_that_are_bytes_are_refused(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    columns = {"prompt": ["q"], "completion": pyarrow.array([said("7").encode()]), "answer": ["7"]}
    parquet.write_table(pyarrow.table(columns), tmp_path / "r.parquet")
    assert "holds bytes" in here("score", tmp_path / "r.parquet", "--reward", "table_bench", check=3).stderr


def test_completions_that_nobody_can_read_are_status_3_of_either_command(tmp_path):
    rows = [{"prompt": "q", "completion": {"0": "a", "1": "b"}, "answer": "7"}] * 2
    path = write(tmp_path / "r.jsonl", rows)
    for verb in ("score", "profile"):
        assert "no completion can be read" in here(verb, path, "--reward", "table_bench", check=3).stderr


@pytest.mark.parametrize("value", ["good", {"acc": 1.0}, [None]])
def test_a_log_whose_scores_are_no_numbers_is_refused(tmp_path, value):
    path = write(tmp_path / "r.jsonl", [{**row, "score": value, "acc": 1.0} for row in rows()])
    told = here("report", path, check=3).stderr
    assert "column 'score' holds no number" in told
    assert "--score-column takes acc" in told


def test_a_score_that_is_not_finite_is_unscored(tmp_path):
    path = write(tmp_path / "r.jsonl", [{**row, "score": float("inf") if i else 1.0} for i, row in enumerate(rows())])
    told = json.loads(here("report", path, "--json", check=0).stdout)["files"][0]
    assert (told["mean"], told["status"]["unscored"]) == (1.0, 3)


def test_numbers_of_rows_and_steps_are_offered_as_no_score(tmp_path):
    path = write(tmp_path / "r.jsonl", [{**row, "gen_step": 3, "doc_id": 4, "acc": 1.0} for row in rows()])
    assert here("report", path, check=3).stderr.rstrip().endswith("--score-column takes acc")


def test_a_report_of_a_log_says_how_its_prompts_were_told(tmp_path):
    path = write(tmp_path / "r.jsonl", [{"said_by": "q", "completion": "a", "score": i} for i in range(4)])
    assert "nothing says which prompt" in here("report", path, check=0).stderr


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"prompt,completion,answer\nq \xe9,a,7\n", "not in UTF-8"),
        (b"prompt,completion,answer,answer\nq,a,7,8\n", "column 'answer' stands twice"),
        (b"sep=;\nprompt;completion;answer\nq;a;7\n", "Excel's 'sep=;'"),
        (b'"a, b",<x>=1\nq,a\n', "no header with names of columns"),
    ],
)
def test_a_csv_file_that_cannot_be_read_says_why(tmp_path, content, told):
    (tmp_path / "r.csv").write_bytes(content)
    assert told in here("score", tmp_path / "r.csv", "--reward", "table_bench", check=3).stderr


def test_lists_that_numpy_printed_are_no_single_completion(tmp_path):
    """Python reads ``['a' 'b']`` as one text: the score of the row would be of neither completion."""
    cells = ["['Final Answer: 7' 'Final Answer: 8']", "['Final Answer: 7', 'Final Answer: 8']"]
    (tmp_path / "r.csv").write_text("\n".join(["prompt,completions,answer", *(f'q,"{cell}",7' for cell in cells)]))
    told = json.loads(here("score", tmp_path / "r.csv", "--reward", "table_bench", "--json", check=1).stdout)
    assert (told["rows"], told["mean"], told["status"]["unscored"]) == (3, 0.5, 1)
    assert "cannot be read back" in json.dumps(told["notes"])


def test_questions_about_other_documents_are_other_prompts(tmp_path):
    rows = [
        {"question": "Sum?", "document": document, "completion": said(answer), "answer": "7"}
        for document, answer in [("a", "7"), ("a", "7"), ("b", "8"), ("b", "8")]
    ]
    told = json.loads(here("score", write(tmp_path / "r.jsonl", rows), "--reward", "table_bench", "--json").stdout)
    assert (told["prompts"]["prompts"], told["prompts"]["zero_variance_share"]) == (2, 1.0)


def test_the_text_of_a_whole_conversation_is_no_prompt(tmp_path):
    talks = [{**row, "conversation": f"User: {row['prompt']} Assistant: {row['completion']}"} for row in rows()]
    told = json.loads(here("score", write(tmp_path / "r.jsonl", talks), "--reward", "table_bench", "--json").stdout)
    assert (told["prompts"]["prompts"], told["prompts"]["zero_variance_share"]) == (2, 0.5)


@pytest.mark.parametrize("name", ["options", "tables"])
def test_a_list_that_is_part_of_one_prompt_makes_no_batch(tmp_path, name):
    """As many options as completions: the row is still one prompt."""
    row = {"id": "a", name: ["1", "2", "3"], "completions": [said("7"), said("8"), said("7")], "answer": "7"}
    path = write(tmp_path / "r.jsonl", [row, {**row, "id": "b"}])
    told = json.loads(here("score", path, "--reward", "table_bench", "--json", check=0).stdout)
    assert (told["rows"], told["prompts"]["prompts"], round(told["mean"], 4)) == (6, 2, 0.6667)
