#!/usr/bin/env python3
"""Plants faults, one at a time, in a copy of the repository and asks who notices.

    Tests/Mutations/run.py [--only ID,ID] [--keep DIR] [--no-verdicts] [--table]

For each fault of faults.py three questions: does a unit or property test fail, does a tiny golden drift, does the verdict
of a claim change? All faults are compiled into one copy and switched on by the environment. Results are kept in
DIR/results.json and not asked again; --table prints what is there. Exit 1 if less than 90 % of the faults are caught
without the goldens. Takes an hour or two of two cores.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

here = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(here))
from faults import FAULTS  # noqa: E402

SWITCH = """import Glibc

private let planted = getenv("REPRO_FAULT").map { String(cString: $0) }

/// Whether the fault of that name is switched on.
public func isPlanted(_ fault: String) -> Bool { planted == fault }
"""


def prepare(root, copy):
    """The tracked files of the working tree with all faults in them, switched off."""
    names = subprocess.check_output(["git", "ls-files", "-z"], cwd=root, text=True).split("\0")
    for name in filter(None, names):
        source, target = root / name, copy / name
        if not source.is_file():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists() or target.read_bytes() != source.read_bytes():
            shutil.copy2(source, target)
    (copy / "Core/Tensor/Planted.swift").write_text(SWITCH)
    texts = {}
    for fault in FAULTS:
        text = texts.get(fault.file) or (copy / fault.file).read_text()
        if text.count(fault.old) != 1:
            sys.exit(f"{fault.id}: its place occurs {text.count(fault.old)} times in {fault.file}")
        texts[fault.file] = text.replace(fault.old, fault.new)
    for file, text in texts.items():
        if "import ReproTensor" not in text and not file.startswith("Core/Tensor/"):
            text = text.replace("import ", "import ReproTensor\nimport ", 1)
        (copy / file).write_text(text)


class Copy:
    def __init__(self, folder):
        self.folder = folder
        self.program = folder / ".build/test/release/repro"

    def run(self, command, fault, timeout=3600):
        environment = dict(os.environ, REPRO_ROOT=str(self.folder), REPRO_FAULT=fault or "")
        try:
            done = subprocess.run(
                command, cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, errors="replace", timeout=timeout)
        except subprocess.TimeoutExpired:
            return 124, "took too long"
        return done.returncode, re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)

    def tests(self, fault, *arguments):
        """The first test that fails, or None."""
        status, text = self.run(["./repro", "test", *arguments], fault)
        if status == 0:
            return None
        failed = re.search(r"✘ Test (.+?)(?:\(_?:?.*?\))? (?:with .*? )?(?:recorded an issue|failed)", text)
        if failed:
            return failed.group(1).strip('"')
        if "error:" in text and "Compiling" in text:
            sys.exit(text[-4000:])
        return "the tests stopped: " + text.strip().splitlines()[-1][:100]

    def golden(self, fault):
        return self.run([self.program, "verify", "--tolerance", "1e-4"], fault)[0] != 0

    def verdicts(self, fault):
        """Verdict of each claim of the small recipe beside this script, from fresh runs."""
        with tempfile.TemporaryDirectory() as out:
            world = pathlib.Path(out) / "world"
            shutil.copytree(self.folder / "Tests/Mutations/world", world)
            status, text = self.run(
                [self.program, "run", "faults", "--root", world, "--out", out + "/runs", "--record", "--because",
                 "a planted fault", "--threads", "1"], fault)
            if status != 0:
                return {"run": text.strip().splitlines()[-1][:100]}
            _, text = self.run(
                [self.program, "verify", "faults", "--recorded", "--root", world, "--json"], fault)
            start = text.find("{")
            return {c["claim"]: c["verdict"] for c in json.loads(text[start:])["claims"]}


def table(results, counts_verdicts):
    print("| fault | what goes wrong | unit or property test | golden | verdict |\n|---|---|---|---|---|")
    caught = 0
    for fault in FAULTS:
        r = results.get(fault.id)
        if r is None:
            continue
        caught += bool(r["test"] or r.get("verdict"))
        print(f"| {fault.id} | {fault.what} | {r['test'] or '-'} | {'drifts' if r['golden'] else '-'} "
              f"| {r.get('verdict') or '-'} |")
    print(f"\n{caught} of {len(results)} caught without the goldens")
    return caught >= 0.9 * len(results)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    parser.add_argument("--keep", default="")
    parser.add_argument("--no-verdicts", action="store_true")
    parser.add_argument("--table", action="store_true")
    arguments = parser.parse_args()
    root = here.parent.parent
    folder = pathlib.Path(arguments.keep or tempfile.mkdtemp(prefix="repro-faults-")).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "results.json"
    results = json.loads(kept.read_text()) if kept.exists() else {}
    if arguments.table:
        sys.exit(0 if table(results, True) else 1)
    copy = Copy(folder / "copy")
    prepare(root, copy.folder)
    print(f"a copy with {len(FAULTS)} faults in {copy.folder}; building and testing it without any", flush=True)
    # Tests of the house's style look at lines that the faults made longer.
    failed = copy.tests(None, "--skip", "HouseRules")
    if failed:
        sys.exit(f"without a fault '{failed}' fails already")
    if copy.golden(None):
        sys.exit("without a fault a golden drifts already")
    usual = {} if arguments.no_verdicts else copy.verdicts(None)
    print("verdicts without a fault:", usual, flush=True)
    only = set(filter(None, arguments.only.split(",")))
    for fault in FAULTS:
        if fault.id in results or only and fault.id not in only:
            continue
        test = copy.tests(fault.id, "--filter", fault.tests)
        if test is None:
            test = copy.tests(fault.id, "--skip", "HouseRules|GoldenTests")
        result = {"test": test, "golden": copy.golden(fault.id)}
        if not arguments.no_verdicts and fault.trains:
            now = copy.verdicts(fault.id)
            result["verdict"] = "; ".join(f"{k}: {v}" for k, v in now.items() if usual.get(k) != v)
        results[fault.id] = result
        kept.write_text(json.dumps(results, indent=1))
        print(fault.id, result, flush=True)
    sys.exit(0 if table(results, not arguments.no_verdicts) else 1)


if __name__ == "__main__":
    main()
