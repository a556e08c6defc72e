#!/usr/bin/env python3
"""Fuzzes every parser of outside data with libFuzzer and AddressSanitizer.

    python3 Tests/Fuzz/run.py [--seconds 30] [--jobs 2] [TARGET ...]

Builds the parsers with coverage and sanitizer into a folder of its own (some minutes, kept for the next time), then runs
each target from Tests/Fuzz/corpus and Tests/Fuzz/regressions. No input may crash, take more than a second, or make one
allocation of more than 8 times the input plus 64 MiB. What is found goes to Tests/Fuzz/regressions/TARGET, where the
ordinary tests read it from then on. Exit code 1 if anything was found.
"""
import argparse, concurrent.futures, hashlib, os, pathlib, re, resource, shutil, subprocess, sys, time

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "Tests/Fuzz"
LARGEST = 1 << 16  # bytes of an input
MODULES = ["Tensor", "NN", "Config", "Data", "Scenes", "Engine"]
INSTRUMENTED = {"Config", "Data", "Engine"}


def packages(name):
    return subprocess.run(["pkg-config", "--cflags", "--libs", name], capture_output=True, text=True).stdout.split()


def digest(files, *others):
    """What these files hold, and what the others stand for."""
    return hashlib.sha256(b"".join(f.read_bytes() for f in files) + "".join(others).encode()).hexdigest()


def made(product, key, command):
    """Runs the command that makes a product, unless it was made of the same already."""
    mark = product.with_name(product.name + ".digest")
    if not (product.exists() and mark.exists() and mark.read_text() == key):
        print(f"building {product.name}", flush=True)
        mark.unlink(missing_ok=True)
        subprocess.check_call(command)
        mark.write_text(key)
    return str(product)


def build(folder):
    """The program of all targets: one, as a link takes longer than a run. Only what has changed is built anew."""
    folder.mkdir(parents=True, exist_ok=True)
    kernels = sorted((ROOT / "Core/Kernels").rglob("*.[ch]"))
    clang = pathlib.Path(shutil.which("swiftc")).resolve().parent / "clang"
    (folder / "ReproKernels.modulemap").write_text(
        f'module ReproKernels {{ umbrella header "{ROOT}/Core/Kernels/include/ReproKernels.h" export * }}\n')
    maps = [folder / "ReproKernels.modulemap"] + sorted((ROOT / "Core").glob("C*/module.modulemap"))
    flags, libraries = [], []
    for name in ("openblas", "hdf5", "yaml-0.1", "libcurl", "libcrypto", "libturbojpeg", "libpng", "zlib"):
        for word in packages(name):
            (libraries if word.startswith(("-l", "-L")) else flags).append(word)
    include = []
    for m in maps:
        include += ["-Xcc", f"-fmodule-map-file={m}"]
    include += ["-Xcc", "-I", "-Xcc", str(ROOT / "Core/Kernels/include")]
    for word in flags:
        include += ["-Xcc", word]
    common = ["swiftc", "-swift-version", "6", "-package-name", "repro", "-O", "-whole-module-optimization", "-parse-as-library",
              "-enable-testing", "-I", str(folder), "-module-cache-path", str(folder / "cache")] + include
    key = digest(kernels)
    objects = [
        made(folder / (source.name + ".o"), key, [
            str(clang), "-O0", "-fPIC", "-I", str(ROOT / "Core/Kernels/include"), "-c", str(source), "-o",
            str(folder / (source.name + ".o"))])
        for source in sorted((ROOT / "Core/Kernels").glob("*.c"))]
    key = digest(sorted((ROOT / "Core").glob("C*/*.h")), key)
    for m in MODULES:
        sources = sorted((ROOT / f"Core/{m}").rglob("*.swift"))
        key = digest(sources, key)
        # What no parser is in is compiled as fast as it can be.
        options = ["-sanitize=address,fuzzer"] if m in INSTRUMENTED else ["-Onone"]
        objects.append(made(folder / f"{m}.o", key, common + options + [
            "-module-name", f"Repro{m}", "-emit-module", "-emit-module-path", str(folder / f"Repro{m}.swiftmodule"), "-c",
            "-o", str(folder / f"{m}.o")] + [str(f) for f in sources]))
    own = [ROOT / "Tests/EngineTests/Fuzz/ParserTargets.swift", HERE / "Fuzz.swift"]
    return made(folder / "fuzz", digest(own, key), common + [
        "-use-ld=lld", "-sanitize=address,fuzzer", "-module-name", "Fuzz", "-o", str(folder / "fuzz")] + [str(f) for f in own] + objects +
        libraries)


def fuzz(program, target, seconds, folder):
    """Runs one target; gives executions, seconds, findings and what it said."""
    found = folder / "found" / target
    shutil.rmtree(found, ignore_errors=True)
    found.mkdir(parents=True)
    grown = folder / "grown" / target
    grown.mkdir(parents=True, exist_ok=True)
    places = [str(p) for p in (grown, HERE / "corpus" / target, HERE / "regressions" / target) if p.is_dir()]
    environment = dict(os.environ, REPRO_FUZZ=target, OPENBLAS_NUM_THREADS="1", ASAN_OPTIONS="detect_leaks=0")
    words = [program, f"-max_total_time={seconds}", f"-max_len={LARGEST}", "-timeout=30", "-report_slow_units=1",
             "-rss_limit_mb=2048", f"-malloc_limit_mb={64 + 8 * LARGEST // (1 << 20) + 1}", f"-artifact_prefix={found}/",
             "-print_final_stats=1"]
    began = time.monotonic()
    result = subprocess.run(words + places, env=environment, capture_output=True, text=True, errors="replace")
    took = time.monotonic() - began
    match = re.search(r"number_of_executed_units:\s*(\d+)", result.stderr)
    for slow in found.glob("slow-unit-*"):
        # More than a second by the clock: of the processor, or was the machine busy with something else?
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        subprocess.run([program, "-runs=10", str(slow)], env=environment, capture_output=True)
        if resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 10:
            slow.unlink()
    if result.returncode == 0:
        # The program went on: it was a child that crashed, which reads HDF5 files before the program does.
        for crash in found.glob("crash-*"):
            crash.unlink()
    artifacts = sorted(found.iterdir())
    if result.returncode and not artifacts:
        artifacts = [None]
    return int(match[1]) if match else 0, took, artifacts, result.stderr


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--folder", type=pathlib.Path, default=ROOT / ".build/fuzz")
    options = parser.parse_args()
    names = re.findall(r'ParserTarget\(name: "([a-z0-9]+)"', (ROOT / "Tests/EngineTests/Fuzz/ParserTargets.swift").read_text())
    unknown = [t for t in options.targets if t not in names]
    if unknown:
        raise SystemExit(f"no parser '{unknown[0]}'; there are {' '.join(names)}")
    program = build(options.folder)
    total = 0
    print(f"\n{'parser':12} {'executions':>11} {'seconds':>8}  findings")
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        work = [(t, pool.submit(fuzz, program, t, options.seconds, options.folder)) for t in options.targets or names]
        for target, future in work:
            executions, seconds, artifacts, said = future.result()
            print(f"{target:12} {executions:11} {seconds:8.0f}  {len(artifacts) or '-'}", flush=True)
            for artifact in artifacts:
                total += 1
                summary = re.findall(r"(?:SUMMARY|ERROR|Fatal error|not a ReproError).*", said)
                print(f"  {artifact.name if artifact else 'no input kept'}: {summary[-1] if summary else said[-300:]}", flush=True)
                if artifact:
                    kept = HERE / "regressions" / target
                    kept.mkdir(parents=True, exist_ok=True)
                    shutil.copy(artifact, kept / artifact.name)
    print(f"\n{total} findings" if total else "\nnothing found")
    sys.exit(1 if total else 0)


if __name__ == "__main__":
    main()
