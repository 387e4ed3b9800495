"""Completion by shells: its words are those that the programs know."""

import os
import re
import shlex
import shutil
import subprocess

import pytest

from harness import TOP

FOLDER = TOP / "etc" / "completion"
LEVELS = {"error", "warning", "notice", "info", "debug"}

bash = pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
zsh = pytest.mark.skipif(not shutil.which("zsh"), reason="needs zsh")


def lines_of_help(box, program):
    done = subprocess.run([box.programs[program], "--help"], text=True,
                          capture_output=True, check=True)
    return done.stdout.split("\n\n")[1:]


def options(box, program):
    found = set()
    for part in lines_of_help(box, program):
        for line in part.splitlines():
            if line.startswith("-"):
                found |= set(re.findall(r"(?<![\w-])--?[A-Za-z]+", line))
    return found


def commands(box):
    """A dictionary: the words behind each command."""
    found = {}
    for line in lines_of_help(box, "spawnctl")[-1].splitlines():
        words = re.split(r" {2,}", line)[0].split()
        found.setdefault(words[0], set()).update(words[1:])
    return found


def run(shell, script, box):
    env = dict(os.environ, PATH=f"{box.base}:{os.environ['PATH']}")
    done = subprocess.run([shell, *(["-f"] if shell == "zsh" else []), "-c",
                           script], text=True, capture_output=True, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def by_bash(box, program, *words):
    """What bash would offer in the place of the last word."""
    line = " ".join(shlex.quote(str(word)) for word in (program, *words))
    return set(run("bash", f"""
        . {shlex.quote(str(FOLDER / "bash" / program))}
        COMP_WORDS=({line})
        COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
        _{program}
        printf '%s\\n' "${{COMPREPLY[@]}}"
        """, box)) - {""}


def by_zsh(box, program, state="", line=""):
    """What is handed to zsh's own functions: specifications of options, and
    words of the state, each with its explanation."""
    return run("zsh", f"""
        _arguments()
        {{
            print -rl -- "$@"
            state={state} line=({line})
            [[ -z $state ]]
        }}
        _describe() {{ print -rl -- "${{(@P)4}}" }}
        . {shlex.quote(str(FOLDER / "zsh" / ("_" + program)))}
        """, box)


@bash
@pytest.mark.parametrize("program", ["spawnd", "spawnctl"])
def test_options_of_bash(box, program):
    assert by_bash(box, program, "-") == options(box, program)


@bash
def test_words_of_bash(box):
    known = commands(box)
    assert by_bash(box, "spawnctl", "") == set(known)
    assert by_bash(box, "spawnctl", "-t", "5s", "--json", "show", "") == \
        known["show"]
    assert by_bash(box, "spawnctl", "show", "wo") == {"workers"}
    assert not by_bash(box, "spawnctl", "show", "workers", "")
    assert not by_bash(box, "spawnctl", "reload", "")
    assert by_bash(box, "spawnd", "-d", "") == LEVELS
    assert by_bash(box, "spawnd", "-n", f"{TOP}/etc/spawnd.c") == {
        f"{TOP}/etc/spawnd.conf"}


@bash
def test_workers_of_bash(box, daemon, echo):
    d = daemon(remotes=[echo])
    pids = {str(worker["pid"]) for worker in d.workers("ready")}
    assert pids
    assert by_bash(box, "spawnctl", "-s", d.conf.control, "drain", "") == pids


@zsh
@pytest.mark.parametrize("program", ["spawnd", "spawnctl"])
def test_options_of_zsh(box, program):
    specs = [re.sub(r"^\([^)]*\)|^\*", "", line)
             for line in by_zsh(box, program)]
    assert {spec.split("[")[0] for spec in specs
            if spec.startswith("-") and "[" in spec} == options(box, program)
    if program == "spawnd":
        assert any(spec.endswith(f"({' '.join(words)})") for spec in specs
                   for words in [["error", "warning", "notice", "info",
                                  "debug"]])


@zsh
def test_words_of_zsh(box):
    known = commands(box)

    def words(*state):
        plain = len(by_zsh(box, "spawnctl"))
        return {line.split(":")[0]
                for line in by_zsh(box, "spawnctl", *state)[plain:]}

    assert words("command") == set(known)
    assert words("argument", "show") == known["show"]


def test_levels_are_those_of_the_daemon(box):
    done = box.run("-d", "no-such")
    assert LEVELS <= set(re.findall(r"\w+", done.stderr))
