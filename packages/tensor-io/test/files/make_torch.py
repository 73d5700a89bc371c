"""Writes the .pth files of this folder. Needs PyTorch 1.6 or newer; made with 1.13 on Linux."""

from collections import OrderedDict

import torch
from torch import nn


def values(*shape, dtype=torch.float32):
    """0, 0.5, 1, 1.5, ... in C order; integers count by one, booleans alternate."""
    count = torch.Size(shape).numel()
    if dtype == torch.bool:
        return (torch.arange(count) % 2).to(dtype).reshape(shape)
    step = 0.5 if dtype.is_floating_point else 1
    return (torch.arange(count) * step).to(dtype).reshape(shape)


def fill(module):
    for parameter in module.parameters():
        parameter.data = values(*parameter.shape)
    return module


# A module's state dict, with the _metadata attribute PyTorch adds, buffers and an int64 scalar.
torch.save(fill(nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))).state_dict(), "state_dict.pth")

# A training checkpoint: nested dicts, numbers, optimizer moments.
model = fill(nn.Linear(2, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
model(torch.ones(1, 2)).sum().backward()
optimizer.step()
torch.save(
    {
        "epoch": 7,
        "best": 0.75,
        "name": "tiny",
        "done": False,
        "nothing": None,
        "history": [1, 2.5, (3, "four")],
        "big": 2**70,
        "shape": torch.Size([2, 3]),
        "device": torch.device("cpu"),
        "dtype": torch.float16,
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
    },
    "checkpoint.pth",
)

# Views: transposed, strided, expanded, with an offset, and several of one storage.
base = values(4, 6)
torch.save(
    {
        "base": base,
        "transposed": base.t(),
        "strided": base[1::2, ::3],
        "expanded": base[0, :1].expand(3, 1),
        "row": base[2],
        "scalar": base[3, 5],
        "empty": base[:0],
    },
    "views.pth",
)

# Every dtype.
torch.save(
    OrderedDict(
        (str(dtype).replace("torch.", ""), values(3, dtype=dtype))
        for dtype in [
            torch.float64,
            torch.float32,
            torch.float16,
            torch.bfloat16,
            torch.int64,
            torch.int32,
            torch.int16,
            torch.int8,
            torch.uint8,
            torch.bool,
        ]
    ),
    "dtypes.pth",
)

torch.save({"weight": nn.Parameter(values(2, 2)), "frozen": nn.Parameter(values(2), requires_grad=False)}, "parameters.pth")
torch.save(values(2, 2), "tensor.pth")
torch.save([values(1), values(2)], "list.pth")
torch.save({"weight": values(2)}, "protocol4.pth", pickle_protocol=4)
torch.save({"weight": values(2)}, "legacy.pth", _use_new_zipfile_serialization=False)
torch.save({"weight": torch.complex(values(2), values(2))}, "complex.pth")
