"""Debian's `baremetal` command, unmodified, many times in one process: its own `main` is called for each command.

Standard input: one JSON object a line, {"argv": [...], "stdin": text}; standard output: {"status", "stdout", "stderr"}
of each, as an executable of its own would have them. The first line tells of the commands: their form (list, show or
none) and their options, as the client itself declares them.
"""
import io
import json
import logging
import os
import sys
import time

# Some words of help have the name of the executable.
sys.argv[0] = "baremetal"

from cliff.lister import Lister
from cliff.show import ShowOne
from ironicclient import shell

# What waits asks every two or ten seconds.
sleep = time.sleep
time.sleep = lambda seconds: sleep(seconds / 50)


def declared():
    app = shell.App()
    commands = {}
    for name in sorted(app.command_manager.commands):
        found, _, _ = app.command_manager.find_command(name.split())
        form = "list" if issubclass(found, Lister) else "show" if issubclass(found, ShowOne) else None
        options = []
        for action in found(app, None).get_parser(name)._actions:
            if "formatter" in (action.container.title or ""):
                continue
            options.extend(option for option in action.option_strings[-1:] if option != "--help")
        commands[name] = {"form": form, "options": options}
    return commands


def run(argv, stdin):
    streams = sys.stdin, sys.stdout, sys.stderr
    sys.stdin, sys.stdout, sys.stderr = io.StringIO(stdin), io.StringIO(), io.StringIO()
    sys.argv = ["baremetal", *argv]
    try:
        code = shell.main(argv)
    except SystemExit as end:
        code = end.code
    finally:
        printed = {"stdout": sys.stdout.getvalue(), "stderr": sys.stderr.getvalue()}
        sys.stdin, sys.stdout, sys.stderr = streams
        # Each command sets up logs of its own, on the streams that it has.
        for logger in (logging.getLogger(name) for name in [None, *logging.root.manager.loggerDict]):
            logger.handlers.clear()
    return {"status": code if isinstance(code, int) else 1 if code else 0, **printed}


def main():
    requests, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    print(json.dumps(declared()), file=answers, flush=True)
    for line in requests:
        print(json.dumps(run(**json.loads(line))), file=answers, flush=True)


main()
