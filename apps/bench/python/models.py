"""The benchmark's models in PyTorch, with timm's names for the vision transformers' parameters."""

import torch
import torch.nn as nn
import torch.nn.functional as F

# image size, patch, width, depth, heads, classes
VITS = {
    "vit_cifar_32": (32, 4, 192, 6, 3, 10),
    "deit_tiny_patch16_224": (224, 16, 192, 12, 3, 1000),
}


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x):
        batch, tokens, width = x.shape
        head = width // self.heads
        q, k, v = self.qkv(x).reshape(batch, tokens, 3, self.heads, head).permute(2, 0, 3, 1, 4)
        p = (q @ k.transpose(-2, -1) * head**-0.5).softmax(-1)
        return self.proj((p @ v).transpose(1, 2).reshape(batch, tokens, width))


class Mlp(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = Mlp(width)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PatchEmbed(nn.Module):
    def __init__(self, patch, width):
        super().__init__()
        self.proj = nn.Conv2d(3, width, patch, patch)

    def forward(self, images):
        return self.proj(images).flatten(2).transpose(1, 2)


class Vit(nn.Module):
    def __init__(self, image_size, patch, width, depth, heads, classes):
        super().__init__()
        self.image_size, self.classes = image_size, classes
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, (image_size // patch) ** 2 + 1, width))
        self.patch_embed = PatchEmbed(patch, width)
        self.blocks = nn.Sequential(*[Block(width, heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.head = nn.Linear(width, classes)

    def forward(self, images):
        x = self.patch_embed(images)
        x = torch.cat((self.cls_token.expand(len(x), -1, -1), x), 1) + self.pos_embed
        return self.head(self.norm(self.blocks(x)[:, 0]))


def vit(name, state):
    model = Vit(*VITS[name])
    model.load_state_dict(state)
    return model


def decays(name, parameter):
    """timm's decay groups: vectors, position embeddings and tokens do not decay."""
    return parameter.ndim > 1 and name not in ("pos_embed", "cls_token")


class Vgg(nn.Module):
    """src/kernels/child/convolution-task.ts: the same weights, in PyTorch's layout."""

    def __init__(self, widths, filled):
        super().__init__()
        self.features = nn.ModuleList()
        channels = 3
        for index, width in enumerate(widths):
            if width == "pool":
                self.features.append(nn.MaxPool2d(2, 2))
                continue
            layer = nn.Conv2d(channels, width, 3, padding=1)
            weight = filled([3, 3, channels, width], index, (6 / (9 * channels)) ** 0.5)
            layer.weight.data = weight.permute(3, 2, 0, 1).contiguous()
            layer.bias.data.zero_()
            self.features.append(layer)
            channels = width
        side = 32 // 2 ** widths.count("pool")
        inputs = channels * side * side
        self.classifier = nn.Linear(inputs, 10)
        # Features leave here channel by channel, and the tfjs program flattens them pixel by pixel.
        weight = filled([10, inputs], 3, (1 / inputs) ** 0.5).reshape(10, side * side, channels)
        self.classifier.weight.data = weight.transpose(1, 2).reshape(10, inputs).contiguous()
        self.classifier.bias.data.zero_()

    def forward(self, x):
        for layer in self.features:
            x = layer(x) if isinstance(layer, nn.MaxPool2d) else F.relu(layer(x))
        return self.classifier(x.flatten(1))
