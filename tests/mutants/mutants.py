#!/usr/bin/env python3
"""Do the tests notice when a rule or a kernel is wrong? Breaks one place at a time and runs them.

    cmake -S . -B build/mutants -G Ninja -DBUILD_SHARED_LIBS=ON -DCMAKE_CXX_FLAGS_RELEASE=-O1
    ninja -C build/mutants heed test_core test_autograd test_nn test_optim test_golden
    tests/mutants/mutants.py build/mutants              # hours; started again, it goes on where it was
    tests/mutants/mutants.py build/mutants --report     # the table and the survivors of what was run
    tests/mutants/mutants.py build/mutants --these FILE # mutants given as equivalent.txt gives them, or that file

For maintainers (Python 3, ninja, g++ or clang++); no test runs it. A mutant is one change of one token or term of a
source: a sign, an index, a comparison, a constant, the order of two operands, a term that goes, && for ||. Which
ones are made depends on --seed only. One source is compiled and the library linked again; the test programs load
it in place of their own. The first test that fails, crashes or does not end kills the mutant. What does not
compile, and what compiles to the same code, is no mutant. equivalent.txt names survivors that give the same answers.
"""
import argparse
import collections
import hashlib
import json
import os
import random
import re
import resource
import shlex
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))

sys.path.insert(0, HERE)
from places import Place, mutants_of  # noqa: E402

# Sources by what they are, and how many mutants of each kind.
KINDS = {
    "rules": (["autograd/*.cpp", "autograd/ops/*.cpp"], 96),
    "losses": (["nn/layers/losses.cpp", "nn/layers/loss_checks.cpp"], 22),
    "optimizers": (["optim/*.cpp"], 48),
    "ops": (["core/*.cpp", "core/ops/*.cpp"], 82),
    "kernels": (["core/kernels/*.inc"], 64),
}
# Files, texts and the machine below: no rule and no kernel.
LEFT_OUT = {"array", "copy", "create", "error", "file", "gemm_blis", "json", "json_reader", "npy", "op_name", "parallel", "pool",
            "print", "safetensors", "safetensors_write", "scope", "shape", "storage", "text", "anomaly", "graph", "observe", "resumable"}
# An .inc is compiled for one instruction set; the tests of the tables run every one that the machine has.
KERNELS = "core/kernels/kernels_avx512.cpp"
CASES = "~[.]~[slow]~[soak]~[data]"
# Files and processes; and the bound of a kernel that holds with fused multiply-adds, which -O1 does without.
NOT_HERE = ["file:", "safetensors", "fuzz", "fork", "json", "npy", "storage", "text", "*error bounds over all kinds of float"]
# What takes long comes last.
LONG = {"test_core": ["products are as exact under every instruction set", "the error of a product stays that of short sums*",
                      "gemm: large enough*", "random: moments*"],
        "test_autograd": ["sums and rows are as exact under every instruction set", "reductions and rows of 200 random sizes*",
                          "a chain of a million nodes*", "a steady training step*"]}


def without(names):
    return CASES + "".join(f'~"{name}"' for name in names)


def long_ones(program):
    return program, ",".join(f'"{name}"' for name in LONG[program])


GOLDEN, NN, OPTIM = ("test_golden", CASES), ("test_nn", CASES), ("test_optim", CASES)
AUTOGRAD = ("test_autograd", without(LONG["test_autograd"]))
CORE = ("test_core", without([name + "*" for name in NOT_HERE] + LONG["test_core"]))
TESTS = {
    "rules": [GOLDEN, AUTOGRAD, NN, OPTIM, long_ones("test_autograd")],
    "losses": [GOLDEN, NN],
    "optimizers": [OPTIM, NN],
    "ops": [GOLDEN, CORE, AUTOGRAD, NN, OPTIM, long_ones("test_autograd"), long_ones("test_core")],
    "kernels": [GOLDEN, CORE, AUTOGRAD, NN, OPTIM, long_ones("test_autograd"), long_ones("test_core")],
}


def sources(kind):
    import glob
    found = []
    for pattern in KINDS[kind][0]:
        for path in sorted(glob.glob(os.path.join(ROOT, pattern))):
            if os.path.splitext(os.path.basename(path))[0] not in LEFT_OUT:
                found.append(os.path.relpath(path, ROOT))
    return found


def chosen(kind, seed):
    """All mutants of a kind in the order in which they are tried: no line twice before every line had one."""
    turns = collections.defaultdict(list)
    for path in sources(kind):
        by_line = collections.defaultdict(list)
        with open(os.path.join(ROOT, path), encoding="utf-8") as file:
            for m in mutants_of(path, file.read()):
                by_line[m.line].append(m)
        for line in sorted(by_line):
            random.Random(f"{seed} {path} {line}").shuffle(by_line[line])
            for turn, m in enumerate(by_line[line]):
                turns[turn].append(m)
    order = []
    for turn in sorted(turns):
        random.Random(f"{seed} {kind} {turn}").shuffle(turns[turn])
        order += turns[turn]
    return order


class Tree:
    """A ready build tree, and the mutant that is made beside it."""

    def __init__(self, build):
        self.build, self.work = os.path.abspath(build), os.path.join(os.path.abspath(build), "mutants")
        os.makedirs(self.work, exist_ok=True)
        self.library = next(line.split(": ")[0] for line in self.ninja("-t", "targets", "all").splitlines()
                            if re.match(r"libheed\.so[.\d]*: CXX_SHARED_LIBRARY", line))
        self.link = self.commands(self.library)[-1]
        for program in sorted({p for tests in TESTS.values() for p, _ in tests}):  # kept while the tree is built on
            copy, there = os.path.join(self.work, program), os.path.join(self.build, "bin", program)
            if not os.path.exists(copy):
                shutil.copy2(there, copy)
        kept = os.path.join(self.work, "objects")
        if not os.path.exists(kept):
            for name in re.findall(r"\S+\.o\b", self.link):
                os.makedirs(os.path.dirname(os.path.join(kept, name)), exist_ok=True)
                shutil.copy2(os.path.join(self.build, name), os.path.join(kept, name))
        self.kept = kept
        self.usual = {}  # seconds of processor time that the tests take, by program

    def ninja(self, *words):
        return subprocess.run(["ninja", "-C", self.build, *words], check=True, capture_output=True, text=True).stdout

    def commands(self, target):
        return [line for line in self.ninja("-t", "commands", target).splitlines() if not line.startswith("ninja:")]

    def compile(self, path, text):
        """The object file of `path` with this text, or None."""
        unit = KERNELS if path.endswith(".inc") else path
        name = f"CMakeFiles/heed.dir/{unit}.o"
        words = shlex.split(self.commands(name)[-1])
        if os.path.basename(words[0]) == "ccache":
            words = words[1:]
        overlay = os.path.join(self.work, "include", "heed")
        shutil.rmtree(overlay, ignore_errors=True)
        mutated = os.path.join(overlay, path)
        os.makedirs(os.path.dirname(mutated))
        with open(mutated, "w", encoding="utf-8") as file:
            file.write(text)
        source = os.path.join(ROOT, unit) if path.endswith(".inc") else mutated
        made = os.path.join(self.work, "mutant.o")
        keep = []
        skip = False
        for i, word in enumerate(words):
            if skip:
                skip = False
            elif word in ("-o", "-c", "-MF", "-MT"):
                skip = True
            elif word != "-MD":
                keep.append(word)
        keep[1:1] = ["-I" + os.path.join(self.work, "include"), "-w"]
        done = subprocess.run(keep + ["-o", made, "-c", source], cwd=self.build, capture_output=True, text=True)
        return (name, made) if done.returncode == 0 else None

    def link_with(self, name, made):
        library = os.path.join(self.work, os.path.basename(self.library))
        command = re.sub(r"\S+\.o\b", lambda o: made if o[0] == name else os.path.join(self.kept, o[0]), self.link)
        command = command.replace(f"-o {self.library}", f"-o {library}")
        subprocess.run(command, shell=True, check=True, cwd=self.build, capture_output=True)
        return library

    def run(self, program, cases, library, seconds):
        """None if all tests pass, else what went wrong."""
        def limits():
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_DATA, (6 << 30, 6 << 30))
        environment = dict(os.environ, **({"LD_PRELOAD": library} if library else {}))
        with open(os.path.join(self.work, "output"), "w+", errors="replace") as out:
            started = subprocess.Popen([os.path.join(self.work, program), cases, "-a"], cwd=self.work, env=environment,
                                       stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                                       preexec_fn=limits, start_new_session=True)
            try:
                code = started.wait(timeout=2 * seconds + 60)
            except subprocess.TimeoutExpired:
                os.killpg(started.pid, 9)
                started.wait()
                return "did not end"
            out.seek(0)
            said = out.read()
        if code == 0:
            return None
        if code < 0:
            return {24: "did not end", 9: "did not end"}.get(-code, f"signal {-code}")
        failed = re.search(r"-{20,}\n((?:.+\n)+?)-{20,}", said)  # a long title takes two lines
        return " ".join(failed[1].split()) if failed else f"exit code {code}"

    def measure(self):
        """What the tests take without a mutant, which they must pass. Measured once a tree."""
        file_name = os.path.join(self.work, "usual.json")
        if os.path.exists(file_name):
            with open(file_name, encoding="utf-8") as file:
                self.usual = {(program, cases): seconds for program, cases, seconds in json.load(file)}
            return
        for program, cases in sorted({test for tests in TESTS.values() for test in tests}):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            wrong = self.run(program, cases, None, 1000)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            if wrong:
                sys.exit(f"{program} fails without a mutant: {wrong}")
            self.usual[program, cases] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            print(f"{program}: {self.usual[program, cases]:.1f} s", flush=True)
        with open(file_name, "w", encoding="utf-8") as file:
            json.dump([[*test, seconds] for test, seconds in self.usual.items()], file)


def judge(tree, kind, m):
    with open(os.path.join(ROOT, m.path), encoding="utf-8") as file:
        text = file.read()
    unchanged = tree.unchanged.get(m.path)
    if unchanged is None:
        built = tree.compile(m.path, text)
        with open(built[1], "rb") as file:
            unchanged = tree.unchanged[m.path] = hashlib.sha256(file.read()).hexdigest()
    built = tree.compile(m.path, m.applied(text))
    if built is None:
        return "no mutant", "does not compile"
    with open(built[1], "rb") as file:
        if hashlib.sha256(file.read()).hexdigest() == unchanged:
            return "no mutant", "compiles to the same code"
    library = tree.link_with(*built)
    for program, cases in TESTS[kind]:
        wrong = tree.run(program, cases, library, int(4 * tree.usual[program, cases]) + 10)
        if wrong:
            return "killed", f"{program}: {wrong}"
    return "survived", ""


def blocks_of(file_name):
    """[(path, original line, mutated line, reason)]"""
    found = []
    with open(file_name, encoding="utf-8") as file:
        text = "".join(line for line in file if not line.startswith("#"))
    for block in re.split(r"\n\s*\n", text.strip()):
        path, was, new, *reason = block.splitlines()
        found.append((path, was[2:].strip(), new[2:].strip(), " ".join(reason)))
    return found


def equivalents():
    """{(path, original line, mutated line): reason}"""
    return {(path, was, new): reason for path, was, new, reason in blocks_of(os.path.join(HERE, "equivalent.txt"))}


def lines_like(path, was):
    """[(number, line)] of a source; nothing where there is no such source."""
    where = os.path.join(ROOT, path)
    if not os.path.exists(where):
        return []
    with open(where, encoding="utf-8") as file:
        return [(n, line) for n, line in enumerate(file.read().split("\n"), 1) if line.strip() == was]


def judge_these(tree, file_name):
    """One verdict a mutant; a line that stands twice in its source is changed at each place."""
    for path, was, new, _ in blocks_of(file_name):
        kind = next((k for k in KINDS if path in sources(k)), "ops")
        places_here = lines_like(path, was)
        if not places_here:
            print(f"       no such line {path}: {was}", flush=True)
        for number, line in places_here:
            since = time.monotonic()
            m = Place(path, number, 0, 0, new, "given", line, line.replace(was, new), "")
            outcome, how = judge(tree, kind, m)
            print(f"{time.monotonic() - since:5.0f} s  {outcome:10} {path}:{number} {new}: {how}", flush=True)


def report(log, full):
    known = equivalents()
    table = collections.defaultdict(collections.Counter)
    left = []
    for entry in log.values():
        if entry["outcome"] == "no mutant":
            continue
        key = entry["path"], entry["was"].strip(), entry["is"].strip()
        outcome = entry["outcome"]
        if outcome == "survived":
            if key in known:
                outcome = "equivalent"
            left.append((outcome, entry, known.get(key, "")))
        for row in (entry["kind"], "all"):
            table[row][outcome] += 1
    print(f"{'':12}{'mutants':>8}{'killed':>8}{'equivalent':>12}{'alive':>7}{'killed of all':>15}{'of those that differ':>22}")
    for row in [*KINDS, "all"]:
        c = table[row]
        total, same = sum(c.values()), c["equivalent"]
        if total:
            print(f"{row:12}{total:8}{c['killed']:8}{same:12}{c['survived']:7}{c['killed'] / total:15.1%}"
                  f"{c['killed'] / max(1, total - same):22.1%}")
    for outcome, entry, reason in sorted(left, key=lambda x: (x[0] == "equivalent", x[1]["path"], x[1]["line"])):
        if outcome == "survived" or full:
            print(f"\n{outcome}: {entry['path']}:{entry['line']} ({entry['change']})\n- {entry['was'].strip()}"
                  f"\n+ {entry['is'].strip()}" + (f"\n  {reason}" if reason else ""))
    for path, was, _, _ in blocks_of(os.path.join(HERE, "equivalent.txt")):
        if not lines_like(path, was):
            print(f"\nequivalent.txt: {path} has no such line: {was}")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("build", help="a build tree with BUILD_SHARED_LIBS=ON, by ninja")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--log", help="what was found; goes on from there (BUILD/mutants/results.jsonl)")
    options.add_argument("--kinds", nargs="*", default=list(KINDS), help="of " + ", ".join(KINDS))
    options.add_argument("--minutes", type=float, default=1e9, help="begin no mutant after so many")
    options.add_argument("--again", action="store_true", help="survivors that nothing explains, once more")
    options.add_argument("--these", metavar="FILE", help="no others: those of a file with blocks as in equivalent.txt")
    options.add_argument("--report", action="store_true", help="run nothing: the table and the survivors")
    options.add_argument("--list", action="store_true", help="run nothing: how many places each source has")
    o = options.parse_args()
    o.log = o.log or os.path.join(o.build, "mutants", "results.jsonl")
    log = {}
    if os.path.exists(o.log):
        with open(o.log, encoding="utf-8") as file:
            for line in file:
                entry = json.loads(line)
                log[entry["id"]] = entry
    if o.list:
        for kind in o.kinds:
            for path, n in sorted(collections.Counter(m.path for m in chosen(kind, o.seed)).items()):
                print(f"{n:6} {path}")
        return
    if o.report:
        return report(log, True)
    os.nice(10)
    tree = Tree(o.build)
    tree.unchanged = {}
    tree.measure()
    if o.these:
        return judge_these(tree, o.these)
    end = time.monotonic() + 60 * o.minutes
    known = equivalents()
    queues = {kind: chosen(kind, o.seed) for kind in o.kinds}
    counts = {kind: 0 for kind in o.kinds}
    while queues and time.monotonic() < end:  # by turns, so that a run that is cut short has some of each kind
        kind = min(queues, key=lambda k: counts[k] / KINDS[k][1])
        if counts[kind] >= KINDS[kind][1] or not queues[kind]:
            del queues[kind]
            continue
        m = queues[kind].pop(0)
        entry = log.get(m.id)
        alive = entry and entry["outcome"] == "survived" and (m.path, m.was.strip(), m.new.strip()) not in known
        if not entry or (o.again and alive):
            since = time.monotonic()
            outcome, how = judge(tree, kind, m)
            entry = {"id": m.id, "kind": kind, "path": m.path, "line": m.line, "change": m.change, "was": m.was,
                     "is": m.new, "outcome": outcome, "how": how}
            log[m.id] = entry
            with open(o.log, "a", encoding="utf-8") as file:
                file.write(json.dumps(entry, ensure_ascii=False) + "\n")
            print(f"{time.monotonic() - since:5.0f} s  {outcome:10} {m.path}:{m.line} {m.change}: {how}", flush=True)
        if entry["outcome"] != "no mutant":
            counts[kind] += 1
    report(log, False)


if __name__ == "__main__":
    main()
