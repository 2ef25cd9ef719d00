"""How far PyTorch's own float32 answers are from its float64 ones: writes f32_errors.safetensors, beside the
golden values; tests/support/golden.h allows heed a few times as much.

    python3 make_f32_errors.py    needs PyTorch 2.x

Each script below runs twice, as it is and with .double() meaning .float(): inputs and parameters are float32
numbers, so the second run computes the same answers in float32. FILE/NAME holds max |f32 - f64| of an answer,
where that is more than 2.5e-7 of its largest value: four times less is allowed anyway.
"""
import os
import runpy

import numpy as np
import torch

import safetensors_io

here = os.path.dirname(os.path.abspath(__file__))
wide = torch.Tensor.double, torch.nn.Module.double
save = safetensors_io.save


def answers(script, narrow):
    found = {}
    torch.Tensor.double, torch.nn.Module.double = (
        (torch.Tensor.float, torch.nn.Module.float) if narrow else wide)
    safetensors_io.save = lambda path, arrays, metadata=None: found.update(arrays)
    runpy.run_path(os.path.join(here, script))
    return found


errors = {}
for file in ("attention", "einsum", "losses", "nn", "ops", "recurrent", "seq2seq", "transformer"):
    exact, rounded = (answers(f"make_{file}.py", narrow) for narrow in (False, True))
    for name, b in exact.items():
        a = rounded[name]
        assert a.shape == b.shape, name
        if b.dtype != np.float64 or not b.size or name.startswith("edge/") or not np.isfinite(b).all():
            continue
        largest, error = np.abs(b).max(), np.abs(a - b).max()
        assert error <= 1e-4 * largest + 1e-6, f"{file}/{name}: {error} of {largest} is no rounding"
        if error > 2.5e-7 * largest:
            errors[f"{file}/{name}"] = np.array(error)
save(os.path.join(here, "f32_errors.safetensors"), errors,
     {"torch": torch.__version__.split("+")[0], "script": "make_f32_errors.py"})
print(len(errors), "answers")
