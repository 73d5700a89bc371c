"""What the benchmark asks for (src/kernels/tasks.ts), in PyTorch. A task becomes two functions: run it, and the start of its result."""

import json
import os

import numpy
import torch
import torch.nn.functional as F

import models

CHECKED = 16


def filled(shape, seed, scale=1.0):
    """The benchmark's input: a multiple of 1/1024 in [-1, 1), as `inputValues` makes it."""
    index = numpy.arange(int(numpy.prod(shape)), dtype=numpy.int64)
    values = (((index + seed) * 7919) % 2039) / 1024 - 1
    return torch.from_numpy((scale * values).astype(numpy.float32)).reshape(list(shape))


def beginning(result):
    return result.detach().reshape(-1)[:CHECKED].tolist()


def safetensors(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    header.pop("__metadata__", None)
    read = {}
    for name, entry in header.items():
        if entry["dtype"] != "F32":
            raise ValueError(f"{name} is {entry['dtype']}, expected F32")
        start, end = entry["data_offsets"]
        values = numpy.frombuffer(data[start:end], dtype="<f4").copy()
        read[name] = torch.from_numpy(values).reshape(entry["shape"])
    return read


def product(task, _folder):
    batch, m, k, n = (task[name] for name in ("batch", "m", "k", "n"))
    outer = [] if batch == 1 else [batch]
    a = filled(outer + ([k, m] if task["transposeA"] else [m, k]), 0)
    b = filled(outer + ([n, k] if task["transposeB"] else [k, n]), 1)
    left = a.transpose(-1, -2) if task["transposeA"] else a
    right = b.transpose(-1, -2) if task["transposeB"] else b
    # Written to the same place each time: the system need not hand out and clear new memory for it.
    c = torch.empty(outer + [m, n])

    def run():
        with torch.no_grad():
            torch.matmul(left, right, out=c)

    def check():
        run()
        return beginning(c)

    return run, check


def vit(task, folder):
    return models.vit(task["model"], safetensors(os.path.join(folder, task["model"] + ".safetensors")))


def inference(task, folder):
    model = vit(task, folder)
    images = filled([task["batch"], 3, model.image_size, model.image_size], 2)

    def run():
        with torch.inference_mode():
            return model(images)

    return run, lambda: beginning(run())


def training(task, model, optimizer, images, classes=10):
    targets = torch.arange(task["batch"]) % classes

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(model(images), targets)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step, lambda: [step()]


def vit_training(task, folder):
    model = vit(task, folder)
    plain = [p for name, p in model.named_parameters() if models.decays(name, p)]
    others = [p for name, p in model.named_parameters() if not models.decays(name, p)]
    groups = [{"params": plain, "weight_decay": 0.05}, {"params": others, "weight_decay": 0.0}]
    images = filled([task["batch"], 3, model.image_size, model.image_size], 2)
    return training(task, model, torch.optim.AdamW(groups, lr=1e-5), images, model.classes)


def convolution(task, _folder):
    model = models.Vgg(task["widths"], filled)
    images = filled([task["batch"], 32, 32, 3], 2).permute(0, 3, 1, 2).contiguous()
    return training(task, model, torch.optim.SGD(model.parameters(), lr=1e-4), images)


def both_ways(operation, inputs, dy):
    for x in inputs:
        x.requires_grad_()

    def run():
        for x in inputs:
            x.grad = None
        value = operation(*inputs)
        value.backward(dy)
        return inputs[0].grad

    return run, lambda: beginning(run())


def fused(task, _folder):
    operation, shape = task["operation"], task["shape"]
    if operation == "adamw":
        return None
    width = shape[-1]
    x, dy = filled(shape, 0, 2.0), filled(shape, 1)
    if operation == "layerNorm":
        norm = lambda x, weight, bias: F.layer_norm(x, [width], weight, bias, 1e-6)
        return both_ways(norm, [x, filled([width], 2), filled([width], 3)], dy)
    if operation == "crossEntropy":
        targets = torch.arange(shape[0]) % width
        return both_ways(lambda logits: F.cross_entropy(logits, targets), [x], None)
    if operation == "gelu":
        return both_ways(F.gelu, [x], dy)
    if operation == "softmax":
        return both_ways(lambda x: F.softmax(x, -1), [x], dy)
    return None


KINDS = {
    "product": product,
    "inference": inference,
    "training": vit_training,
    "convolution": convolution,
    "fused": fused,
}


def prepare(task, folder):
    kind = KINDS.get(task["kind"])
    return None if kind is None else kind(task, folder)
