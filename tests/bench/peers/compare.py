"""heed beside PyTorch, by turns in one run: the ratio table, as Markdown on stdout.

    python3 tests/bench/peers/compare.py build/test/bin/heed_bench [--only TEXT] [--threads 1 2] [--rounds 3] [--seconds 1]

Each workload runs in fresh processes: heed, then each variant of PyTorch, `rounds` times over; what is
compared is the median of the rounds. Variants: eager; compiled (torch.compile); both with the memory that
glibc would return to the system kept by the process ("kept"). With several threads, a round counts only
where the machine had them all: heed_bench --probe before and after must show 1.6 times one thread's rate.
"""
import argparse, json, os, statistics, subprocess, sys
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("bench")
parser.add_argument("--only", default="")
parser.add_argument("--threads", type=int, nargs="+", default=[1])
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--seconds", type=float, default=1.0)
parser.add_argument("--variants", nargs="+", default=["eager", "kept", "compiled"])
args = parser.parse_args()

torch_bench = [sys.executable, str(Path(__file__).with_name("torch_bench.py"))]
KEPT = {"MALLOC_MMAP_THRESHOLD_": str(1 << 40), "MALLOC_TRIM_THRESHOLD_": str(1 << 40), "MALLOC_TOP_PAD_": str(64 << 20)}


def environment(variant, threads):
    env = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    env["OMP_NUM_THREADS"] = str(threads)
    if threads > 1:
        env["OMP_PROC_BIND"] = "true"
    if variant != "eager":
        env.update(KEPT)
    return env


def run(command, env):
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode != 0 or not lines:
        print(f"{' '.join(command)}: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
        return None
    return lines[0]


def whole_machine(threads):
    if threads == 1:
        return True
    one, all_of_them = map(float, subprocess.check_output([args.bench, "--probe", "--threads", str(threads)]).split())
    return all_of_them >= 0.8 * threads * one


names = subprocess.check_output([args.bench, "--list", "--only", args.only], text=True).split()
rates = {"GFLOP/s", "GB/s", "Gelem/s", "tokens/s"}
print("| workload | threads | heed | unit | " + " | ".join(f"PyTorch {v}" for v in args.variants) + " | heed is faster than the best by |")
print("|---|---:|---:|---|" + "---:|" * (len(args.variants) + 1))
geometric = []
for threads in args.threads:
    for name in names:
        common = ["--only", "=" + name, "--threads", str(threads), "--seconds", str(args.seconds)]
        rounds = []
        for _ in range(3 * args.rounds):
            before = whole_machine(threads)
            figures = {"heed": run([args.bench, *common], environment("eager", threads))}
            for variant in args.variants:
                extra = ["--compile"] if variant == "compiled" else []
                figures[variant] = run([*torch_bench, *common, *extra], environment(variant, threads))
            if before and whole_machine(threads):
                rounds.append(figures)
            if len(rounds) == args.rounds:
                break
        if not rounds:
            print(f"| {name} | {threads} | the machine never had {threads} processors free |")
            continue

        def median(peer):
            values = [r[peer]["value"] for r in rounds if r[peer] and r[peer]["name"] == name]
            return statistics.median(values) if values else None
        unit = rounds[0]["heed"]["unit"]
        heed, peers = median("heed"), {v: median(v) for v in args.variants}
        known = [p for p in peers.values() if p]
        ratio = None
        if known:
            ratio = heed / max(known) if unit in rates else min(known) / heed
            geometric.append(ratio)
        show = lambda x: "-" if x is None else f"{x:.4g}"
        print(f"| {name} | {threads} | {show(heed)} | {unit} | " + " | ".join(show(peers[v]) for v in args.variants)
              + f" | {'-' if ratio is None else f'{ratio:.2f}x'} |", flush=True)
if geometric:
    print(f"\nGeometric mean of the last column: {statistics.geometric_mean(geometric):.2f}x over {len(geometric)} rows.")
