#!/usr/bin/env python3
"""Injects faults into runs of the program and looks at what is left afterwards.

    python3 Tests/Faults/run.py [--injections 300] [--seed 0] [--kind NAME] [--program .build/release/repro]

Every injection damages a tiny run (or a run that decodes a folder of pictures, or a download) in one way: a signal at a
random moment, an error of a call on a file, a full or read-only disk, too little memory, a clock that jumps, two programs
on one run, files that vanish or change under it. Then the fault is gone and the same command is given again. It must end
well with the bytes of a record that was never disturbed; nothing may crash; and who was not killed must have said what
was wrong. Exit code 1 if one of that is not so. Faults are drawn from the seed; the moments of signals depend on the
machine's speed.
"""
import argparse, collections, errno, http.server, os, pathlib, random, resource, shutil, signal
import subprocess, sys, tempfile, threading, time

ROOT = pathlib.Path(__file__).resolve().parents[2]
RUN = ["run", "dinov2-small", "--scale", "tiny", "--arms", "method", "--seeds", "0", "--threads", "1", "--jobs", "1",
       "--checkpoint-seconds", "0", "--set", "evaluate=[{type: knn/v1, k: 20}]"]
CELL = "runs/dinov2-small/tiny/method-0"
CRASHES = {signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGABRT, signal.SIGFPE, signal.SIGTRAP}


class Failure(Exception):
    pass


class Person:
    """A folder of runs and caches of its own, and the program in it."""

    def __init__(self, here, program, preload):
        self.here, self.program, self.preload = pathlib.Path(here), program, preload
        self.pictures = None
        self.mirror = None

    def arguments(self):
        words = list(RUN)
        if self.pictures:
            words += ["--set", f"data={{provider: imagefolder, path: {self.pictures}, size: 32}}",
                      "--set", "batch=16"]
        return words + ["--out", str(self.here / "runs")]

    def environment(self, fault=None):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("REPRO_", "FAULT_"))}
        kept.update(REPRO_ROOT=str(ROOT), REPRO_CACHE=str(self.here / "cache"), SWIFT_BACKTRACE="enable=no",
                    OPENBLAS_NUM_THREADS="1", HOME=str(self.here))
        if self.mirror:
            kept["REPRO_MIRROR"] = self.mirror
        if fault:
            kept.update(LD_PRELOAD=str(self.preload), FAULT_FOLDER=str(self.here))
            kept.update({k: str(v) for k, v in fault.items()})
        return kept

    def start(self, arguments=None, fault=None, limit=None):
        def prepare():
            os.setsid()
            if limit:
                resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        return subprocess.Popen([self.program] + (arguments or self.arguments()), cwd=self.here, text=True,
                                env=self.environment(fault), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, errors="replace", preexec_fn=prepare)

    def ends(self, process, seconds=120):
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            raise Failure(f"hangs: no end after {seconds} s; {err[-300:]}")
        if -process.returncode in CRASHES or 128 < process.returncode and process.returncode - 128 in CRASHES:
            raise Failure(f"crashed with {process.returncode}: {err[-300:]}")
        if "Fatal error" in err or "ended by signal" in err and not any(
                f"ended by signal {int(s)}" in err for s in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)):
            raise Failure(f"a worker crashed: {err[-300:]}")
        return process.returncode, out, err

    def record(self):
        path = self.here / CELL / "record.json"
        return path.read_bytes() if path.exists() else None


def processes_below(pid):
    """A process and all that it has started."""
    found, open_ = [pid], [pid]
    while open_:
        parent = open_.pop()
        try:
            for child in pathlib.Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
                found.append(int(child))
                open_.append(int(child))
        except OSError:
            pass
    return found


class Harness:
    def __init__(self, options, folder):
        self.options, self.folder = options, pathlib.Path(folder)
        self.random = random.Random(options.seed)
        self.preload = self.folder / "interpose.so"
        subprocess.check_call(["cc", "-shared", "-fPIC", "-O1", str(ROOT / "Tests/Faults/interpose.c"), "-o",
                               str(self.preload), "-ldl"])
        self.outcomes = collections.defaultdict(collections.Counter)
        self.failures = []
        self.number = 0
        self.make_pictures()

    def make_pictures(self):
        """Two classes of 40 small pictures, as PPM files."""
        draw = random.Random(1)
        for kind in ("cat", "dog"):
            (self.folder / "pictures" / kind).mkdir(parents=True)
            for i in range(40):
                pixels = bytes(draw.randrange(256) for _ in range(48 * 48 * 3))
                (self.folder / "pictures" / kind / f"{i:02}.ppm").write_bytes(b"P6\n48 48\n255\n" + pixels)

    def person(self, pictures=False):
        self.number += 1
        here = self.folder / f"person{self.number}"
        here.mkdir()
        person = Person(here, self.options.program, self.preload)
        if pictures:
            person.pictures = self.folder / "pictures"
        return person

    def undisturbed(self):
        """Records of runs that nothing happens to, and how long they take."""
        self.expected, self.seconds = {}, {}
        for pictures in (False, True):
            person = self.person(pictures)
            began = time.monotonic()
            code, _, err = person.ends(person.start())
            if code != 0:
                raise SystemExit(f"the undisturbed run fails: {err}")
            self.expected[pictures], self.seconds[pictures] = person.record(), time.monotonic() - began

    def again(self, person):
        """The fault is gone: the same command must end well, with the same record."""
        code, _, err = person.ends(person.start())
        if code != 0:
            raise Failure(f"given again it ends with {code}: {err[-400:]}")
        if person.record() != self.expected[person.pictures is not None]:
            raise Failure("given again it ends with another record")
        left = [p for p in person.here.rglob("*") if ".tmp" in p.name or p.name.endswith(".part")]
        return f"{len(left)} temporary files left" if left else None

    # Kinds of faults: each gives a word for what happened.

    def signalled(self, which):
        person = self.person(self.random.random() < 0.5)
        process = person.start()
        time.sleep(self.random.uniform(0, 1.1) * self.seconds[person.pictures is not None])
        targets = processes_below(process.pid)
        try:
            if which != signal.SIGKILL or self.random.random() < 0.4:
                os.kill(process.pid, which)
            elif self.random.random() < 0.5 and len(targets) > 1:
                os.kill(targets[-1], which)
            else:
                os.killpg(process.pid, which)
        except ProcessLookupError:
            pass
        code, _, err = person.ends(process)
        if which == signal.SIGKILL:
            # Workers that outlive their parent end by themselves before the command is given again.
            deadline = time.monotonic() + 60
            while any(os.path.exists(f"/proc/{p}") and p in targets[1:] for p in targets[1:]):
                if time.monotonic() > deadline:
                    raise Failure("a worker outlives its killed parent by a minute")
                time.sleep(0.05)
        elif code != 0 and code not in (130, -which, 128 + which):
            raise Failure(f"ended with {code} after signal {which}: {err[-300:]}")
        self.again(person)
        return "finished before" if code == 0 else "stopped"

    def call_fails(self, call):
        person = self.person(self.random.random() < 0.5)
        number = errno.ENOSPC if self.random.random() < 0.5 else self.random.choice([errno.EIO, errno.EROFS, errno.EDQUOT])
        fault = {"FAULT_CALL": call, "FAULT_ERRNO": number, "FAULT_AFTER": self.random.randrange(0, 120),
                 "FAULT_COUNT": self.random.choice([1, 1, 3, -1])}
        try:
            code, _, err = person.ends(person.start(fault=fault))
        except Failure as failure:
            raise Failure(f"{fault}: {failure}")
        if code not in (0, 3, 4):
            raise Failure(f"{fault}: ended with {code}: {err[-300:]}")
        if code != 0 and "repro" not in err and ":" not in err:
            raise Failure(f"{fault}: ended with {code} without a word")
        if code == 0 and person.record() != self.expected[person.pictures is not None]:
            raise Failure(f"{fault}: went on to another record")
        self.again(person)
        return "went on" if code == 0 else "said and stopped"

    def short_writes(self):
        person = self.person(self.random.random() < 0.5)
        fault = {"FAULT_CALL": "short", "FAULT_COUNT": self.random.choice([1, 10, -1]),
                 "FAULT_AFTER": self.random.randrange(0, 60)}
        code, _, err = person.ends(person.start(fault=fault))
        if code != 0 or person.record() != self.expected[person.pictures is not None]:
            raise Failure(f"{fault}: ended with {code}: {err[-300:]}")
        return "went on"

    def clock(self):
        person = self.person()
        code, _, err = person.ends(person.start(fault={"FAULT_CALL": "clock"}))
        if code != 0 or person.record() != self.expected[False]:
            raise Failure(f"ended with {code}: {err[-300:]}")
        return "went on"

    def mounted(self, person, size):
        if os.geteuid() != 0 or subprocess.run(
                ["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", str(person.here)],
                capture_output=True).returncode:
            return False
        return True

    def full_disk(self):
        person = self.person()
        if not self.mounted(person, self.random.choice([100, 1024, 4096, 8192, 16384, 24576])):
            return "skipped: needs root, to mount a small file system"
        try:
            code, _, err = person.ends(person.start())
            if code not in (0, 3, 4):
                raise Failure(f"ended with {code}: {err[-300:]}")
            subprocess.check_call(["mount", "-o", "remount,size=200m", str(person.here)])
            self.again(person)
        finally:
            subprocess.run(["umount", str(person.here)])
        return "went on" if code == 0 else "said and stopped"

    def read_only(self):
        person = self.person()
        if not self.mounted(person, 100 * 1024):
            return "skipped: needs root, to mount a read-only file system"
        try:
            process = person.start()
            time.sleep(self.random.uniform(0, 1) * self.seconds[False])
            # Refused while a file is open for writing; tried until it is not.
            for _ in range(200):
                if process.poll() is not None or subprocess.run(
                        ["mount", "-o", "remount,ro", str(person.here)], capture_output=True).returncode == 0:
                    break
                time.sleep(0.01)
            code, _, err = person.ends(process)
            if code not in (0, 3, 4):
                raise Failure(f"ended with {code}: {err[-300:]}")
            subprocess.check_call(["mount", "-o", "remount,rw", str(person.here)])
            self.again(person)
        finally:
            subprocess.run(["umount", str(person.here)])
        return "finished before" if code == 0 else "said and stopped"

    def little_memory(self):
        person = self.person()
        limit = int(2 ** self.random.uniform(24.5, 31))
        process = person.start(limit=limit)
        try:
            code, _, err = person.ends(process)
        except Failure as failure:
            # Swift's allocator ends the program where there is no memory: that is no damage, as long as nothing is lost.
            code, err = -1, str(failure)
            if "hangs" in err:
                raise
        self.again(person)
        return "went on" if code == 0 else "stopped"

    def two_at_once(self):
        person = self.person(self.random.random() < 0.3)
        first = person.start()
        time.sleep(self.random.uniform(0, 0.5) * self.seconds[False])
        second = person.start()
        codes = [person.ends(p, 300)[0] for p in (first, second)]
        if codes != [0, 0] or person.record() != self.expected[person.pictures is not None]:
            raise Failure(f"two programs on one run end with {codes}")
        return "both finished"

    def files_vanish(self):
        person = self.person(self.random.random() < 0.3)
        process = person.start()
        removed = 0
        while process.poll() is None and removed < 3:
            time.sleep(self.random.uniform(0.05, 0.4) * self.seconds[False])
            files = [p for p in (person.here / "runs").rglob("*") if p.is_file()] if (person.here / "runs").exists() else []
            if files:
                try:
                    self.random.choice(sorted(files)).unlink()
                    removed += 1
                except OSError:
                    pass
        code, _, err = person.ends(process)
        if code not in (0, 3, 4):
            raise Failure(f"ended with {code}: {err[-300:]}")
        self.again(person)
        return "went on" if code == 0 else "said and stopped"

    def damaged(self):
        """A stopped run whose files somebody damages: the damage is found, and the previous checkpoint used."""
        person = self.person()
        process = person.start()
        while process.poll() is None and not (person.here / CELL / "checkpoint.h5").exists():
            time.sleep(0.01)
        time.sleep(self.random.uniform(0, 0.5) * self.seconds[False])
        if process.poll() is None:
            os.kill(process.pid, signal.SIGINT)
        code, _, _ = person.ends(process)
        files = sorted(p for p in (person.here / CELL).glob("*") if p.name in (
            "checkpoint.h5", "checkpoint.previous.h5", "recipe.yaml", "metrics.jsonl"))
        if not files:
            return "finished before"
        path = self.random.choice(files)
        content = bytearray(path.read_bytes())
        how = self.random.choice(["cut", "flipped", "emptied", "zeroed"])
        if how == "cut":
            content = content[:self.random.randrange(len(content) + 1)]
        elif how == "emptied":
            content = b""
        elif content:
            at = self.random.randrange(len(content))
            if how == "flipped":
                content[at] ^= 1 << self.random.randrange(8)
            else:
                content[at:at + 4096] = bytes(len(content[at:at + 4096]))
        path.write_bytes(bytes(content))
        if code == 0:
            (person.here / CELL / "record.json").unlink()
        process = person.start()
        code, _, err = person.ends(process)
        if code != 0:
            raise Failure(f"{path.name} {how}: given again it ends with {code}: {err[-300:]}")
        if person.record() != self.expected[False]:
            raise Failure(f"{path.name} {how}: another record")
        return "found, or without harm"

    def download(self):
        """A download from a server that cuts the connection, lies about the length or answers with an error now and then."""
        source = self.options.mirror
        if not source:
            return "skipped: no mirror of real data (REPRO_MIRROR) to serve files from"
        name = "movie-review-documents" if (pathlib.Path(source) / "movie-review-documents").exists() else "stsbenchmark"
        draw = random.Random(self.random.random())

        class Handler(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def copyfile(self, source, output):
                data = source.read()
                mood = draw.random()
                if mood < 0.35:
                    data = data[:draw.randrange(len(data) + 1)]
                elif mood < 0.45 and data:
                    place = draw.randrange(len(data))
                    data = data[:place] + bytes([data[place] ^ 1]) + data[place + 1:]
                try:
                    output.write(data)
                except OSError:
                    pass

        handler = lambda *a: Handler(*a, directory=source)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            person = self.person()
            person.mirror = f"http://127.0.0.1:{server.server_address[1]}"
            process = person.start(["data", "fetch", name, "--yes"])
            if self.random.random() < 0.5:
                time.sleep(self.random.uniform(0, 0.3))
                try:
                    os.kill(process.pid, self.random.choice([signal.SIGKILL, signal.SIGINT, signal.SIGTERM]))
                except ProcessLookupError:
                    pass
            code, _, err = person.ends(process)
            if code not in (0, 3, 4, 130) and -code not in (9, 15, 2):
                raise Failure(f"ended with {code}: {err[-300:]}")
        finally:
            server.shutdown()
        person.mirror = source
        code, _, err = person.ends(person.start(["data", "fetch", name, "--yes"]))
        if code != 0:
            raise Failure(f"given again it ends with {code}: {err[-300:]}")
        code, out, err = person.ends(person.start(["data", "check", name]))
        if code != 0:
            raise Failure(f"a damaged file was accepted: {out[-300:]} {err[-300:]}")
        return "went on or said"

    def kinds(self):
        """Every kind with its share of the injections."""
        return [
            ("SIGKILL", 16, lambda: self.signalled(signal.SIGKILL)),
            ("SIGTERM", 8, lambda: self.signalled(signal.SIGTERM)),
            ("SIGINT", 8, lambda: self.signalled(signal.SIGINT)),
            ("write fails", 10, lambda: self.call_fails("write")),
            ("fsync fails", 5, lambda: self.call_fails("fsync")),
            ("rename fails", 5, lambda: self.call_fails("rename")),
            ("open fails", 5, lambda: self.call_fails("open")),
            ("mkdir fails", 3, lambda: self.call_fails("mkdir")),
            ("short writes", 5, self.short_writes),
            ("full disk", 6, self.full_disk),
            ("read-only", 5, self.read_only),
            ("little memory", 5, self.little_memory),
            ("clock jumps", 3, self.clock),
            ("two programs", 4, self.two_at_once),
            ("files vanish", 5, self.files_vanish),
            ("files damaged", 9, self.damaged),
            ("download", 6, self.download),
        ]

    def run(self):
        self.undisturbed()
        kinds = [k for k in self.kinds() if self.options.kind in (None, k[0])]
        if not kinds:
            raise SystemExit(f"no kind '{self.options.kind}'; there are {', '.join(k[0] for k in self.kinds())}")
        total = sum(k[1] for k in kinds)
        plan = [k for k in kinds for _ in range(max(1, round(k[1] * self.options.injections / total)))]
        self.random.shuffle(plan)
        began = time.monotonic()
        for i, (name, _, inject) in enumerate(plan):
            try:
                self.outcomes[name][inject()] += 1
                keep = False
            except Failure as failure:
                self.outcomes[name]["FAILED"] += 1
                self.failures.append(f"injection {i}, {name}: {failure} [person{self.number}]")
                print(f"FAILED {self.failures[-1]}", flush=True)
                keep = True
            here = self.folder / f"person{self.number}"
            if here.exists() and not keep:
                shutil.rmtree(here, ignore_errors=True)
            if (i + 1) % 25 == 0:
                print(f"{i + 1} of {len(plan)} injections, {time.monotonic() - began:.0f} s", flush=True)
        print(f"\n{len(plan)} injections in {time.monotonic() - began:.0f} s, {len(self.failures)} failed\n")
        for name, _, _ in kinds:
            words = ", ".join(f"{count} {what}" for what, count in sorted(self.outcomes[name].items()))
            print(f"{name:14} {sum(self.outcomes[name].values()):4}  {words}")
        return 1 if self.failures else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--injections", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", help="only this kind of fault")
    parser.add_argument("--program", default=str(ROOT / ".build/release/repro"))
    parser.add_argument("--mirror", default=os.environ.get("REPRO_MIRROR"))
    parser.add_argument("--folder", help="where to work (default: a temporary folder; kept if something failed)")
    options = parser.parse_args()
    options.program = os.path.abspath(options.program)
    if options.mirror:
        options.mirror = os.path.abspath(options.mirror)
    if not os.access(options.program, os.X_OK):
        raise SystemExit(f"{options.program} is missing: build it first with ./repro list")
    folder = options.folder or tempfile.mkdtemp(prefix="repro-faults-")
    os.makedirs(folder, exist_ok=True)
    harness = Harness(options, folder)
    code = harness.run()
    if code == 0 and not options.folder:
        shutil.rmtree(folder, ignore_errors=True)
    elif code:
        print(f"what is left of the failed ones: {folder}")
    sys.exit(code)


if __name__ == "__main__":
    main()
