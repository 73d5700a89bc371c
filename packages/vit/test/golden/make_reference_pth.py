"""Writes reference.pth.gz: a checkpoint of the form that OFQ's reference code saves (timm's CheckpointSaver, distributed run), of a
distilled DeiT with QKR whose sizes are those of the tests' tiny model. Entry i holds i + 0.001 j at its position j.

    python3 make_reference_pth.py    # PyTorch 1.13
"""
import gzip
import io
from collections import OrderedDict

import torch

C, HEADS, TOKENS, HIDDEN, CLASSES, CHANNELS, PATCH, IMAGE, DEPTH = 8, 2, 6, 16, 3, 2, 4, 8, 2

entries = []


def add(name, *shape):
    entries.append((name, shape))


def linear(prefix, outputs, inputs, steps, quantizer="statsq_fn.clip_val"):
    add(f"{prefix}.weight", outputs, inputs)
    add(f"{prefix}.bias", outputs)
    add(f"{prefix}.input_quant_fn.s", steps)
    add(f"{prefix}.{quantizer}", 1 if quantizer.endswith("clip_val") else outputs)
    add(f"{prefix}.move_b4.bias", inputs)
    add(f"{prefix}.move_aft.bias", inputs)


add("cls_token", 1, 1, C)
add("pos_embed", 1, TOKENS, C)
add("dist_token", 1, 1, C)
add("patch_embed.proj.weight", C, CHANNELS, PATCH, PATCH)
add("patch_embed.proj.bias", C)
add("patch_embed.proj.input_quant_fn.s", CHANNELS)
add("patch_embed.proj.input_quant_fn.signed", 1)
add("patch_embed.proj.lsqw_fn.s", C)
add("patch_embed.proj.move_b4.bias", IMAGE * IMAGE)
add("patch_embed.proj.move_aft.bias", IMAGE * IMAGE)
for i in range(DEPTH):
    block = f"blocks.{i}"
    attn = f"{block}.attn"
    for name in ("norm1.weight", "norm1.bias"):
        add(f"{block}.{name}", C)
    linear(f"{attn}.proj", C, C, TOKENS)
    add(f"{attn}.quant_x_4_qkv.input_quant_fn.s", TOKENS)
    add(f"{attn}.quant_x_4_qkv.move_b4.bias", C)
    add(f"{attn}.quant_x_4_qkv.move_aft.bias", C)
    for name in ("q", "k", "v"):
        add(f"{attn}.{name}.weight", C, C)
    add(f"{attn}.v.bias", C)
    add(f"{attn}.qk_quant.clip_val", 1)
    add(f"{attn}.v_quant.clip_val", 1)
    add(f"{attn}.quan_a_qkx_fn.s", TOKENS * HEADS)
    add(f"{attn}.quan_a_v_fn.s", C)
    add(f"{attn}.move_qkx_b4.bias", HEADS * C)
    add(f"{attn}.move_qkx_aft.bias", HEADS * C)
    add(f"{attn}.move_v_b4.bias", C)
    add(f"{attn}.move_v_aft.bias", C)
    add(f"{attn}.quan_a_softmax_fn.s", TOKENS)
    for name in ("norm2.weight", "norm2.bias"):
        add(f"{block}.{name}", C)
    linear(f"{block}.mlp.fc1", HIDDEN, C, TOKENS)
    linear(f"{block}.mlp.fc2", C, HIDDEN, TOKENS)
for name in ("norm.weight", "norm.bias"):
    add(name, C)
linear("head", CLASSES, C, 1, "lsqw_fn.s")
linear("head_dist", CLASSES, C, 1, "lsqw_fn.s")

state = OrderedDict()
for i, (name, shape) in enumerate(entries):
    size = torch.Size(shape).numel()
    state[f"module.{name}"] = (i + 0.001 * torch.arange(size, dtype=torch.float64)).float().reshape(shape)

stream = io.BytesIO()
torch.save({"epoch": 299, "arch": "deit_tiny_distilled_patch16_224", "state_dict": state, "version": 2}, stream)
with open("reference.pth.gz", "wb") as file:
    file.write(gzip.compress(stream.getvalue(), 9, mtime=0))
