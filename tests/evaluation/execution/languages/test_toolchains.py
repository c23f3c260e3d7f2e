"""Toolchains: one that is missing or broken is refused at the start, and the command lines are the benchmark's."""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap

import pytest

from table_rewards.core.errors import ConfigurationError
from table_rewards.evaluation.execution.languages import toolchains
from table_rewards.evaluation.execution.languages.toolchains import JAVATUPLES, TOOLCHAINS, toolchain
from table_rewards.sandbox.confined import Ended

REAL_JAR = next((path for path in JAVATUPLES if os.path.isfile(path)), None)


def lacking(language):
    """What this machine lacks for a language, for the reason of a skip."""
    missing = [names[0] for names in TOOLCHAINS[language].tools if not any(map(shutil.which, names))]
    return missing + (["javatuples"] if language == "java" and REAL_JAR is None else [])


def real(language):
    """A parameter that is skipped, with its reason, where the toolchain is not here."""
    missing = lacking(language)
    return pytest.param(language, marks=pytest.mark.skipif(bool(missing), reason=f"no {', '.join(missing)}"))


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """A folder that is the whole PATH; scripts in it write down how they were called."""
    folder = tmp_path / "tools" / "bin"
    folder.mkdir(parents=True)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("CLASSPATH", raising=False)

    def script(name, body):
        path = folder / name
        head = f"#!{sys.executable}\nimport json, os, pathlib, re, sys\n"
        note = (
            "seen = pathlib.Path('..', 'calls.jsonl')\n"
            "call = json.dumps([os.path.basename(sys.argv[0]), *sys.argv[1:]])\n"
            "with seen.open('a') as file: file.write(call + '\\n')\n"
        )
        path.write_text(head + note + textwrap.dedent(body))
        path.chmod(0o755)
        return str(path)

    return script


@pytest.mark.parametrize("language", TOOLCHAINS)
def test_a_missing_toolchain_is_refused_by_its_name(language, tools):
    with pytest.raises(ConfigurationError) as refused:
        toolchain(language)
    assert TOOLCHAINS[language].tools[0][0] in str(refused.value)
    assert TOOLCHAINS[language].origin in str(refused.value)


def test_java_without_its_jar_is_refused(tools, tmp_path):
    tools("javac", "")
    tools("java", "")
    with pytest.raises(ConfigurationError, match=r"--javatuples"):
        toolchain("java", str(tmp_path / "none.jar"))


@pytest.mark.parametrize(("body", "said"), [("sys.exit('no such library')", "no such library"), ("", "does not work")])
def test_a_broken_toolchain_is_refused_with_what_it_says(tools, body, said):
    tools("php", body)
    with pytest.raises(ConfigurationError, match=said), toolchain("php").ready():
        pass


def test_a_toolchain_that_lets_all_pass_is_refused(tools):
    tools("php", "print(re.findall('echo \"(.*)\";', pathlib.Path(sys.argv[1]).read_text())[-1][2:], end='')")
    with pytest.raises(ConfigurationError, match="lets a program of PHP pass that is wrong"), toolchain("php").ready():
        pass


RUNS = {  # what a program that passes writes, and the calls that are made for it
    "php": ({"php": "SAY"}, [["php", "program.php"]]),
    "js": (
        {"node": "SAY"},
        [["node", "--disallow-code-generation-from-strings", "--max-old-space-size=512", "program.js"]],
    ),
    "go": (
        {"go": "if RIGHT: print('--- PASS: TestF')\nelse: print('--- FAIL: TestF'); sys.exit(1)"},
        [["go", "test", "-v", "-count=1", "program_test.go"]],
    ),
    "cs": (
        {"csc": "", "mono": "SAY"},
        [
            ["csc", "/d:DEBUG", "-r:System.Numerics.dll", "program.cs", "/out:program.exe"],
            ["mono", "program.exe"],
        ],
    ),
    "java": (
        {"javac": "", "java": "SAY"},
        [
            [
                *("javac", "-J-XX:+UseSerialGC", "-J-XX:TieredStopAtLevel=1", "-encoding", "UTF8", "-cp", ".:JAR"),
                *("-d", ".", "Problem.java"),
            ],
            ["java", "-ea", "-Xmx1g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", ".:JAR", "Problem"],
        ],
    ),
}
SAY = """
whole = ''.join(path.read_text() for path in sorted(pathlib.Path().glob('*.*')))
word = re.findall('[0-9a-f]{32}', whole)[-1]
if RIGHT: print(word, end='')
else: sys.exit(1)
"""
RIGHT = "'another' not in ''.join(path.read_text() for path in sorted(pathlib.Path().glob('*.*')))"


@pytest.mark.parametrize("language", RUNS)
def test_the_command_lines_are_the_benchmarks(language, tools, tmp_path):
    scripts, wanted = RUNS[language]
    for name, body in scripts.items():
        tools(name, body.replace("SAY", SAY).replace("RIGHT", RIGHT))
    jar = tmp_path / "javatuples-1.2.jar"
    jar.write_bytes(b"")
    with toolchain(language, str(jar)).ready() as found:
        calls = [json.loads(line) for line in (found.shared / "calls.jsonl").read_text().splitlines()]
    made = [[part.replace(str(jar), "JAR") for part in call] for call in calls]
    assert made[: len(wanted)] == wanted


def test_mono_is_judged_by_what_it_says_of_assertions(tools):
    """It ends with 0 all the same, having said the last word."""
    tools("mcs", "")
    listens = "assert os.environ['MONO_TRACE_LISTENER'] == 'Console.Error'\n"
    fails = f"if not {RIGHT}: sys.stderr.write('  at System.Diagnostics.DefaultTraceListener.Fail')\n"
    tools("mono", SAY.replace("RIGHT", "True") + listens + fails)
    with toolchain("cs").ready() as found:
        assert found.judge("class Program { ; }")[0] == "passed"
        assert found.judge("class Program { another; }")[0] == "failed"


def test_a_program_that_ends_before_its_check_has_not_passed(tools):
    early = "if 'early' in pathlib.Path('program.js').read_text(): sys.exit(0)\n"
    tools("node", early + SAY.replace("RIGHT", RIGHT))
    with toolchain("js").ready() as found:
        assert found.judge("early")[0] == "failed"


def test_a_program_that_neither_ends_nor_works_is_unscored(tools, monkeypatch):
    tools("php", SAY.replace("RIGHT", RIGHT))
    with toolchain("php").ready() as found:
        monkeypatch.setattr(toolchains, "run_confined", lambda *_, **__: Ended(-9, waited_out=True))
        assert found.judge("<?php sleep(9);")[0] == "unscored"
        monkeypatch.setattr(toolchains, "run_confined", lambda *_, **__: Ended(-24))
        assert found.judge("<?php while (true);") == ("failed", "its time was used up")


@pytest.mark.slow
@pytest.mark.parametrize("language", [real(language) for language in TOOLCHAINS])
def test_real_toolchains_work(language):
    with toolchain(language).ready() as found:
        assert found.judge("this is no program")[0] == "failed"
