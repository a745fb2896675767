"""Hold what is installed to the licences that are allowed and to the weaknesses that are known.

``python .ci/audit.py PIP_AUDIT`` looks at the installed distributions, and asks PIP_AUDIT, which is
pip-audit, about the versions of ``constraints.txt``. Where no index answers it with advisories, one
line says so.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, PackageMetadata, distributions
from pathlib import Path
from tempfile import TemporaryDirectory

ALLOWED = {
    *("0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause"),
    *("BSL-1.0", "CC0-1.0", "CNRI-Python", "HPND", "ISC", "MIT", "MIT-CMU", "MPL-2.0", "PSF-2.0"),
    *("Unlicense", "Zlib"),
    # as classifiers and older fields have them
    *("Apache Software License", "Apache 2.0", "BSD License", "BSD", "3-Clause BSD License"),
    *("ISC License (ISCL)", "MIT License", "Mozilla Public License 2.0 (MPL 2.0)"),
    "Python Software Foundation License",
}
KNOWN = {
    "axe-playwright-python": "MIT, by its file LICENSE; axe-core within is MPL-2.0",
    "docutils": "public domain and BSD; of what it names as GPL, the wheel has nothing",
}
"""Distributions whose metadata do not say it in these terms."""
QUIETLY = ("--no-deps", "--disable-pip", "--progress-spinner=off", "--format=json", "--timeout=10")


def licences(metadata: PackageMetadata) -> list[str]:
    """Those that a distribution names: in an expression, by classifiers, or in its old field."""
    classifiers = metadata.get_all("Classifier") or []
    named = [of.split(" :: ")[-1] for of in classifiers if of.startswith("License :: ")]
    expression = metadata.get("License-Expression")
    if named and not expression:
        return [of for of in named if of != "OSI Approved"]
    text = expression or metadata.get("License") or "none"
    return [of for of in re.split(r" AND | OR |[()]", text.strip().splitlines()[0]) if of.strip()]


def refused(found: Iterable[Distribution]) -> Iterator[str]:
    """A line for each distribution with a licence that is not allowed."""
    for metadata in (of.metadata for of in found):
        others = [of for of in licences(metadata) if of not in ALLOWED]
        if others and metadata["Name"] not in KNOWN:
            yield f"{metadata['Name']} {metadata['Version']} has the licence {', '.join(others)}"


def audited(pip_audit: str, pinned: list[str]) -> list[dict] | str:
    """What pip-audit says of each version, or why it cannot say anything."""
    with TemporaryDirectory() as place:
        (Path(place) / "pinned.txt").write_text("\n".join(pinned))
        command = [pip_audit, *QUIETLY, "-r", f"{place}/pinned.txt"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        found = json.loads(done.stdout)["dependencies"]
    except ValueError:
        return (done.stderr.strip().splitlines() or ["it says nothing"])[-1][:200]
    answered = [of for of in found if "skip_reason" not in of]
    return answered or "the index here has no advisories"


def weaknesses(found: list[dict]) -> Iterator[str]:
    """A line for each version with a known weakness."""
    for of in found:
        for weakness in of["vulns"]:
            fixed = ", ".join(weakness["fix_versions"]) or "no version yet"
            yield f"{of['name']} {of['version']}: {weakness['id']}, mended in {fixed}"


def main(pip_audit: str) -> int:
    """Print what was found; 1 where something is wrong."""
    wrong = [*refused(distributions())]
    pins = Path(__file__).parents[1] / "constraints.txt"
    pinned = [line for line in pins.read_text("utf-8").splitlines() if "==" in line]
    found = audited(pip_audit, pinned[:1])  # quick, where nobody answers
    if not isinstance(found, str):
        found = audited(pip_audit, pinned)
    if isinstance(found, str):
        print(f"licences looked at; pip-audit is left out: {found}")
    else:
        print(f"licences looked at; pip-audit knows {len(found)} of {len(pinned)} versions")
        wrong += weaknesses(found)
    for line in wrong:
        print(line, file=sys.stderr)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
