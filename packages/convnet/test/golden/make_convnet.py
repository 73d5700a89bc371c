"""Writes convnet.json.gz: what PyTorch computes with torchvision's VGGs and ResNets, and with ResNets for CIFAR, in float64.

Needs PyTorch and torchvision 0.13 or newer; made with 1.13 and 0.14.1 (Debian 12: apt-get install python3-torchvision).
Arguments are a file to write and names of further models to compare whole (vgg11, vgg16_bn, ...), which takes minutes and memory.
"""

import base64
import gzip
import json
import sys
from math import prod, sqrt

import numpy as np
import torch
import torchvision
from torch import nn
from torch.nn.functional import avg_pool2d, cross_entropy, pad, relu
from torchvision.models import ResNet, ResNet18_Weights, VGG, resnet
from torchvision.models.vgg import make_layers


def draws(name, shape):
    """Numbers in [-1, 1), 24 bits each, from a hash of the name and of each place; `drawnValues` in golden.ts."""
    seed = 0x811C9DC5
    for byte in name.encode():
        seed = ((seed ^ byte) * 0x01000193) & 0xFFFFFFFF
    x = np.arange(prod(shape), dtype=np.uint32) * np.uint32(0x9E3779B9) + np.uint32(seed)
    x = (x ^ (x >> 16)) * np.uint32(0x85EBCA6B)
    x = (x ^ (x >> 13)) * np.uint32(0xC2B2AE35)
    x = x ^ (x >> 16)
    return ((x >> 8) / 2.0**23 - 1.0).reshape(shape)


def drawn_tensor(name, key, shape):
    values = draws(f"{name}.{key}", shape)
    if key.endswith("num_batches_tracked"):
        return torch.tensor(3)
    if key.endswith("running_var"):
        values = values * 0.5 + 1.0
    elif key.endswith(("bias", "running_mean")):
        values = values * 0.25
    elif len(shape) == 1:
        values = values * 0.25 + 1.0
    else:
        values = values * sqrt(6 / prod(shape[1:]))
    return torch.from_numpy(values.astype(np.float32).astype(np.float64))


class OptionA(nn.Module):
    """A shortcut without parameters (He et al. 2016, section 4.2)."""

    def __init__(self, channels):
        super().__init__()
        self.channels = channels

    def forward(self, x):
        return pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.channels, self.channels))


class CifarBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = OptionA(outputs // 4) if stride != 1 or inputs != outputs else nn.Identity()

    def forward(self, x):
        return relu(self.bn2(self.conv2(relu(self.bn1(self.conv1(x))))) + self.shortcut(x))


class CifarResNet(nn.Module):
    """With the names of akamaster's checkpoints."""

    def __init__(self, widths, depths, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, widths[0], 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        inputs = widths[0]
        for stage, (width, depth) in enumerate(zip(widths, depths)):
            blocks = []
            for i in range(depth):
                blocks.append(CifarBlock(inputs, width, 2 if stage > 0 and i == 0 else 1))
                inputs = width
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.stages = len(widths)
        self.linear = nn.Linear(inputs, classes)

    def forward(self, x):
        x = relu(self.bn1(self.conv1(x)))
        for stage in range(self.stages):
            x = getattr(self, f"layer{stage + 1}")(x)
        return self.linear(avg_pool2d(x, x.shape[-1]).flatten(1))


def vgg(stages, batch_norm, pool, hidden, classes):
    """torchvision's VGG, with a classifier of these widths; one linear layer is called `classifier` itself."""
    layers = make_layers([entry for stage in stages for entry in [*stage, "M"]], batch_norm)
    model = VGG(layers, num_classes=classes, init_weights=False, dropout=0.0)
    model.avgpool = nn.AdaptiveAvgPool2d(pool)
    widths = [stages[-1][-1] * pool**2, *hidden, classes]
    linears = [nn.Linear(a, b) for a, b in zip(widths, widths[1:])]
    if len(linears) == 1:
        model.classifier = linears[0]
    elif hidden != [4096, 4096]:
        between = [[linear, nn.ReLU(), nn.Dropout(0.0)] for linear in linears[:-1]]
        model.classifier = nn.Sequential(*[layer for part in between for layer in part], linears[-1])
    return model


def imagenet_resnet(block, widths, depths, classes):
    """torchvision's ResNet with fewer and narrower stages, made of its own layers."""
    model = ResNet(block, [1, 1, 1, 1], num_classes=classes)
    model.inplanes = widths[0]
    model.conv1 = nn.Conv2d(3, widths[0], 7, 2, 3, bias=False)
    model.bn1 = nn.BatchNorm2d(widths[0])
    for stage in range(4):
        made = nn.Sequential()
        if stage < len(widths):
            made = model._make_layer(block, widths[stage], depths[stage], stride=1 if stage == 0 else 2)
        setattr(model, f"layer{stage + 1}", made)
    model.fc = nn.Linear(widths[-1] * block.expansion, classes)
    return model


def packed(array):
    return base64.b64encode(np.ascontiguousarray(array, dtype="<f4").tobytes()).decode()


def run(name, model, size, batch, whole):
    """Logits in evaluation; loss, all gradients and the buffers after a step in training."""
    model = model.double()
    for key, tensor in model.state_dict().items():
        tensor.copy_(drawn_tensor(name, key, tuple(tensor.shape)))
    images = torch.from_numpy(2 * draws(f"{name}.images", (batch, 3, size, size)))
    model.eval()
    with torch.no_grad():
        evaluated = model(images)
    model.train()
    images.requires_grad_()
    logits = model(images)
    classes = logits.shape[1]
    loss = cross_entropy(logits, torch.arange(batch) * 3 % classes)
    loss.backward()
    gradients = {key: parameter.grad.numpy() for key, parameter in model.named_parameters()}
    gradients["images"] = images.grad.numpy()
    buffers = {key: buffer.numpy() for key, buffer in model.named_buffers() if "num" not in key}

    def told(arrays):
        # Of large ones their norm, and their product with a direction: enough to tell them from any other.
        if whole:
            return {key: packed(array) for key, array in arrays.items()}
        direction = {key: draws(f"direction.{key}", array.shape) for key, array in arrays.items()}
        return {
            key: [float(np.linalg.norm(array)), float((array * direction[key]).sum())]
            for key, array in arrays.items()
        }

    return {
        "size": size,
        "batch": batch,
        "classes": classes,
        "evaluated": packed(evaluated.numpy()),
        "logits": packed(logits.detach().numpy()),
        "loss": float(loss),
        "gradients": told(gradients),
        "buffers": told(buffers),
        "counter": [int(b) for key, b in model.named_buffers() if "num" in key][:1],
    }


STAGES = {
    "vgg11": [[64], [128], [256, 256], [512, 512], [512, 512]],
    "vgg16": [[64, 64], [128, 128], [256, 256, 256], [512, 512, 512], [512, 512, 512]],
}


def named(name):
    """A model of `convnetConfigs`."""
    if name.startswith("vgg"):
        cifar = name.endswith("_cifar")
        head = (1, [], 10) if cifar else (7, [4096, 4096], 1000)
        return vgg(STAGES[name[:5]], "_bn" in name, *head)
    if name in ("resnet20", "resnet56"):
        return CifarResNet([16, 32, 64], [(int(name[6:]) - 2) // 6] * 3, 10)
    return getattr(torchvision.models, name)()


ALL = ["vgg11", "vgg11_bn", "vgg16", "vgg16_bn", "vgg11_cifar", "vgg11_bn_cifar", "vgg16_cifar", "vgg16_bn_cifar"]
ALL += ["resnet20", "resnet56", "resnet18", "resnet50"]
# Sizes of images that make the large ones affordable.
WHOLE = {"vgg16_cifar": 32, "vgg11_bn_cifar": 32, "resnet20": 32, "resnet56": 32, "resnet18": 64, "resnet50": 64}

file, *more = sys.argv[1:] or ["convnet.json.gz"]
torch.manual_seed(0)
small = {
    "vgg": [vgg([[4], [6, 6]], False, 1, [], 5), 8],
    "vgg_bn_classifier": [vgg([[4], [6]], True, 2, [10, 8], 5), 16],
    "resnet_cifar": [CifarResNet([4, 8, 16], [1, 2, 1], 5), 16],
    "resnet_basic": [imagenet_resnet(resnet.BasicBlock, [4, 8], [1, 2], 5), 33],
    "resnet_bottleneck": [imagenet_resnet(resnet.Bottleneck, [2, 4], [2, 1], 5), 32],
}
sizes = {name: WHOLE.get(name, 32 if "cifar" in name else 224) for name in more or WHOLE}
transforms = ResNet18_Weights.IMAGENET1K_V1.transforms()
golden = {
    "torch": torch.__version__,
    "torchvision": torchvision.__version__,
    "small": {name: run(name, model, size, 3, True) for name, (model, size) in small.items()},
    "named": {name: run(name, named(name), size, 3 if name == 'resnet56' else 2, False) for name, size in sizes.items()},
    "states": {
        name: [[key, list(tensor.shape)] for key, tensor in named(name).state_dict().items()] for name in ALL
    },
    "preprocessing": {
        "resize": transforms.resize_size[0],
        "crop": transforms.crop_size[0],
        "interpolation": transforms.interpolation.value,
        "mean": transforms.mean,
        "std": transforms.std,
    },
}
with gzip.GzipFile(file, "wb", mtime=0) as out:
    out.write(json.dumps(golden).encode())
