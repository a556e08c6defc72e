#!/usr/bin/env python3
"""Plants faults, one at a time, in a copy of the repository and asks who notices.

    Tests/Mutations/run.py [--only ID,ID] [--keep DIR] [--built DIR] [--ask QUESTIONS] [--table FILE]

All faults of faults.py are compiled into one copy, each behind a switch that the environment variable PLANTED_FAULT turns
on: one build serves them all. For each fault three questions: does a unit or property test fail, does a tiny golden drift,
does the verdict of a claim change (world/: 15 runs of a small DINOv2)? The tests are those of the fault's module, then
those of the modules above it, up to the first that fails; goldens are never among them. Without any fault everything must
hold first.

--built names a folder with programs of the copy that somebody else compiled: `repro` and one for each test target.
--ask chooses among test, golden and verdict. Results are kept in DIR/results.json and not asked again; --table writes
them. Exit 1 if less than 90 % of the faults are caught without the goldens. About half an hour of one core after the build.
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
import time

here = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(here))
sys.dont_write_bytecode = True
from faults import FAULTS  # noqa: E402

SWITCH = """import Glibc

private let planted = getenv("PLANTED_FAULT").map { String(cString: $0) }

/// Whether the fault of that name is switched on.
public func isPlanted(_ fault: String) -> Bool { planted == fault }
"""

# The targets whose tests see a module, the nearest first; whole programs are asked last.
ABOVE = {
    "NNTests": ["NNTests", "MethodsTests", "ContractTests", "EngineTests", "EvaluationsTests"],
    "DataTests": ["DataTests", "MethodsTests", "EngineTests"],
    "EngineTests": ["EngineTests", "ContractTests", "MethodsTests", "EvaluationsTests"],
    "MethodsTests": ["MethodsTests"],
    "EvaluationsTests": ["EvaluationsTests"],
}
# Of the data's tests those of what the faults touch, no formats and downloads; of whole programs those that train and judge.
PARTS = {"DataTests": "Augmentation", "CLITests": "EndToEndTests|EvidenceCommandTests"}
# The recipe whose tiny golden is asked: that of the method into which faults are planted.
GOLDEN = "dinov2-small"
# Tests that look at the sources, which the faults changed, or at the clock.
SKIPPED = "HouseRules|GoldenTests|SpeedTests|ASecond|everyMessageOfTheSourcesIsTested"


def prepare(root, copy):
    """The tracked files of the working tree with all faults in them, switched off."""
    names = subprocess.check_output(["git", "ls-files", "-z"], cwd=root, text=True).split("\0")
    texts = {}
    for fault in FAULTS:
        text = texts.get(fault.file) or (root / fault.file).read_text()
        if text.count(fault.old) != 1:
            sys.exit(f"{fault.id}: its place occurs {text.count(fault.old)} times in {fault.file}")
        texts[fault.file] = text.replace(fault.old, fault.new)
    for file, text in texts.items():
        if "import ReproTensor" not in text and not file.startswith("Core/Tensor/"):
            texts[file] = text.replace("import ", "import ReproTensor\nimport ", 1)
    texts["Core/Tensor/Planted.swift"] = SWITCH
    for name in filter(None, names):
        source, target = root / name, copy / name
        if not source.is_file() or name in texts:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists() or target.read_bytes() != source.read_bytes():
            shutil.copy2(source, target)
    for file, text in texts.items():
        target = copy / file
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists() or target.read_text() != text:
            target.write_text(text)


def rows(text):
    """The list that a command printed as JSON, behind lines about progress; empty if it printed none."""
    lines = text.splitlines()
    if "[" not in lines or "]" not in lines:
        return []
    return json.loads("\n".join(lines[lines.index("["):len(lines) - lines[::-1].index("]")]))


class Copy:
    def __init__(self, folder, built):
        self.folder = folder
        self.built = built
        self.program = built / "repro" if built else folder / ".build/test/release/repro"
        self.seconds = 0.0

    def run(self, command, fault, timeout=1200):
        environment = dict(os.environ, REPRO_ROOT=str(self.folder), PLANTED_FAULT=fault or "", NO_COLOR="1")
        environment.update(OPENBLAS_NUM_THREADS="1", SWIFT_BACKTRACE="enable=no")
        before = os.times()
        try:
            done = subprocess.run(
                [str(c) for c in command], cwd=self.folder, env=environment, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=timeout)
            result = done.returncode, re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
        except subprocess.TimeoutExpired:
            result = 124, "took too long"
        after = os.times()
        self.seconds += after.children_user + after.children_system - before.children_user - before.children_system
        return result

    def tests(self, fault, target):
        """The first test of a target that fails, or None."""
        only = PARTS.get(target)
        command = ["./repro", "test", "--filter", f"^{target}\\."]
        if self.built:
            command = [self.built / target, "--testing-library", "swift-testing"]
            if only:
                command += ["--filter", only]
        elif only:
            command[-1] = f"^{target}\\.({only})"
        status, text = self.run(command + ["--skip", SKIPPED], fault)
        if status == 0:
            return None
        failed = re.search(r"✘ Test (?!run)(.+?) (?:with .*? )?(?:recorded an issue|failed)", text)
        if failed:
            return failed.group(1).strip('"').split("(")[0]
        if "error:" in text and "Compiling" in text:
            sys.exit(text[-4000:])
        return "the program stopped: " + text.strip().splitlines()[-1][:80]

    def caught(self, fault):
        """Who notices: the target and the test, or None."""
        for target in ABOVE[fault.tests] + ["CLITests"]:
            test = self.tests(fault.id, target)
            if test:
                return f"{target}: {test}"
        return None

    def golden(self, fault):
        """Whether any tiny run has other bits than its golden."""
        command = [self.program, "verify", GOLDEN, "--tolerance", "0", "--threads", "1", "--json"]
        status, text = self.run(command, fault)
        found = rows(text)
        return status != 0 or not found or any(row["outcome"] != "same bits" for row in found)

    def verdicts(self, fault):
        """What fresh runs of the small recipe beside this script say about each of its claims."""
        with tempfile.TemporaryDirectory() as out:
            world = pathlib.Path(out) / "world"
            shutil.copytree(self.folder / "Tests/Mutations/world", world)
            for scale in ["tiny", "small"]:
                status, text = self.run(
                    [self.program, "run", "faults", "--root", world, "--out", out + "/runs", "--scale", scale,
                     "--record", "--because", "a planted fault", "--threads", "1"], fault)
                if status != 0:
                    return {"run": text.strip().splitlines()[-1][:80]}
            _, text = self.run([self.program, "verify", "faults", "--recorded", "--root", world, "--json"], fault)
            # holds: SUPPORTED (p = 0.0039; ...)
            words = {r["subject"]: r["outcome"].split(" (")[0].split(": ")[-1].split(";")[0] for r in rows(text)}
            return {k: v for k, v in words.items() if k not in ("tiny", "small")}


def sound(copy):
    """All tests that are asked, without a fault."""
    for target in sorted({t for f in FAULTS for t in ABOVE[f.tests]}) + ["CLITests"]:
        failed = copy.tests(None, target)
        if failed:
            sys.exit(f"without a fault '{failed}' of {target} fails already")


def table(results):
    """Markdown, and whether enough is caught."""
    lines = ["| fault | what goes wrong | unit or property test | golden | verdict |", "|---|---|---|---|---|"]
    known = [f for f in FAULTS if f.id in results]
    asked, found, without = {}, {}, 0
    for fault in known:
        r = results[fault.id]
        for name in ("test", "golden", "verdict"):
            asked[name] = asked.get(name, 0) + (name in r)
            found[name] = found.get(name, 0) + bool(r.get(name))
        without += bool(r.get("test") or r.get("verdict"))
        words = {"test": f"`{r.get('test')}`", "golden": "drifts", "verdict": r.get("verdict")}
        cells = [words[k] if r.get(k) else "-" if k in r else "not asked" for k in words]
        lines.append(f"| {fault.id} | {fault.what} | {' | '.join(cells)} |")
    n = len(known)
    lines += [
        "", f"Of {n} faults {without} are caught without the goldens: {found['test']} of {asked['test']} by a unit or property "
        f"test, {found['verdict']} of {asked['verdict']} by a changed verdict; {found['golden']} of {asked['golden']} by a golden."]
    return "\n".join(lines), without >= 0.9 * n


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    parser.add_argument("--keep", default="")
    parser.add_argument("--built", default="")
    parser.add_argument("--prepare", action="store_true", help="make the copy and stop")
    parser.add_argument("--ask", default="test,golden,verdict")
    parser.add_argument("--table", default="")
    arguments = parser.parse_args()
    root = here.parent.parent
    folder = pathlib.Path(arguments.keep or tempfile.mkdtemp(prefix="repro-faults-")).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "results.json"
    results = json.loads(kept.read_text()) if kept.exists() else {"without any": {}}
    copy = Copy(folder / "copy", pathlib.Path(arguments.built).resolve() if arguments.built else None)
    prepare(root, copy.folder)
    print(f"a copy with {len(FAULTS)} faults in {copy.folder}", flush=True)
    if arguments.prepare:
        return
    only = set(filter(None, arguments.only.split(",")))
    faults = [f for f in FAULTS if not only or f.id in only]
    # Question by question, so that what was asked before is kept.
    questions = {
        "test": (lambda: sound(copy), copy.caught),
        "golden": (lambda: copy.golden(None) and sys.exit("without a fault a golden has other bits"), copy.golden),
        "verdict": (lambda: copy.verdicts(None), copy.verdicts),
    }
    for name in filter(None, arguments.ask.split(",")):
        control, ask = questions[name]
        open_ones = [f for f in faults if name not in results.get(f.id, {})]
        if open_ones and name not in results["without any"]:
            copy.seconds = 0.0
            results["without any"][name] = control()
            print(f"without a fault {name}: {results['without any'][name]} ({copy.seconds:.0f} s)", flush=True)
        for fault in open_ones:
            copy.seconds, started = 0.0, time.monotonic()
            answer = "" if name == "verdict" and not fault.trains else ask(fault if name == "test" else fault.id)
            if name == "verdict" and answer:
                usual = results["without any"][name]
                answer = "; ".join(f"{k}: {v}" for k, v in answer.items() if usual.get(k) != v)
            result = results.setdefault(fault.id, {})
            result[name] = answer
            result["seconds"] = round(result.get("seconds", 0) + copy.seconds, 1)
            kept.write_text(json.dumps(results, indent=1))
            print(f"{fault.id}: {answer} ({copy.seconds:.0f} s, {time.monotonic() - started:.0f} s)", flush=True)
    text, isEnough = table(results)
    print(text)
    if arguments.table:
        pathlib.Path(arguments.table).write_text(
            "# Planted faults and who notices them\n\n"
            "Written by `Tests/Mutations/run.py --table`; see docs/evidence.md.\n\n" + text + "\n")
    sys.exit(0 if isEnough else 1)


if __name__ == "__main__":
    main()
