"""Debian's `baremetal` command, unmodified, many times in one process: one fork of it for each command.

Standard input: one JSON object a line, {"argv": [...], "stdin": text}; standard output: {"status", "stdout", "stderr"}
of each, as an executable of its own would have them. The first line tells of the commands: their form (list, show or
none) and their options, as the client itself declares them.
"""
import json
import logging
import os
import sys
import tempfile

from cliff.lister import Lister
from cliff.show import ShowOne
from ironicclient import shell


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


def run(argv):
    sys.argv = ["baremetal", *argv]
    try:
        return shell.main(argv)
    except SystemExit as end:
        return end.code


def warm():
    """Everything that a first command imports; what it logs with is left as it was."""
    stdout, stderr = sys.stdout, sys.stderr
    with open(os.devnull, "w") as nowhere:
        sys.stdout = sys.stderr = nowhere
        run(["node", "list"])
        sys.stdout, sys.stderr = stdout, stderr
        for logger in (logging.getLogger(name) for name in [None, *logging.root.manager.loggerDict]):
            logger.handlers.clear()


def forked(argv, stdin):
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        given.write(stdin.encode())
        given.seek(0)
        child = os.fork()
        if child == 0:
            for number, file in enumerate((given, out, errors)):
                os.dup2(file.fileno(), number)
            sys.stdin = os.fdopen(0)
            code = run(argv)
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code if isinstance(code, int) else 1 if code else 0)
        _, ended = os.waitpid(child, 0)
        out.seek(0)
        errors.seek(0)
        return {
            "status": os.waitstatus_to_exitcode(ended),
            "stdout": out.read().decode(),
            "stderr": errors.read().decode(),
        }


def main():
    requests = os.fdopen(os.dup(0))
    print(json.dumps(declared()), flush=True)
    warm()
    for line in requests:
        print(json.dumps(forked(**json.loads(line))), flush=True)


main()
