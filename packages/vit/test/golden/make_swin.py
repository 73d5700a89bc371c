"""Writes swin.json.gz: what torchvision's Swin Transformer computes from repeatable weights, in float64.

Needs PyTorch and torchvision 0.13 or newer; made with 1.13 and 0.14.1 (Debian 12: apt-get install python3-torchvision).
"""

import base64
import gzip
import json
from math import prod, sqrt

import numpy as np
import torch
import torchvision
from torchvision.models.swin_transformer import SwinTransformer, Swin_T_Weights, swin_t


def draws(name, shape):
    """Numbers in [-1, 1), 24 bits each, from a hash of the name and of each place; `drawnValues` in golden-swin.ts."""
    seed = 0x811C9DC5
    for byte in name.encode():
        seed = ((seed ^ byte) * 0x01000193) & 0xFFFFFFFF
    x = np.arange(prod(shape), dtype=np.uint32) * np.uint32(0x9E3779B9) + np.uint32(seed)
    x = (x ^ (x >> 16)) * np.uint32(0x85EBCA6B)
    x = (x ^ (x >> 13)) * np.uint32(0xC2B2AE35)
    x = x ^ (x >> 16)
    return ((x >> 8) / 2.0**23 - 1.0).reshape(shape)


def weights(name, shape):
    values = draws(name, shape)
    if name.endswith("relative_position_bias_table"):
        return values
    if name.endswith(".bias"):
        return values * 0.25
    if len(shape) == 1:
        return values * 0.25 + 1.0
    return values * sqrt(3 / prod(shape[1:]))


def run(model, name, images, classes):
    """Logits, and the gradients of their sum with weights of their own."""
    model = model.double().eval()
    for key, parameter in model.named_parameters():
        drawn = weights(f"{name}.{key}", tuple(parameter.shape)).astype(np.float32)
        parameter.data = torch.from_numpy(drawn.astype(np.float64))
    pixels = torch.from_numpy(2 * draws(f"{name}.images", images)).requires_grad_()
    logits = model(pixels)
    dy = draws(f"{name}.dy", (images[0], classes))
    (logits * torch.from_numpy(dy)).sum().backward()
    gradients = {key: parameter.grad.numpy() for key, parameter in model.named_parameters()}
    return logits.detach().numpy(), {"images": pixels.grad.numpy(), **gradients}


def packed(array):
    return base64.b64encode(np.ascontiguousarray(array, dtype="<f4").tobytes()).decode()


tiny_config = {
    "imageSize": 32,
    "patchSize": 2,
    "channels": 3,
    "embedDim": 6,
    "depths": [2, 2, 2],
    "heads": [2, 3, 4],
    "windowSize": 4,
    "mlpRatio": 2,
    "classes": 5,
    "layerNormEps": 1e-5,
}
tiny = SwinTransformer(
    patch_size=[2, 2],
    embed_dim=6,
    depths=[2, 2, 2],
    num_heads=[2, 3, 4],
    window_size=[4, 4],
    mlp_ratio=2,
    num_classes=5,
)
tiny_logits, tiny_gradients = run(tiny, "tiny", (2, 3, 32, 32), 5)

full = swin_t()
state = full.state_dict()
full_logits, full_gradients = run(full, "swin_t", (2, 3, 224, 224), 1000)
index = state["features.1.0.attn.relative_position_index"]
transforms = Swin_T_Weights.IMAGENET1K_V1.transforms()

golden = {
    "torchvision": torchvision.__version__,
    "tiny": {
        "config": tiny_config,
        "logits": packed(tiny_logits),
        "gradients": {key: packed(gradient) for key, gradient in tiny_gradients.items()},
    },
    "swin_t": {
        "state": [[key, list(tensor.shape), str(tensor.dtype)] for key, tensor in state.items()],
        "parameters": sum(parameter.numel() for parameter in full.parameters()),
        "relativePositionIndex": index.flatten().tolist(),
        "preprocessing": {
            "resize": transforms.resize_size[0],
            "crop": transforms.crop_size[0],
            "interpolation": transforms.interpolation.value,
            "mean": transforms.mean,
            "std": transforms.std,
        },
        "logits": packed(full_logits),
        # Of each gradient its norm, and its product with a direction: enough to tell it from any other.
        "gradients": {
            key: [float(np.linalg.norm(g)), float((g * draws(f"direction.{key}", g.shape)).sum())]
            for key, g in full_gradients.items()
        },
    },
}
with gzip.GzipFile("swin.json.gz", "wb", mtime=0) as file:
    file.write(json.dumps(golden).encode())
