"""Runs over CPythons and frameworks, each in an environment of its own below ``.nox``.

    nox -s "tests(3.12)"               the fast suite on one CPython (`make test-all`: on all that are here)
    nox -s verl                        the slow suite against the real framework (`make integration`: all of them)
    nox -s swift -- -k grpo            arguments after -- go to pytest

The frameworks cannot share an environment. Each gets the package as users do: a wheel built from this checkout.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nox

nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = False
nox.options.stop_on_first_error = False
nox.options.sessions = ["tests"]

ROOT = Path(__file__).parent
VERSIONS = ("3.10", "3.11", "3.12", "3.13")
FRAMEWORK_PYTHON = "3.11"  # the constraints of the frameworks were resolved on it
TEST_TOOLS = ("pytest", "pytest-asyncio", "pytest-timeout")
OLDER_VERLS = ("0.4.1", "0.5.0", "0.6.1", "0.7.0", "0.7.1", "0.8.0")
COPIES = {
    # Older verls run on the newest one's dependencies, the oldest wants pkg_resources; LLaMA-Factory's argument
    # classes, which read the recipes' YAML files, need nothing that verl has not brought.
    "verl": {
        **{version: f"verl=={version}" for version in OLDER_VERLS},
        "setuptools": "setuptools<80",
        "llamafactory": "llamafactory==0.9.5",
    },
    # Its reward client needs aiohttp alone; the rest of its dependencies needs a GPU.
    "ray": {"openrlhf": "openrlhf==0.11.2"},
}
ENVIRONMENT = {
    "PYTHONNOUSERSITE": "1",
    "PYTHONPATH": None,
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_NO_INPUT": "1",
    # Most of a framework is never imported, and compiling it is half of an installation. What is imported is compiled
    # then, once.
    "PIP_NO_COMPILE": "1",
    "PYTHONDONTWRITEBYTECODE": None,
}


def interpreter(version: str) -> str:
    """A CPython of this version: the newest that pyenv or uv has made, else the one that PATH names.

    pyenv puts a `python3.12` on PATH that runs nothing until a version is chosen, so its folders are asked first.
    """
    home = Path.home()
    folders = (Path(os.environ.get("PYENV_ROOT", home / ".pyenv")) / "versions", home / ".local/share/uv/python")
    found = [
        path
        for folder in folders
        for name in (f"{version}.*", f"cpython-{version}.*")
        for path in folder.glob(f"{name}/bin/python{version}")
        if os.access(path, os.X_OK)
    ]
    return str(max(found, key=lambda path: path.parts[-3])) if found else version


@nox.session
@nox.parametrize("python", [nox.param(interpreter(version), id=version) for version in VERSIONS])
def tests(session: nox.Session) -> None:
    """The fast suite."""
    version = session.run("python", "-c", "import sys; print('%d.%d' % sys.version_info[:2])", silent=True)
    pins = ROOT / "constraints" / f"dev-{str(version).strip()}.txt"
    constrain = ("--constraint", str(pins)) if pins.is_file() else ()
    session.install("--editable", ".[dev]", *constrain, env=ENVIRONMENT)
    shared_out = ("-n", "3", "--dist", "loadfile")
    session.run(
        "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", *shared_out, *session.posargs, env=ENVIRONMENT
    )


@nox.session(python=interpreter(FRAMEWORK_PYTHON))
def verl(session: nox.Session) -> None:
    """The slow suite in verl 0.9.1, with older verls' code beside it."""
    # verl's agent loop imports some of these without declaring them; the queue is its default trainer's.
    wanted = ("torch==2.13.0", "verl==0.9.1", "TransferQueue", "cachetools", "fastapi", "uvicorn", "math-verify==0.9.0")
    _integration(session, "verl", "verl-0.9.1.txt", wanted)


@nox.session(python=interpreter(FRAMEWORK_PYTHON))
def swift(session: nox.Session) -> None:
    """The slow suite in ms-swift 4.6.0."""
    _integration(session, "swift", "swift-4.6.0.txt", ("torch==2.13.0", "ms-swift==4.6.0", "msgspec"))


@nox.session(python=interpreter(FRAMEWORK_PYTHON))
def swift3(session: nox.Session) -> None:
    """The slow suite in ms-swift 3.12.6, the last 3.x, whose registry, constructor and trainer differ."""
    _integration(session, "swift", "swift-3.12.6.txt", ("torch==2.13.0", "ms-swift==3.12.6", "msgspec"))


@nox.session(python=interpreter(FRAMEWORK_PYTHON))
def trl(session: nox.Session) -> None:
    """The slow suite in TRL 1.16.0, where a tiny model learns."""
    _integration(session, "trl", "trl-1.16.0.txt", ("torch==2.13.0", "trl==1.16.0"))


@nox.session(python=interpreter(FRAMEWORK_PYTHON))
def ray(session: nox.Session) -> None:
    """Scoring and serving on a Ray cluster of two nodes, simulated on this machine."""
    _integration(
        session, "ray", "ray-2.60.0.txt", ("ray[data,serve]==2.60.0", "pandas", "math-verify==0.9.0", "moto[server]")
    )


@nox.session(python=interpreter("3.12"))
def gym(session: nox.Session) -> None:
    """The service behind NeMo Gym 0.4.0's own agent and client, which need CPython 3.12."""
    _integration(session, "gym", "gym-0.4.0.txt", ("nemo-gym==0.4.0",))


def _integration(session: nox.Session, suite: str, constraints: str, wanted: tuple[str, ...]) -> None:
    constrain = ("--constraint", str(ROOT / "constraints" / constraints))
    session.install(*wanted, *TEST_TOOLS, *constrain, env=ENVIRONMENT)
    folder = Path(session.virtualenv.location)
    _copies(session, folder / "versions", COPIES.get(suite, {}))
    wheels = folder / "wheel"
    shutil.rmtree(wheels, ignore_errors=True)
    session.run(
        "python", "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(wheels), ".", env=ENVIRONMENT
    )
    (wheel,) = wheels.glob("table_rewards-*.whl")
    session.install(f"{wheel}[data]", *constrain, env=ENVIRONMENT)
    session.install("--no-deps", "--force-reinstall", str(wheel), env=ENVIRONMENT)
    session.run("python", "-m", "pip", "check", env=ENVIRONMENT)
    caches = {"HF_HOME": str(folder / "cache/hf"), "MODELSCOPE_CACHE": str(folder / "cache/modelscope")}
    variables = {"TABLE_REWARDS_INTEGRATION": suite, "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1"}
    options = ("-v", "-m", "slow", "-p", "no:cacheprovider", "--durations=25", f"tests/integration/{suite}")
    session.run("python", "-m", "pytest", *options, *session.posargs, env={**ENVIRONMENT, **caches, **variables})


def _copies(session: nox.Session, folder: Path, copies: dict[str, str]) -> None:
    """Code that tests read beside the environment, each package alone in a folder, without what it depends on."""
    for name, what in copies.items():
        if (folder / name).is_dir():
            continue
        part = folder / f"{name}.part"  # renamed when whole, so that a broken one is never taken for it
        shutil.rmtree(part, ignore_errors=True)
        session.install("--no-deps", "--target", str(part), what, env=ENVIRONMENT)
        part.rename(folder / name)
