"""Makes papers.yaml, the catalogue of all papers, from the papers' specifications.

    python3 Reproductions/make_papers.py SPECIFICATIONS > Reproductions/papers.yaml

SPECIFICATIONS is a folder of `<id>.yaml`. Facts only: the paper's card, what it claims (one sentence each) and the numbers that
it reports with their place. Numbers that nobody has looked up stay marked as such.
"""

import json
import pathlib
import re
import sys

import yaml


def scalar(value):
    """JSON's way to write a value is YAML's, too."""
    return json.dumps(value, ensure_ascii=False)


def flow(pairs):
    return "{" + ", ".join(f"{key}: {scalar(value)}" for key, value in pairs if value is not None) + "}"


def kebab(name):
    """Small letters, digits and single dashes: how the project spells names."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def place(reported):
    """Where a number stands; `verified: false` says by itself that it is from memory."""
    words = (reported.get("where") or "").replace("second reader; ", "")
    if not reported["verified"]:
        words = re.sub(r"[\s,;(]*\bfrom [^,;()]*memory\b\)?", "", words)
    return words.strip() or None


def card(spec):
    modality = spec["modality"] if isinstance(spec["modality"], list) else [spec["modality"]]
    lines = [f"- id: {spec['id']}"]
    for key in ["title", "year", "venue", "arxiv", "code"]:
        if spec.get(key) is not None:
            lines.append(f"  {key}: {scalar(spec[key])}")
    lines += [f"  family: {spec['family']}", f"  kind: {spec['kind']}", f"  modality: {scalar(modality)}", "  claims:"]
    lines += ["    - " + flow([("id", kebab(c["id"])), ("statement", c["statement"])]) for c in spec["claims"]]
    lines.append("  reported:")
    for r in spec["reported"]:
        if r.get("value") is None:
            continue  # a row without its number says nothing
        pairs = [(key, r.get(key)) for key in ["metric", "dataset", "model", "value"]]
        if r.get("baseline_value") is not None:
            pairs += [(key, r.get(key)) for key in ["baseline", "baseline_value"]]
        lines.append("    - " + flow(pairs + [("source", place(r)), ("verified", r["verified"])]))
    if lines[-1] == "  reported:":
        lines.pop()
    return "\n".join(lines)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    specs = [yaml.safe_load(path.read_text()) for path in sorted(pathlib.Path(sys.argv[1]).glob("*.yaml"))]
    print("# The papers, sorted by id: made by make_papers.py from their specifications. What is implemented stands in")
    print("# ../registry.yaml, what was measured in the goldens.")
    for spec in sorted(specs, key=lambda s: s["id"]):
        print(card(spec))


main()
