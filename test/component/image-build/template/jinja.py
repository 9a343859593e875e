# Renders templates with Jinja2 itself. In: a JSON list of [template, variables]; out: a JSON list of [text] or null.
import json
import os.path
import shlex
import sys

from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

# Without the optimizer, which fails at what is never reached.
environment = SandboxedEnvironment(
    undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True, optimized=False
)


def to_bool(value):
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        value = value.lower()
    return value in ("yes", "on", "1", "true", 1)


# Those of Ansible's filters that Ferric has, by what Ansible builds them of.
environment.filters.update(
    basename=lambda path: os.path.basename(str(path)),
    dirname=lambda path: os.path.dirname(str(path)),
    quote=lambda text: shlex.quote(str(text)),
    bool=to_bool,
    to_json=lambda value: json.dumps(value),
)


def rendered(template, variables):
    try:
        return [environment.from_string(template).render(variables)]
    except Exception:
        return None


print(json.dumps([rendered(*case) for case in json.load(sys.stdin)]))
