"""Print the oldest dependencies that pyproject.toml admits, as requirements for pip.

`make test-oldest` installs these and runs the suite, which is what makes the lower bounds true.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

PROJECT = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]

TABLES = [r for r in PROJECT["optional-dependencies"]["test"] if r.startswith(("click", "polars"))]

for requirement in PROJECT["dependencies"] + TABLES:
    name, version = re.fullmatch(r"([\w.-]+)>=([\d.]+)", requirement).groups()
    print(f"{name}=={version}" + ".*" * (version.count(".") < 2))
