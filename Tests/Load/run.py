#!/usr/bin/env python3
"""Puts load on the program, and looks at what it takes.

    python3 Tests/Load/run.py [--program .build/release/repro] [--folder FOLDER] [PART ...]

    readers   100 `list`, `show` and `status` at once, beside a run: all succeed and say the same
    runs      8 tiny runs at once in one checkout, with one cache: all succeed, with the bits of a run alone
    many      a folder of 10,000 runs: `list` takes less than 200 ms, `status`, which looks into each, less than 3 s
    cache     a data cache of 2 GB, all of it trained on: less than 512 MiB of memory
    steps     a run of 10,000 steps: at its worst no more memory than one of 1,000, but for the numbers measured in each
              step (16 bytes each, and twice that while their list grows): 4 MiB

Without a part, all of them: some minutes, 3 GB of disk for a while, 3 GB of memory while the cache is built. Exit code 1
if something is not so. Times are the least of some tries: what others do to the machine does not count.
"""
import argparse, os, pathlib, shutil, subprocess, sys, tempfile, threading, time

ROOT = pathlib.Path(__file__).resolve().parents[2]
MEBI = 1 << 20
ALONE = ["--threads", "1", "--jobs", "1"]
SMALL = ["--set", "evaluate=[{type: knn/v1, k: 20}]", "--set", "train=64", "--set", "test=32", "--set", "batch=8"]


class Load:
    def __init__(self, program, folder):
        self.program, self.folder, self.failures = program, folder, 0

    def environment(self, folder):
        kept = {k: v for k, v in os.environ.items() if not k.startswith("REPRO_")}
        return dict(kept, REPRO_ROOT=str(ROOT), REPRO_CACHE=str(folder / "cache"), OPENBLAS_NUM_THREADS="1",
                    HOME=str(folder))

    def start(self, words, folder):
        return subprocess.Popen([self.program] + words, cwd=folder, env=self.environment(folder), text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, words, folder):
        process = self.start(words, folder)
        out, err = process.communicate()
        return process.returncode, out, err

    def place(self, name):
        folder = self.folder / name
        folder.mkdir()
        return folder

    def holds(self, is_so, what):
        print(f"{'     ' if is_so else 'WRONG'} {what}", flush=True)
        self.failures += not is_so

    def tiny(self, seed, recipe="dinov2-small", arms="method"):
        return ["run", recipe, "--scale", "tiny", "--arms", arms, "--seeds", str(seed)] + ALONE + SMALL

    # The parts

    def readers(self):
        here = self.place("readers")
        self.run(self.tiny(0), here)
        commands = [["list"], ["show", "dinov2-small"], ["status"]]
        said = {c[0]: self.run(c, here)[1] for c in commands}
        beside = self.start(self.tiny(1), here)
        began = time.monotonic()
        started = [(c[0], self.start(c, here)) for c in (commands * 34)[:100]]
        ended = [(name, *p.communicate(), p.returncode) for name, p in started]
        seconds = time.monotonic() - began
        beside.communicate()
        good = sum(code == 0 and not err for _, _, err, code in ended)
        same = sum(out == said[name] for name, out, _, _ in ended if name != "status")
        wanted = sum(name != "status" for name, *_ in ended)
        self.holds(good == 100, f"readers: {good} of 100 succeed, {seconds:.1f} s")
        self.holds(same == wanted, f"readers: {same} of {wanted} lists and papers are what one alone says")
        self.holds(beside.returncode == 0, "readers: the run beside them succeeds")

    def runs(self):
        here, alone = self.place("runs"), self.place("alone")
        began = time.monotonic()
        started = [self.start(self.tiny(seed % 7), here) for seed in range(8)]
        ended = [(p.communicate()[1], p.returncode) for p in started]
        seconds = time.monotonic() - began
        good = sum(code == 0 for _, code in ended)
        self.holds(good == 8, f"runs: {good} of 8 succeed (two of them on one run), {seconds:.1f} s")
        for err, code in ended:
            if code:
                print(err[-500:])
        same = 0
        for seed in range(7):
            self.run(self.tiny(seed), alone)
            cell = f"runs/dinov2-small/tiny/method-{seed}/record.json"
            same += (here / cell).exists() and (here / cell).read_bytes() == (alone / cell).read_bytes()
        self.holds(same == 7, f"runs: {same} of 7 records are those of runs alone")

    def many(self):
        here = self.place("many")
        self.run(self.tiny(0), here)
        cell = here / "runs/dinov2-small/tiny/method-0"
        contents = {p.name: p.read_bytes() for p in cell.iterdir() if p.is_file() and p.suffix != ".h5"}
        recipes = sorted(p.stem for p in (ROOT / "Reproductions").glob("*/*.yaml"))[:100]
        count = 0
        for recipe in recipes:
            for seed in range(10_000 // len(recipes)):
                folder = here / "runs" / recipe / "small" / f"method-{seed}"
                folder.mkdir(parents=True)
                for name, content in contents.items():
                    (folder / name).write_bytes(content)
                count += 1
        for command, limit in (("list", 0.2), ("status", 3)):
            seconds, done = [], 0
            for _ in range(7):
                began = time.monotonic()
                code, out, err = self.run([command], here)
                seconds.append(time.monotonic() - began)
                if command == "status":
                    done = sum(int(line.split()[2]) for line in out.splitlines() if line.split()[1:2] == ["small"])
                if code:
                    self.holds(False, f"many: {command} ends with {code}: {err[-300:]}")
            self.holds(min(seconds) < limit, f"many: {command} beside {count} runs takes {1000 * min(seconds):.0f} ms")
            if command == "status":
                self.holds(done == count, f"many: status counts {done} of {count} finished runs")

    def cache(self):
        here = self.place("cache")
        side, copies = 128, 45_000
        for kind, pixel in (("dark", b"\x10\x20\x30"), ("light", b"\xc0\xd0\xe0")):
            folder = here / "pictures" / kind
            folder.mkdir(parents=True)
            first = folder / "00000.ppm"
            first.write_bytes(b"P6\n8 8\n255\n" + pixel * 63 + kind[0].encode() * 3)
            for i in range(1, copies // 2):
                os.link(first, folder / f"{i:05}.ppm")
        data = f"data={{provider: imagefolder, path: {here / 'pictures'}, size: {side}}}"
        words = ["run", "dinov2-small", "--scale", "tiny", "--arms", "method", "--seeds", "0"] + ALONE + [
            "--set", data, "--set", "batch=8", "--set", "evaluate=[]"]
        began = time.monotonic()
        code, _, err = self.run(words, here)
        self.holds(code == 0, f"cache: built in {time.monotonic() - began:.0f} s {err[-300:] if code else ''}")
        size = sum(p.stat().st_size for p in (here / "cache").rglob("*.h5"))
        self.holds(size > 2e9, f"cache: {size / 1e9:.2f} GB")
        shutil.rmtree(here / "runs", ignore_errors=True)
        began = time.monotonic()
        process = self.start(words, here)
        peak = self.watch(process)
        code = process.wait()
        most, own = max((m for _, m, _ in peak), default=0), max((m for _, _, m in peak), default=0)
        self.holds(code == 0, f"cache: used in {time.monotonic() - began:.0f} s")
        self.holds(0 < most < 512, f"cache: a run with all of it takes {most:.0f} MiB, {own:.0f} of it no file's")
        shutil.rmtree(here)

    def steps(self):
        most = {}
        for steps in (1_000, 10_000):
            words = self.tiny(0) + ["--set", f"pretrain.steps={steps}", "--set", "batch=2", "--set", "method.width=16",
                                    "--set", "method.depth=1", "--set", "method.heads=1",
                                    "--set", "method.prototypes=16"]
            process = self.start(words, self.place(f"steps-{steps}"))
            sizes = self.watch(process)
            code = process.wait()
            # The program's code, which is read from its file bit by bit, is no memory of the run.
            most[steps] = max((m for _, _, m in sizes), default=0)
            self.holds(code == 0 and len(sizes) >= 50, f"steps: {steps} in {sizes[-1][0]:.0f} s, "
                       f"looked at {len(sizes)} times, at most {most[steps]:.1f} MiB")
        self.holds(0 < most[10_000] < most[1_000] + 4, f"steps: {most[10_000] - most[1_000]:.1f} MiB more for ten times "
                   "the steps")

    def watch(self, process):
        """Seconds, and MiB of the largest process below this one: all, and what is no file's; many times a second."""
        began, found = time.monotonic(), []
        drains = [threading.Thread(target=s.read, daemon=True) for s in (process.stdout, process.stderr)]
        for drain in drains:
            drain.start()
        while process.poll() is None:
            sizes = [resident(p) for p in below(process.pid)]
            found.append((time.monotonic() - began, *max(sizes, default=(0, 0))))
            time.sleep(0.05)
        return found


def below(pid):
    """A process and all that it has started."""
    found, new = [], [pid]
    while new:
        found.append(new.pop())
        try:
            new += map(int, pathlib.Path(f"/proc/{found[-1]}/task/{found[-1]}/children").read_text().split())
        except OSError:
            pass
    return found


def resident(pid):
    """MiB of memory that a process holds, and how much of it no file backs; 0 for one that is gone."""
    found = {}
    try:
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(("VmRSS:", "RssAnon:")):
                found[line.split(":")[0]] = int(line.split()[1]) / 1024
    except OSError:
        pass
    return found.get("VmRSS", 0), found.get("RssAnon", 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = ["readers", "runs", "many", "cache", "steps"]
    parser.add_argument("parts", nargs="*", metavar="PART")
    parser.add_argument("--program", default=str(ROOT / ".build/release/repro"))
    parser.add_argument("--folder", help="where to work (default: a temporary folder); what is made there is removed")
    options = parser.parse_args()
    for part in options.parts:
        if part not in parts:
            raise SystemExit(f"no part '{part}'; there are {', '.join(parts)}")
    program = os.path.abspath(options.program)
    if not os.access(program, os.X_OK):
        raise SystemExit(f"{program} is missing: build it first with ./repro list")
    folder = tempfile.mkdtemp(prefix="repro-load-", dir=options.folder)
    load = Load(program, pathlib.Path(folder))
    try:
        for part in options.parts or parts:
            getattr(load, part)()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(1 if load.failures else 0)


if __name__ == "__main__":
    main()
