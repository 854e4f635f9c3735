"""Print the oldest dependencies that pyproject.toml admits, as requirements for pip.

`make test-oldest` installs these and runs the suite, which is what makes the lower bounds true.
With `--tests`, print what the tests need instead, without the peer that asks for a newer numpy.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

PROJECT = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]

TESTS = PROJECT["optional-dependencies"]["test"]
TABLES = [r for r in TESTS if r.startswith(("click", "polars"))]

if "--tests" in sys.argv:
    print("\n".join(r for r in TESTS if not r.startswith("DoubleML")))
    sys.exit()

for requirement in PROJECT["dependencies"] + TABLES:
    name, version = re.fullmatch(r"([\w.-]+)>=([\d.]+)", requirement).groups()
    print(f"{name}=={version}" + ".*" * (version.count(".") < 2))
