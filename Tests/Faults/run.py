#!/usr/bin/env python3
"""Injects faults into runs of the program and looks at what is left afterwards.

    python3 Tests/Faults/run.py [--injections 300] [--seed 0] [--kind NAME] [--jobs 2] [--program .build/release/repro]

Every injection damages a tiny run (or a run that decodes a folder of pictures, or a download) in one way: a signal at a
random moment, an error of a call on a file, a full or read-only disk, too little memory, a clock that jumps, two programs
on one run, files that vanish or change under it. Then the fault is gone and the same command is given again. It must end
well with the bytes of a record that was never disturbed; nothing may crash; and who was not killed must have said what
was wrong. Exit code 1 if one of that is not so. Faults are drawn from the seed and the number of the injection; the
moments of signals depend on the machine's speed. As many injections as the machine has cores run at a time.
"""
import argparse, collections, concurrent.futures, contextlib, errno, http.server, os, pathlib, random, re, shutil, signal
import subprocess, sys, tempfile, threading, time

ROOT = pathlib.Path(__file__).resolve().parents[2]
RUN = ["run", "dinov2-small", "--scale", "tiny", "--arms", "method", "--seeds", "0", "--threads", "1", "--jobs", "1",
       "--checkpoint-seconds", "0", "--set", "evaluate=[{type: knn/v1, k: 20}]", "--set", "batch=8"]
CELL = "runs/dinov2-small/tiny/method-0"
CRASHES = {signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGABRT, signal.SIGFPE, signal.SIGTRAP}


class Failure(Exception):
    pass


class Skipped(Exception):
    """What a kind of fault needs and this machine has not."""


class Person:
    """A folder of runs and caches of its own, and the program in it."""

    def __init__(self, here, program, preload):
        self.here, self.program, self.preload = pathlib.Path(here), program, preload
        self.pictures = None
        self.mirror = None

    def arguments(self):
        if self.pictures:
            data = ["--set", f"data={{provider: imagefolder, path: {self.pictures}, size: 32}}"]
        else:
            data = ["--set", "train=64", "--set", "test=32"]
        return RUN + data + ["--out", str(self.here / "runs")]

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
        """Starts the program; `limit` is the most memory, in bytes, that it can have."""
        words = ["prlimit", f"--as={limit}"] if limit else []
        return subprocess.Popen(words + [self.program] + (arguments or self.arguments()), cwd=self.here, text=True,
                                env=self.environment(fault), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, errors="replace", start_new_session=True)

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
        """The bytes of the record, without the repository's commit, which may change meanwhile, and the checksum over it."""
        path = self.here / CELL / "record.json"
        return re.sub(rb'\n *"(commit|sha256)": "\w*",?', b"", path.read_bytes()) if path.exists() else None


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


def stop(process_or_group, number, kill=os.kill):
    """Sends a signal to a process or group that may be gone."""
    try:
        kill(process_or_group, number)
    except ProcessLookupError:
        pass


class Injection:
    """One fault: each kind is a method that gives a word for what happened, or raises a `Failure`."""

    def __init__(self, harness, index):
        self.harness, self.index = harness, index
        self.random = random.Random(f"{harness.options.seed}/{index}")
        self.seconds = harness.seconds

    def person(self, pictures=0.0):
        """Somebody with a folder of their own; with a probability, whose data is a folder of pictures."""
        person = self.harness.person(self.index, self.random.random() < pictures)
        self.expected = self.harness.expected[person.pictures is not None]
        return person

    def again(self, person):
        """The fault is gone: the same command must end well, with the same record."""
        code, _, err = person.ends(person.start())
        if code != 0:
            raise Failure(f"given again it ends with {code}: {err[-400:]}")
        if person.record() != self.expected:
            raise Failure("given again it ends with another record")
        left = [p for p in person.here.rglob("*") if ".tmp" in p.name or p.name.endswith(".part")]
        if left:
            raise Failure(f"temporary files are left: {', '.join(str(p.relative_to(person.here)) for p in left)}")

    def said(self, person, code, err, fault=""):
        """The word for a run that a fault may have stopped with a message, after giving the command again."""
        if code not in (0, 3, 4):
            raise Failure(f"{fault} ended with {code}: {err[-300:]}")
        if code != 0 and "repro: " not in err:
            raise Failure(f"{fault} ended with {code} without a word")
        if code == 0 and person.record() != self.expected:
            raise Failure(f"{fault} went on to another record")
        self.again(person)
        return "went on" if code == 0 else "said and stopped"

    def undamaged(self, person, fault):
        """The word for a fault that the program must not even notice."""
        code, _, err = person.ends(person.start(fault=fault))
        if code != 0 or person.record() != self.expected:
            raise Failure(f"{fault}: ended with {code}: {err[-300:]}")
        return "went on"

    def signalled(self, which):
        person = self.person(pictures=0.5)
        process = person.start()
        time.sleep(self.random.uniform(0, 1.1) * self.seconds[person.pictures is not None])
        targets = processes_below(process.pid)
        if which != signal.SIGKILL or self.random.random() < 0.4:
            stop(process.pid, which)
        elif self.random.random() < 0.5 and len(targets) > 1:
            stop(targets[-1], which)
        else:
            stop(process.pid, which, os.killpg)
        code, _, err = person.ends(process)
        if which == signal.SIGKILL:
            # Workers that outlive their parent end by themselves before the command is given again.
            deadline = time.monotonic() + 60
            while any(os.path.exists(f"/proc/{p}") for p in targets[1:]):
                if time.monotonic() > deadline:
                    raise Failure("a worker outlives its killed parent by a minute")
                time.sleep(0.05)
        elif code != 0 and code not in (130, -which, 128 + which):
            raise Failure(f"ended with {code} after signal {which}: {err[-300:]}")
        self.again(person)
        return "finished before" if code == 0 else "stopped"

    def call_fails(self, call):
        person = self.person(pictures=0.5)
        number = errno.ENOSPC if self.random.random() < 0.5 else self.random.choice([errno.EIO, errno.EROFS, errno.EDQUOT])
        fault = {"FAULT_CALL": call, "FAULT_ERRNO": number, "FAULT_AFTER": self.random.randrange(0, 120),
                 "FAULT_COUNT": self.random.choice([1, 1, 3, -1])}
        try:
            code, _, err = person.ends(person.start(fault=fault))
        except Failure as failure:
            raise Failure(f"{fault}: {failure}")
        return self.said(person, code, err, f"{fault}:")

    def short_writes(self):
        return self.undamaged(self.person(pictures=0.5), {
            "FAULT_CALL": "short", "FAULT_COUNT": self.random.choice([1, 10, -1]),
            "FAULT_AFTER": self.random.randrange(0, 60)})

    def clock(self):
        return self.undamaged(self.person(), {"FAULT_CALL": "clock"})

    @contextlib.contextmanager
    def disk(self, person, kilobytes):
        """A file system of that size under somebody's folder; gives a function that mounts it anew with other options."""
        here = str(person.here)
        options = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", here]
        if os.geteuid() != 0 or subprocess.run(options, capture_output=True).returncode:
            raise Skipped("needs root, to mount a file system")
        try:
            yield lambda option: subprocess.run(
                ["mount", "-o", f"remount,{option}", here], capture_output=True).returncode == 0
        finally:
            subprocess.run(["umount", here])

    def full_disk(self):
        person = self.person()
        with self.disk(person, self.random.choice([100, 512, 1024, 2048, 4096, 8192, 16384])) as again:
            code, _, err = person.ends(person.start())
            again("size=200m")
            return self.said(person, code, err)

    def read_only(self):
        person = self.person()
        with self.disk(person, 100 * 1024) as again:
            process = person.start()
            time.sleep(self.random.uniform(0, 1) * self.seconds[False])
            # Refused while a file is open for writing; tried until it is not.
            for _ in range(200):
                if process.poll() is not None or again("ro"):
                    break
                time.sleep(0.01)
            code, _, err = person.ends(process)
            again("rw")
            return self.said(person, code, err)

    def little_memory(self):
        person = self.person()
        process = person.start(limit=int(2 ** self.random.uniform(24.5, 31)))
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
        person = self.person(pictures=0.3)
        first = person.start()
        time.sleep(self.random.uniform(0, 0.5) * self.seconds[False])
        second = person.start()
        codes = [person.ends(p, 300)[0] for p in (first, second)]
        if codes != [0, 0] or person.record() != self.expected:
            raise Failure(f"two programs on one run end with {codes}")
        return "both finished"

    def files_vanish(self):
        person = self.person(pictures=0.3)
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
        stop(process.pid, signal.SIGINT)
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
        if person.record() != self.expected:
            raise Failure(f"{path.name} {how}: another record")
        return "found, or without harm"

    def download(self):
        """A download from a server that cuts the connection, lies about the length or answers with an error now and then."""
        source = self.harness.options.mirror
        if not source:
            raise Skipped("no mirror of real data (REPRO_MIRROR) to serve files from")
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
                stop(process.pid, self.random.choice([signal.SIGKILL, signal.SIGINT, signal.SIGTERM]))
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


class Harness:
    # Every kind with its share of the injections.
    kinds = [
        ("SIGKILL", 16, lambda i: i.signalled(signal.SIGKILL)),
        ("SIGTERM", 8, lambda i: i.signalled(signal.SIGTERM)),
        ("SIGINT", 8, lambda i: i.signalled(signal.SIGINT)),
        ("write fails", 10, lambda i: i.call_fails("write")),
        ("fsync fails", 5, lambda i: i.call_fails("fsync")),
        ("rename fails", 5, lambda i: i.call_fails("rename")),
        ("open fails", 5, lambda i: i.call_fails("open")),
        ("mkdir fails", 3, lambda i: i.call_fails("mkdir")),
        ("short writes", 5, Injection.short_writes),
        ("full disk", 6, Injection.full_disk),
        ("read-only", 5, Injection.read_only),
        ("little memory", 5, Injection.little_memory),
        ("clock jumps", 3, Injection.clock),
        ("two programs", 4, Injection.two_at_once),
        ("files vanish", 5, Injection.files_vanish),
        ("files damaged", 9, Injection.damaged),
        ("download", 6, Injection.download),
    ]

    def __init__(self, options, folder):
        self.options, self.folder = options, pathlib.Path(folder)
        self.preload = self.folder / "interpose.so"
        subprocess.check_call(["cc", "-shared", "-fPIC", "-O1", str(ROOT / "Tests/Faults/interpose.c"), "-o",
                               str(self.preload), "-ldl"])
        self.make_pictures()
        self.undisturbed()

    def make_pictures(self):
        """Two classes of 40 small pictures, as PPM files."""
        draw = random.Random(1)
        for kind in ("cat", "dog"):
            (self.folder / "pictures" / kind).mkdir(parents=True)
            for i in range(40):
                pixels = bytes(draw.randrange(256) for _ in range(48 * 48 * 3))
                (self.folder / "pictures" / kind / f"{i:02}.ppm").write_bytes(b"P6\n48 48\n255\n" + pixels)

    def person(self, name, pictures=False):
        here = self.folder / f"person-{name}"
        here.mkdir()
        person = Person(here, self.options.program, self.preload)
        if pictures:
            person.pictures = self.folder / "pictures"
        return person

    def undisturbed(self):
        """Records of runs that nothing happens to, and how long they take."""
        self.expected, self.seconds = {}, {}
        for pictures in (False, True):
            person = self.person("with-pictures" if pictures else "undisturbed", pictures)
            began = time.monotonic()
            code, _, err = person.ends(person.start())
            if code != 0:
                raise SystemExit(f"the undisturbed run fails: {err}")
            self.expected[pictures], self.seconds[pictures] = person.record(), time.monotonic() - began

    def inject(self, index, kind):
        """One injection; gives a word for what happened and, where something is wrong, what."""
        failure = None
        try:
            outcome = kind[2](Injection(self, index))
        except Skipped as skipped:
            outcome = f"skipped: {skipped}"
        except Failure as error:
            outcome, failure = "FAILED", f"injection {index}, {kind[0]}: {error} [person-{index}]"
        if not failure:
            shutil.rmtree(self.folder / f"person-{index}", ignore_errors=True)
        return outcome, failure

    def run(self):
        kinds = [k for k in self.kinds if self.options.kind in (None, k[0])]
        if not kinds:
            raise SystemExit(f"no kind '{self.options.kind}'; there are {', '.join(k[0] for k in self.kinds)}")
        total = sum(k[1] for k in kinds)
        plan = [k for k in kinds for _ in range(max(1, round(k[1] * self.options.injections / total)))]
        random.Random(self.options.seed).shuffle(plan)
        outcomes, failures = collections.defaultdict(collections.Counter), []
        began = time.monotonic()
        done = 0
        with concurrent.futures.ThreadPoolExecutor(self.options.jobs) as pool:
            started = {pool.submit(self.inject, i, kind): kind[0] for i, kind in enumerate(plan)}
            try:
                for future in concurrent.futures.as_completed(started):
                    outcome, failure = future.result()
                    outcomes[started[future]][outcome] += 1
                    done += 1
                    if failure:
                        failures.append(failure)
                        print(f"FAILED {failure}", flush=True)
                    if done % 25 == 0:
                        print(f"{done} of {len(plan)} injections, {time.monotonic() - began:.0f} s", flush=True)
            except KeyboardInterrupt:
                pool.shutdown(cancel_futures=True)
                print("stopped: what follows was injected until now", flush=True)
        print(f"\n{done} injections in {time.monotonic() - began:.0f} s, {len(failures)} failed\n")
        for name, _, _ in kinds:
            words = ", ".join(f"{count} {what}" for what, count in sorted(outcomes[name].items()))
            print(f"{name:14} {sum(outcomes[name].values()):4}  {words}")
        return 1 if failures or done < len(plan) else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--injections", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", help="only this kind of fault")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="injections at a time")
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
