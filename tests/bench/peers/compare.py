"""heed and its peers, alternating in one run: the table of ratios, as Markdown on stdout.

    python3 tests/bench/peers/compare.py build/test/bin/heed_bench [--only TEXT] [--threads 1 2] [--rounds 3] [--seconds 1]
    python3 tests/bench/peers/compare.py build/test/bin/heed_bench --only gemm_ --gemm peers
    python3 tests/bench/peers/compare.py build/test/bin/heed_bench --variants --libtorch peers/libtorch --llm-c ../llm.c

Each workload runs in fresh processes: heed, then each peer, `rounds` times; the medians over the rounds are
compared. Peers are variants of PyTorch: eager; compiled (torch.compile); with the memory that
glibc would return to the system kept by the process ("kept"), as the compiled variant does, too; and with
AVX-512 in its own kernels ("avx512"); --variants without names leaves them all out. With --gemm FOLDER they are the programs
openblas, blis and onednn in that folder (gemm_bench.cpp says how to make them). Further peers: --libtorch PROGRAM
(libtorch_bench.cpp), --llm-c FOLDER and --llama2-c FOLDER, your copies of these repositories (llm_c.py, llama2_c.py).
"-" means that a peer lacks the workload. With several threads, a round counts only if the machine had them all
free: heed_bench --probe before and after must show 1.6 times one thread's rate.
"""
import argparse, json, os, statistics, subprocess, sys
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("bench")
parser.add_argument("--only", default="")
parser.add_argument("--threads", type=int, nargs="+", default=[1])
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--seconds", type=float, default=1.0)
parser.add_argument("--variants", nargs="*", default=["eager", "kept", "avx512", "compiled"])
parser.add_argument("--gemm", type=Path)
parser.add_argument("--libtorch", type=Path)
parser.add_argument("--llm-c", type=Path)
parser.add_argument("--llama2-c", type=Path)
args = parser.parse_args()

KEPT = {"MALLOC_MMAP_THRESHOLD_": str(1 << 40), "MALLOC_TRIM_THRESHOLD_": str(1 << 40), "MALLOC_TOP_PAD_": str(64 << 20)}
RATES = {"GFLOP/s", "GB/s", "Gelem/s", "tokens/s"}
GEMM = ["openblas", "blis", "onednn"]


def script(name, *words):
    return [sys.executable, Path(__file__).with_name(name), *words]


commands = {"heed": [args.bench]}  # commands that measure a workload; figure() adds its name
if args.gemm:
    commands.update({peer: [args.gemm / peer] for peer in GEMM})
else:
    commands.update({peer: script("torch_bench.py") for peer in args.variants})
    if "compiled" in commands:
        commands["compiled"].append("--compile")
if args.libtorch:
    commands["libtorch"] = [args.libtorch]
if args.llm_c:
    commands["llm.c"] = script("llm_c.py", args.llm_c)
if args.llama2_c:
    commands["llama2.c"] = script("llama2_c.py", args.llama2_c)
peers = [peer for peer in commands if peer != "heed"]


def environment(peer, threads):
    env = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    env["OMP_NUM_THREADS"] = env["BLIS_NUM_THREADS"] = str(threads)
    if threads > 1 and peer != "heed":
        env["OMP_PROC_BIND"] = "true"
    if peer in ("kept", "avx512", "compiled"):
        env.update(KEPT)
    if peer == "avx512":
        env["ATEN_CPU_CAPABILITY"] = "avx512"
    if peer == "blis" and " avx512f " in Path("/proc/cpuinfo").read_text():
        env["BLIS_ARCH_TYPE"] = "0"  # skx: BLIS does not recognise processors newer than itself
    return env


def figure(peer, name, threads):
    asked = ["--only", "=" + name, "--threads", threads, "--seconds", args.seconds]
    if peer in GEMM:
        asked = ["--seconds", args.seconds, name]
    command = [str(word) for word in [*commands[peer], *asked]]
    done = subprocess.run(command, env=environment(peer, threads), capture_output=True, text=True)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode != 0:
        print(f"{' '.join(command)}: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
        return None
    return lines[0] if lines else None


def whole_machine(threads):
    if threads == 1:
        return True
    one, all_of_them = map(float, subprocess.check_output([args.bench, "--probe", "--threads", str(threads)]).split())
    return all_of_them >= 0.8 * threads * one


def rounds_of(name, threads):
    rounds = []
    for _ in range(3 * args.rounds):
        before = whole_machine(threads)
        figures = {peer: figure(peer, name, threads) for peer in ["heed", *peers]}
        if before and whole_machine(threads):
            rounds.append(figures)
        if len(rounds) == args.rounds:
            break
    return rounds


def show(x):
    return "-" if x is None else f"{x:.4g}"


listed = subprocess.run([args.bench, "--list", "--only", args.only], stdout=subprocess.PIPE, text=True)
if listed.returncode:
    sys.exit(listed.returncode)  # heed_bench has printed the reason
names = listed.stdout.split()
print("| workload | threads | heed | unit | " + " | ".join(peers) + " | heed is faster than the best by |")
print("|---|---:|---:|---|" + "---:|" * (len(peers) + 1))
ratios = {}
for threads in args.threads:
    for name in names:
        rounds = rounds_of(name, threads)
        if not rounds:
            print(f"| {name} | {threads} | the machine never had {threads} processors free |")
            continue
        median = {}
        for peer in ["heed", *peers]:
            values = [r[peer]["value"] for r in rounds if r[peer]]
            median[peer] = statistics.median(values) if values else None
        unit = rounds[0]["heed"]["unit"]
        times = {peer: median["heed"] / x if unit in RATES else x / median["heed"] for peer, x in median.items() if x}
        del times["heed"]
        best = min(times.values(), default=None)
        for peer, ratio in {**times, "the best": best}.items():
            ratios.setdefault((threads, peer), []).append(ratio)
        print(f"| {name} | {threads} | {show(median['heed'])} | {unit} | " + " | ".join(show(median[p]) for p in peers)
              + f" | {'-' if best is None else f'{best:.2f}x'} |", flush=True)
print("\nGeometric means, heed faster by:")
for (threads, peer), values in ratios.items():
    known = [v for v in values if v]
    if known:
        print(f"- {threads} thread{'s' if threads > 1 else ''}, {peer}: {statistics.geometric_mean(known):.2f}x over {len(known)} rows")
