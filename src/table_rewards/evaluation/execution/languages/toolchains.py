"""The toolchains of CRUXEval-X's languages: how they are found, and how one program is compiled and run by them.

Commands and limits are those of the benchmark's own checkers. Every program ends by saying a word that it cannot know,
so that a program which ends before its check has not passed, whatever its exit status.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Final, Literal

from table_rewards.core.errors import ConfigurationError, one_of
from table_rewards.sandbox.confined import Ended, run_confined, used_up

Verdict = Literal["passed", "failed", "unscored"]
JAVATUPLES: Final = ("/usr/share/java/javatuples.jar", "/usr/share/java/javatuples-1.2.jar")
_BROKEN: Final = "Unhandled Exception"
_ASSERTED: Final = "System.Diagnostics.DefaultTraceListener.Fail"
_PACKAGE: Final = re.compile(r"(?:\s|//[^\n]*\n|/\*.*?\*/)*package\s", re.DOTALL)
_OFFLINE_GO: Final = {
    "GOPROXY": "off",
    "GOFLAGS": "",
    "GOTOOLCHAIN": "local",
    "GOENV": "off",
    "CGO_ENABLED": "0",
    "GO111MODULE": "auto",
}


class Toolchain(ABC):
    """One language's compiler and runtime, found on the PATH.

    Raises:
        ConfigurationError: a program of it is not there; names it and says where it comes from.
    """

    language: ClassVar[str]
    tools: ClassVar[tuple[tuple[str, ...], ...]]
    origin: ClassVar[str]
    seconds: ClassVar[int] = 15
    stops: ClassVar[tuple[str, ...]]
    sample: ClassVar[tuple[str, str]]

    def __init__(self) -> None:
        self.paths = [self._found(names) for names in self.tools]
        self.shared = Path()
        self.readable: tuple[str, ...] = tuple(sorted({_home(path) for path in self.paths}))

    def _found(self, names: tuple[str, ...]) -> str:
        for name in names:
            path = shutil.which(name)
            if path is not None:
                return os.path.abspath(path)
        raise ConfigurationError(
            f"CRUXEval-X in {self.language} needs {' or '.join(names)} on the PATH: {self.origin}; "
            "without it no number can be given"
        )

    @contextmanager
    def ready(self) -> Iterator[Toolchain]:
        """The toolchain, tried on a program that must pass and on one that must not.

        Raises:
            ConfigurationError: it judges one of the two wrongly; quotes what it said.
        """
        with tempfile.TemporaryDirectory(prefix="toolchain_") as folder:
            self.shared = Path(folder)
            self.prepare()
            source, right = self.sample
            verdict, said = self.judge(source.replace("????", right))
            if verdict != "passed":
                raise ConfigurationError(
                    f"{self.paths[0]} does not work: a program of CRUXEval-X in {self.language} that is right "
                    f"{'failed' if verdict == 'failed' else 'did not end'}: {said[-600:] or 'it said nothing'}"
                )
            if self.judge(source.replace("????", '"another"'))[0] != "failed":
                raise ConfigurationError(f"{self.paths[0]} lets a program of {self.language} pass that is wrong")
            yield self

    def is_program(self, source: str) -> bool:
        """Whether a row of the benchmark holds a program: some of its rows in Go and PHP are sentences."""
        return True

    def prepare(self) -> None:  # noqa: B027 - most languages share nothing
        """Make what all programs share, in ``self.shared``."""

    def judge(self, source: str) -> tuple[Verdict, str]:
        """Whether a program runs through its check, and what was said of it."""
        with tempfile.TemporaryDirectory(prefix="program_", dir=self.shared) as folder:
            return self.run(source, os.urandom(16).hex(), Path(folder))

    @abstractmethod
    def run(self, source: str, word: str, folder: Path) -> tuple[Verdict, str]:
        """Compile and run a program in an empty folder."""

    def call(self, folder: Path, *command: str, env: Mapping[str, str] | None = None) -> Ended:
        """Run one of the tools with the language's limit of time."""
        path = os.pathsep.join([*dict.fromkeys(os.path.dirname(tool) for tool in self.paths), os.defpath])
        return run_confined(
            command,
            folder,
            cpu_s=self.seconds,
            readable=self.readable,
            writable=(str(self.shared),),
            env={"PATH": path, **(env or {})},
        )


class Cpp(Toolchain):
    language = "C++"
    tools = (("g++",),)
    origin = "GCC 8 or later (Debian: g++)"
    stops = ("}\nint main()", "}\n\nint main()")
    sample = (
        "#include<assert.h>\n#include<bits/stdc++.h>\nstd::string f(std::string a) {\n    return a;\n}\n"
        'int main() {\n    auto candidate = f;\n    assert(candidate(("a")) == (????));\n}\n',
        '("a")',
    )

    def prepare(self) -> None:
        header = self.shared / "bits" / "stdc++.h"
        header.parent.mkdir()
        header.write_text("#include_next <bits/stdc++.h>\n")
        self.call(self.shared, self.paths[0], "-std=c++17", "-x", "c++-header", str(header), "-o", f"{header}.gch")

    def run(self, source: str, word: str, folder: Path) -> tuple[Verdict, str]:
        source = _with_last(source, f'::fputs("\\n{word}", stdout);')
        (folder / "program.cpp").write_text(source, **_TEXT)
        build = (self.paths[0], "program.cpp", "-o", "program", "-std=c++17")
        ended = self.call(folder, *build, "-I", str(self.shared), "-include", "bits/stdc++.h")
        if ended.code:
            return _failure(ended)
        return _by_word(self.call(folder, str(folder / "program")), word)


class CSharp(Toolchain):
    language = "C#"
    tools = (("csc", "mcs"), ("mono",))
    origin = "Mono (Debian: mono-mcs and mono-runtime)"
    stops = ("    }\n    public static void Main", "    }\n\n    public static void Main")
    sample = (
        "using System;\nusing System.Diagnostics;\nclass Problem {\n    public static string F(string a) {\n"
        "        return a;\n    }\n    public static void Main(string[] args) {\n"
        '    Debug.Assert(F(("a")).Equals(????));\n    }\n}\n',
        '("a")',
    )

    def run(self, source: str, word: str, folder: Path) -> tuple[Verdict, str]:
        source = _with_last(source, f'System.Console.Write("\\n{word}");')
        (folder / "program.cs").write_text(source, **_TEXT)
        compiler, mono = self.paths
        build = (compiler, "/d:DEBUG", "-r:System.Numerics.dll", "program.cs")
        ended = self.call(folder, *build, "/out:program.exe")
        if ended.code:
            return _failure(ended)
        ended = self.call(folder, mono, "program.exe", env={"MONO_TRACE_LISTENER": "Console.Error"})
        said = ended.stderr.decode("utf-8", "replace")
        if _ASSERTED in said or _BROKEN in said:  # mono ends with 0 all the same
            return "failed", said
        return _by_word(ended, word)


class Go(Toolchain):
    language = "Go"
    tools = (("go",),)
    origin = "the Go toolchain (Debian: golang-go)"
    seconds = 30
    stops = ("func TestF(t *testing.T)",)
    sample = (
        'package f_test\n\nimport (\n    "testing"\n    "fmt"\n)\n\nfunc f(a string) string {\n    return a\n}\n'
        'func TestF(t *testing.T) {\n    if fmt.Sprintf("%v", f("a")) != fmt.Sprintf("%v", ????) {\n'
        '        t.Errorf("wrong")\n    }\n}\n',
        '"a"',
    )

    def is_program(self, source: str) -> bool:
        return bool(_PACKAGE.match(source))

    def prepare(self) -> None:
        (self.shared / "cache").mkdir()
        root = self.call(self.shared, self.paths[0], "env", "GOROOT", env=self._env()).stdout.decode().strip()
        self.readable = (*self.readable, *([root] if root else []))

    def _env(self) -> dict[str, str]:
        return {**_OFFLINE_GO, "GOCACHE": str(self.shared / "cache"), "GOPATH": str(self.shared / "path")}

    def run(self, source: str, word: str, folder: Path) -> tuple[Verdict, str]:
        (folder / "program_test.go").write_text(source, **_TEXT)
        ended = self.call(folder, self.paths[0], "test", "-v", "-count=1", "program_test.go", env=self._env())
        out = ended.stdout.decode("utf-8", "replace")
        if ended.code or "FAIL" in out or "--- PASS: TestF" not in out:
            verdict, said = _failure(ended)
            return verdict, f"{out}{said}"
        return "passed", out


class Java(Toolchain):
    """Java with javatuples, which every program of the benchmark imports.

    Args:
        javatuples: the jar; by default what the class path or Debian's folder has.

    Raises:
        ConfigurationError: there is no such jar.
    """

    language = "Java"
    tools = (("javac",), ("java",))
    origin = "a JDK of version 11 or later (Debian: default-jdk-headless)"
    stops = ("    }\n    public static void main", "    }\n\n    public static void main")
    sample = (
        "import org.javatuples.*;\nclass Problem {\n    public static String f(String a) {\n        return a;\n    }\n"
        '    public static void main(String[] args) {\n    assert(f(("a")).equals(????));\n    }\n}\n',
        '("a")',
    )

    def __init__(self, javatuples: str | None = None) -> None:
        super().__init__()
        known = [path for path in os.environ.get("CLASSPATH", "").split(os.pathsep) if "javatuples" in path]
        found = [path for path in ([javatuples] if javatuples else [*known, *JAVATUPLES]) if os.path.isfile(path)]
        if not found:
            raise ConfigurationError(
                f"CRUXEval-X in Java needs javatuples-1.2.jar{f', and {javatuples} is no file' if javatuples else ''}: "
                "name it with --javatuples (Maven: org.javatuples:javatuples:1.2; Debian: libjavatuples-java)"
            )
        self.jar = os.path.abspath(found[0])
        self.readable = (*self.readable, os.path.dirname(os.path.realpath(self.jar)), os.path.dirname(self.jar))

    def run(self, source: str, word: str, folder: Path) -> tuple[Verdict, str]:
        source = _with_last(source, f'System.out.print("\\n{word}");')
        (folder / "Problem.java").write_text(source, **_TEXT)
        javac, java = self.paths
        path = f".{os.pathsep}{self.jar}"
        build = (javac, "-J-XX:+UseSerialGC", "-J-XX:TieredStopAtLevel=1", "-encoding", "UTF8", "-cp", path)
        ended = self.call(folder, *build, "-d", ".", "Problem.java")
        if ended.code:
            return _failure(ended)
        start = (java, "-ea", "-Xmx1g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", path)
        return _by_word(self.call(folder, *start, "Problem"), word)


class JavaScript(Toolchain):
    language = "JavaScript"
    tools = (("node",),)
    origin = "Node.js (Debian: nodejs)"
    seconds = 5
    stops = ("const assert",)
    sample = (
        "function f(a) {\n    return a;\n}\nconst assert = require('node:assert');\n\nassert.deepEqual(f('a'),????);\n",
        "'a'",
    )

    def run(self, source: str, word: str, folder: Path) -> tuple[Verdict, str]:
        (folder / "program.js").write_text(f"{source}\n;process.stdout.write('\\n{word}');\n", **_TEXT)
        options = ("--disallow-code-generation-from-strings", "--max-old-space-size=512")
        return _by_word(self.call(folder, self.paths[0], *options, "program.js"), word)


class Php(Toolchain):
    language = "PHP"
    tools = (("php",),)
    origin = "PHP's command line (Debian: php-cli)"
    stops = ("function candidate(...$args)",)
    sample = (
        "<?php\nfunction f($a) {\n    return $a;\n}\nfunction candidate(...$args) {\n    return f(...$args);\n}\n"
        'function test(): void {\n    if (candidate("a") !== ????) { throw new Exception("Test failed!"); }\n}\n'
        "test();\n",
        '"a"',
    )

    def is_program(self, source: str) -> bool:
        return "<?php" in source

    def run(self, source: str, word: str, folder: Path) -> tuple[Verdict, str]:
        (folder / "program.php").write_text(f'{source}\necho "\\n{word}";\n', **_TEXT)
        return _by_word(self.call(folder, self.paths[0], "program.php"), word)


TOOLCHAINS: Final[Mapping[str, type[Toolchain]]] = {
    "cpp": Cpp,
    "cs": CSharp,
    "go": Go,
    "java": Java,
    "js": JavaScript,
    "php": Php,
}
_TEXT: Final[Mapping[str, str]] = {"encoding": "utf-8", "errors": "surrogatepass"}


def toolchain(language: str, javatuples: str | None = None) -> Toolchain:
    """The toolchain of a language by its short name.

    Args:
        language: ``cpp``, ``cs``, ``go``, ``java``, ``js`` or ``php``.
        javatuples: the jar that Java's programs import.

    Raises:
        UnknownName: there is no such language.
        ConfigurationError: a program of the toolchain is not on the PATH, or the jar is no file.
    """
    kind = TOOLCHAINS[one_of("language", language, tuple(TOOLCHAINS))]
    return Java(javatuples) if kind is Java else kind()


def _home(tool: str) -> str:
    """The folder that a toolchain lives in: its own, or the one above where that is no user's or the whole machine."""
    folder = Path(os.path.realpath(tool)).parent
    above = folder.parent
    return str(folder if above in (Path.home(), Path("/"), Path("/home")) else above)


def _with_last(source: str, statement: str) -> str:
    """A program with a statement behind its last one, which is its check."""
    end = source.rfind(";") + 1
    return f"{source[:end]} {statement}{source[end:]}"


def _by_word(ended: Ended, word: str) -> tuple[Verdict, str]:
    if ended.code == 0 and ended.stdout.endswith(word.encode()):
        return "passed", ""
    return _failure(ended)


def _failure(ended: Ended) -> tuple[Verdict, str]:
    said = (ended.stderr or ended.stdout).decode("utf-8", "replace")
    if ended.waited_out:
        return "unscored", "it neither ended nor used up its time"
    return "failed", said or ("its time was used up" if used_up(ended) else f"exit status {ended.code}")
