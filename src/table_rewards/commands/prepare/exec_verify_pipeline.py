"""``table-rewards prepare exec-verify-...``: from methods to hard samples and supervised turns."""

from __future__ import annotations

import argparse
import pathlib
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from table_rewards.commands.endpoint_arguments import add_endpoint_arguments, pool_of, sampling_of
from table_rewards.commands.exit_codes import DONE, INCOMPLETE
from table_rewards.commands.pages.progress import Progress
from table_rewards.commands.task import Task
from table_rewards.core.errors import BadReference, ConfigurationError
from table_rewards.core.options import not_negative, positive_whole
from table_rewards.core.rows import Row
from table_rewards.datasets import llama_factory
from table_rewards.datasets.exec_verify.difficulty import (
    COUNTINGS,
    JUDGED,
    MAX_PASS,
    MODES,
    REASONED,
    combine,
    fits,
    pass_counts,
    prompt,
    reasoned_turns,
)
from table_rewards.datasets.exec_verify.prompts import CODE_SUFFIX, filled_prompt
from table_rewards.datasets.exec_verify.replies import Replies, ask_all
from table_rewards.datasets.exec_verify.rows import Call
from table_rewards.datasets.exec_verify.scripts import executed
from table_rewards.datasets.exec_verify.synthesis import (
    CONFIGURATIONS,
    MUTATING,
    WRITING,
    mutating_prompt,
    read_methods,
    script_of,
    writing_prompts,
)
from table_rewards.datasets.exec_verify.templates import KINDS, Template
from table_rewards.datasets.files import RowWriter, read_rows, require_columns
from table_rewards.datasets.files.batch_log import BatchLog
from table_rewards.evaluation.execution.code_answers import BENCHMARKS, problem_text
from table_rewards.evaluation.execution.cruxeval_x import LANGUAGES, program_of_row
from table_rewards.evaluation.execution.languages.toolchains import TOOLCHAINS
from table_rewards.evaluation.execution.problems import read_problem
from table_rewards.evaluation.execution.reval_prompts import reval_rows
from table_rewards.llm import Sampling

SYSTEM: Final = "You are a programming expert"


def _synthesize_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Ask a model for scripts that exercise built-in methods: METHODS is a folder with TYPE.txt files, one method a "
        "line. OUT is a JSON list of {code, setting}; replies without a block of Python are counted. The same command "
        "goes on where it was stopped."
    )
    parser.add_argument("methods", type=pathlib.Path, metavar="METHODS", help="folder of TYPE.txt")
    parser.add_argument(
        "--per-config", type=int, default=40_000, metavar="N", help="scripts of each configuration (%(default)s)"
    )
    parser.add_argument(
        "--configs",
        type=int,
        nargs="+",
        default=list(range(1, len(CONFIGURATIONS) + 1)),
        choices=range(1, len(CONFIGURATIONS) + 1),
        help="which of the six (all)",
    )
    _asking(parser)


def _synthesize(options: argparse.Namespace) -> int:
    per = positive_whole("per-config", options.per_config)
    made = list(writing_prompts(read_methods(options.methods), per, options.configs, options.seed))
    messages = [[{"role": "user", "content": text}] for text, _ in made]
    replies = _asked(options, messages, WRITING)
    return _write_scripts(options, replies, [setting for _, setting in made])


def _mutate_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Ask a model for other inputs of the same scripts. FILE holds {code, setting}, such as exec-verify-synthesize "
        "writes; OUT is a JSON list of the same form."
    )
    parser.add_argument("file", metavar="FILE", help="scripts")
    _asking(parser)


def _mutate(options: argparse.Namespace) -> int:
    rows = [row for row in read_rows(options.file) if isinstance(row.get("code"), str)]
    messages = [
        [{"role": "user", "content": mutating_prompt(row["code"], options.seed, number)}]
        for number, row in enumerate(rows)
    ]
    replies = _asked(options, messages, MUTATING)
    return _write_scripts(options, replies, [row.get("setting") for row in rows])


def _write_scripts(options: argparse.Namespace, replies: Replies, settings: Sequence[Any]) -> int:
    counts: Counter[str] = Counter()
    found = []
    for told, setting in zip(replies.of, settings, strict=True):
        code = script_of(told[0].text) if told else None
        counts["kept" if code else "no block of Python" if told else "no reply"] += 1
        if code:
            found.append({"code": code, "setting": setting})
    return _written(options.out, found, counts, replies.missing)


def _filter_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Keep the scripts that run: one print of one call with literal arguments, which ends within 0.5 CPU seconds in "
        "the sandbox with a value whose repr reads back. OUT is a JSON list of {func_str, func_name, func_args, "
        "result, setting}; func_str is the program without its print, imports and all. The same command goes on "
        "where it was stopped."
    )
    parser.add_argument("file", nargs="+", metavar="FILE", help="scripts, {code, setting}")
    parser.add_argument("--overwrite", action="store_true", help="begin anew instead of going on where a run stopped")
    _out(parser)


def _filter(options: argparse.Namespace) -> int:
    counts: Counter[str] = Counter()
    rows = (row for file in options.file for row in read_rows(file))
    with BatchLog(options.out, {"command": "exec-verify-filter"}, overwrite=options.overwrite) as log:
        status = _written(options.out, list(executed(rows, counts, log=log)), counts)
    log.finish()
    return status


def _difficulty_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Ask a model N times what each call returns, and add pass_cnt, how many answers are right, to the rows. "
        "Answers are read as the white_box reward reads them; --counting substring is the published count, in which "
        "12 holds a gold 1."
    )
    parser.add_argument("file", metavar="FILE", help="rows of exec-verify-filter")
    parser.add_argument("-n", "--samples", type=int, default=10, metavar="N", help="answers a row (%(default)s)")
    parser.add_argument("--counting", choices=COUNTINGS, default="answer", help="(%(default)s)")
    _prompting(parser)
    _asking(parser)


def _difficulty(options: argparse.Namespace) -> int:
    counts: Counter[str] = Counter()
    rows = _samples(options.file, "io", counts)
    messages = _messages(rows, "io", _template(options, "io"), options.system)
    replies = _asked(options, messages, JUDGED, samples=positive_whole("samples", options.samples))
    passed = pass_counts(rows, replies.of, options.counting)
    whole = [len(told) == options.samples for told in replies.of]
    counts["some replies are missing"] += whole.count(False)
    counts["kept"] = whole.count(True)
    found = [{**row, "pass_cnt": count} for row, count, all_ in zip(rows, passed, whole, strict=True) if all_]
    spread = Counter(row["pass_cnt"] for row in found)
    status = _written(options.out, found, counts, replies.missing)
    for count in sorted(spread):
        print(f"  {spread[count]:>8,} rows with {count} of {options.samples} right")
    return status


def _combine_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Put files of exec-verify-difficulty together: rows that the model gets right at most --max-pass times, each "
        "sample once, mixed by the seed."
    )
    parser.add_argument("file", nargs="+", metavar="FILE", help="rows with pass_cnt")
    parser.add_argument("--max-pass", type=int, default=MAX_PASS, metavar="N", help="(%(default)s)")
    parser.add_argument("--in-order", action="store_true", help="file by file, as published, and not mixed")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the mixing (%(default)s)")
    _out(parser)


def _combine(options: argparse.Namespace) -> int:
    counts: Counter[str] = Counter()
    most = int(not_negative("max-pass", options.max_pass))
    seed = None if options.in_order else options.seed
    rows = combine((read_rows(file) for file in options.file), seed, counts, most)
    return _written(options.out, rows, counts)


def _cot_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Supervised data: ask a model that reasons for the output of each call (io) or for an input (oi), and keep the "
        "answers that the white_box reward gives full marks, as turns of <reasoning> and <answer>. DIR gets "
        "MODE_sft.json for LLaMA-Factory, registered in dataset_info.json, and MODE_candidates.json, the rows that "
        "were answered right."
    )
    parser.add_argument("file", metavar="FILE", help="rows of exec-verify-combine")
    parser.add_argument("--mode", choices=MODES, required=True, help="output or input")
    parser.add_argument("--start", type=int, default=0, metavar="N", help="first row (%(default)s)")
    parser.add_argument("--end", type=int, metavar="N", help="the row behind the last (all)")
    parser.add_argument("--most", type=int, metavar="N", help="conversations at most (all; published: 15000)")
    _prompting(parser)
    _asking(parser, "DIR", "folder of the files")


def _cot(options: argparse.Namespace) -> int:
    counts: Counter[str] = Counter()
    mode = options.mode
    rows = _samples(options.file, mode, counts)[options.start : options.end]
    messages = _messages(rows, mode, _template(options, mode), options.system)
    options.out.mkdir(parents=True, exist_ok=True)
    folder, options.out = options.out, options.out / f"{mode}_sft.json"
    replies = _asked(options, messages, REASONED)
    asked = [turns[-1]["content"] for turns in messages]
    kept = reasoned_turns(rows, asked, replies.of, mode, counts)
    if options.most is not None:
        counts["beyond --most"] += max(0, len(kept) - options.most)
    status = _written(options.out, [turn for _, turn in kept[: options.most]], counts, replies.missing)
    _written(folder / f"{mode}_candidates.json", [dict(row) for row, _ in kept], Counter())
    llama_factory.register(folder, {f"exec_verify_{mode}_sft": llama_factory.sharegpt(options.out.name)})
    return status


def _problems_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Prompts of a benchmark, for `table-rewards generate`, then `evaluate cruxeval` or `evaluate programs`: the "
        "rows of FILE with `prompt`. cruxeval is CRUXEval, LiveCodeBench's execution-v2 or CRUXEval-X in Python and "
        "asks for outputs (io) or inputs (oi); cruxeval-x shows programs of any --language with ???? in them; "
        "evalplus (prompt), bigcodebench (complete_prompt) and livecodebench "
        "(question_content, starter_code) ask for programs; reval asks "
        "DREval's questions of --tasks, for `evaluate reval`."
    )
    parser.add_argument("file", metavar="FILE", help="the benchmark's problems")
    parser.add_argument(
        "--benchmark", choices=("cruxeval", "cruxeval-x", "reval", *BENCHMARKS), required=True, help="what FILE is"
    )
    parser.add_argument("--mode", choices=MODES, default="io", help="of cruxeval, -x: output or input (%(default)s)")
    parser.add_argument("--language", choices=LANGUAGES, default="py", help="of cruxeval-x (%(default)s)")
    parser.add_argument("--tasks", metavar="FILE", help="of reval: DREval_tasks.jsonl, FILE being DREval_data.jsonl")
    _prompting(parser)
    _out(parser)


def _problems(options: argparse.Namespace) -> int:
    counts: Counter[str] = Counter()
    if options.benchmark == "reval":
        return _written(options.out, _asked_of_lines(options), counts)
    is_code = options.benchmark in BENCHMARKS
    kind = "code" if is_code else "filled" if options.benchmark == "cruxeval-x" else options.mode
    template = _template(options, kind)
    head = [{"role": "system", "content": options.system}] if options.system and not is_code else []
    task = {} if is_code else {"task": "output" if options.mode == "io" else "input"}
    found = []
    for row in read_rows(options.file):
        try:
            if is_code:
                text = problem_text(row, options.benchmark)
                asked = template.fill(prompt=text) if template is not None else text.rstrip() + CODE_SUFFIX
            elif kind == "filled":
                asked = _filling(row, options.language, task["task"], template)
            else:
                asked = _predicting(row, options.mode, template)
        except BadReference as error:
            counts[str(error)] += 1
            continue
        found.append({**row, **task, "prompt": [*head, {"role": "user", "content": asked}]})
    return _written(options.out, found, counts)


def _asked_of_lines(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    if options.tasks is None:
        raise ConfigurationError("reval needs --tasks DREval_tasks.jsonl")
    if options.prompt_file is not None:
        raise ConfigurationError("reval asks four questions with prompts of their own; leave --prompt-file out")
    require_columns(options.file, ("task_id", "entry_point", "code", "inputs"))
    require_columns(options.tasks, ("task_id", "tasks"))
    head = [{"role": "system", "content": options.system}] if options.system else []
    for row in reval_rows(read_rows(options.file), read_rows(options.tasks)):
        yield {**row, "prompt": [*head, {"role": "user", "content": row["prompt"]}]}


def _filling(row: Mapping[str, Any], language: str, task: str, template: Template | None) -> str:
    code = program_of_row(Row(row), language, task)
    name = "Python" if language == "py" else TOOLCHAINS[language].language
    if template is not None:
        return template.fill(code=code, language=language)
    return filled_prompt(code, language, name, asks_for_input=task == "input")


def _predicting(row: Mapping[str, Any], mode: str, template: Template | None) -> str:
    problem = read_problem(Row(row), "output" if mode == "io" else "input")
    call = Call(problem.code, problem.function, problem.arguments)
    return prompt(call, problem.result, mode, template)


def _fingerprint_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "The fingerprint of a prompt template of your own: of the prompt that it gives for the function "
        "f(a) = a + 1, its call f(3), its result 4, one question 'Question2: Q', the problem 'P', or the program "
        "'f(3) == ????' in Python. Equal fingerprints are equal prompts."
    )
    parser.add_argument("file", metavar="FILE", help="the template, UTF-8")
    parser.add_argument("--kind", choices=KINDS, required=True, help="what the prompt asks for")
    parser.add_argument("--expect", metavar="#HASH/LENGTH", help="fail when the fingerprint is another")


def _fingerprint(options: argparse.Namespace) -> int:
    print(Template.from_file(options.file, options.kind, options.expect).fingerprint)
    return DONE


def _prompting(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("prompt")
    group.add_argument("--prompt-file", metavar="FILE", help="a template of your own (docs/rewards/white_box.md)")
    group.add_argument("--prompt-fingerprint", metavar="#HASH/LENGTH", help="refuse a file that gives another prompt")
    group.add_argument("--system", default=SYSTEM, metavar="TEXT", help="system message; '' for none (%(default)s)")


def _asking(parser: argparse.ArgumentParser, metavar: str = "OUT", what: str = "a JSON list (.json) or .jsonl") -> None:
    _out(parser, metavar, what)
    add_endpoint_arguments(parser.add_argument_group("the model"))
    parser.add_argument("--replies", type=pathlib.Path, metavar="FILE", help="every reply (OUT + .replies.jsonl)")
    parser.add_argument("--overwrite", action="store_true", help="ask anew instead of going on")
    if not any(action.dest == "seed" for action in parser._actions):
        parser.add_argument("--seed", type=int, default=0, metavar="N", help="of prompts and sampling (%(default)s)")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


def _out(parser: argparse.ArgumentParser, metavar: str = "OUT", what: str = "a JSON list (.json) or .jsonl") -> None:
    parser.add_argument("--out", type=pathlib.Path, required=True, metavar=metavar, help=what)


def _template(options: argparse.Namespace, kind: str) -> Template | None:
    if options.prompt_file is None:
        if options.prompt_fingerprint is not None:
            raise ConfigurationError("--prompt-fingerprint checks a --prompt-file; there is none")
        return None
    template = Template.from_file(options.prompt_file, kind, options.prompt_fingerprint)
    print(f"prompt of {options.prompt_file}: {template.fingerprint}")
    return template


def _samples(file: str, mode: str, counts: Counter[str]) -> list[dict[str, Any]]:
    """The rows that can be asked about; the others are counted."""
    found = []
    for number, row in enumerate(read_rows(file)):
        try:
            Call.of(row, number)
            if row.get("result") is None:
                raise BadReference("no result")
        except BadReference as error:
            counts[f"unusable row: {error}"] += 1
            continue
        if fits(row, mode):
            found.append(row)
        else:
            counts["a result that is too long to find an input for"] += 1
    return found


def _messages(
    rows: Sequence[Mapping[str, Any]], mode: str, template: Template | None, system: str
) -> list[list[dict[str, str]]]:
    head = [{"role": "system", "content": system}] if system else []
    return [
        [*head, {"role": "user", "content": prompt(Call.of(row, number), str(row["result"]), mode, template)}]
        for number, row in enumerate(rows)
    ]


def _asked(
    options: argparse.Namespace, messages: Sequence[Sequence[Mapping[str, str]]], how: Sampling, *, samples: int = 1
) -> Replies:
    fields = {name: getattr(how, name) for name in ("temperature", "top_p", "max_tokens", "extra")}
    sampling = sampling_of(options, **fields, seed=options.seed)
    path = options.replies or options.out.with_name(f"{options.out.name}.replies.jsonl")
    with Progress(len(messages) * samples, "replies", quiet=options.quiet) as bar:
        return ask_all(
            messages,
            pool_of(options),
            sampling,
            path,
            command="exec-verify",
            samples=samples,
            overwrite=options.overwrite,
            progress=lambda done: bar.update(),
        )


def _written(out: pathlib.Path, rows: Iterable[Mapping[str, Any]], counts: Counter[str], missing: int = 0) -> int:
    with RowWriter(out) as writer:
        writer.write(rows)
    print(f"{out}: {writer.count:,} rows")
    for reason, count in counts.most_common():
        if count and reason != "kept":
            print(f"  {count:>8,} left out: {reason}")
    if missing:
        print(f"{missing:,} replies are missing; the same command asks for them again", file=sys.stderr)
    return INCOMPLETE if missing or not writer.count else DONE


SUBCOMMANDS: Final = {
    "exec-verify-synthesize": Task("scripts about built-in methods, by a model", _synthesize_arguments, _synthesize),
    "exec-verify-mutate": Task("other inputs of scripts, by a model", _mutate_arguments, _mutate),
    "exec-verify-filter": Task("the scripts that run, with their results", _filter_arguments, _filter),
    "exec-verify-difficulty": Task("how often a model is right, for each row", _difficulty_arguments, _difficulty),
    "exec-verify-combine": Task("hard rows of several files, mixed", _combine_arguments, _combine),
    "exec-verify-cot": Task("reasoned answers that earn full marks, for LLaMA-Factory", _cot_arguments, _cot),
    "exec-verify-problems": Task("prompts of a benchmark, for generate", _problems_arguments, _problems),
    "exec-verify-fingerprint": Task("the fingerprint of a prompt template", _fingerprint_arguments, _fingerprint),
}
