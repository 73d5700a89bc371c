"""PyTorch as one of the benchmark's engines: the same protocol as src/kernels/child/serve.ts. Arguments: the number of threads, the
folder of the models' files."""

import json
import os
import sys
import time

THREADS = int(sys.argv[1])
MODELS = sys.argv[2]
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = str(THREADS)
# Threads that wait by spinning take the processor from those that work: with two of them a step took 1.2 s instead of 0.7 s.
os.environ["OMP_WAIT_POLICY"] = "passive"

import torch

import tasks

replies = os.fdopen(3, "w", buffering=1)


def reply(message):
    replies.write(json.dumps(message) + "\n")


def timed(run, calls):
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(calls):
        run()
    return {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}


def warm_up(run, longest):
    """As src/kernels/child/warm-up.ts: until four batches of calls bring no gain, or the time is up."""
    calls, best, without_gain, total = 1, float("inf"), 0, 0.0
    while best == float("inf") or (without_gain < 4 and total < longest):
        wall = timed(run, calls)["wall"]
        total += wall
        seconds = wall / calls
        if wall >= 0.01:
            without_gain = 0 if seconds < 0.98 * best else without_gain + 1
            best = min(best, seconds)
        if wall < 0.02:
            calls = min(calls * 10, int(0.02 / max(seconds, 1e-7)) + 1)
    return best


slots = {}


def answer(request):
    slot = request["slot"]
    if request["do"] == "prepare":
        prepared = tasks.prepare(request["task"], MODELS)
        if prepared is None:
            return {"unsupported": "PyTorch does not do this"}
        run, check = prepared
        checked = check()
        slots[slot] = run
        return {"secondsPerCall": warm_up(run, request["warmUpSeconds"]), "check": checked}
    if request["do"] == "run":
        return timed(slots[slot], request["calls"])
    del slots[slot]
    return {"heapBytes": None}


torch.set_num_threads(THREADS)
torch.set_num_interop_threads(1)
reply({"about": f"PyTorch {torch.__version__}, {THREADS} thread{'s' if THREADS > 1 else ''}"})
for line in sys.stdin:
    try:
        reply(answer(json.loads(line)))
    except Exception as error:
        reply({"failed": f"{type(error).__name__}: {error}"})
