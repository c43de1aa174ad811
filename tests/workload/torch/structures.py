"""Structures of well-known networks, written out as in torchvision and in the papers, in any width.

Weights are drawn; batch normalisation gets statistics of its own, so that folding it would change them.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def seeded(make: type[nn.Module], *args: object) -> nn.Module:
    """Return a model whose parameters are drawn with a fixed seed, with a tenth of its weights zero."""
    torch.manual_seed(7)
    model = make(*args).eval()
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.running_mean = torch.randn_like(module.running_mean) / 4
            module.running_var = torch.rand_like(module.running_var) + 0.5
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(torch.rand_like(parameter) > 0.1)
    return model


class _Basic(nn.Module):
    def __init__(self, inner: int, outer: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inner, outer, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outer)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(outer, outer, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outer)
        self.downsample = None
        if stride > 1 or inner != outer:
            self.downsample = nn.Sequential(nn.Conv2d(inner, outer, 1, stride, bias=False), nn.BatchNorm2d(outer))

    def forward(self, x: Tensor) -> Tensor:
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(out + (x if self.downsample is None else self.downsample(x)))


class ResNet18(nn.Module):
    def __init__(self, width: int = 64, classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        inner = width
        for number, (factor, stride) in enumerate(((1, 1), (2, 2), (4, 2), (8, 2)), start=1):
            outer = width * factor
            layer = nn.Sequential(_Basic(inner, outer, stride), _Basic(outer, outer, 1))
            self.add_module(f"layer{number}", layer)
            inner = outer
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(inner, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(self.avgpool(x), 1))


class Vgg16(nn.Module):
    def __init__(self, width: int = 64, grid: int = 7, hidden: int = 4096, classes: int = 1000) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inner = 3
        for factor, count in ((1, 2), (2, 2), (4, 3), (8, 3), (8, 3)):
            for _ in range(count):
                layers += [nn.Conv2d(inner, width * factor, 3, padding=1), nn.ReLU(inplace=True)]
                inner = width * factor
            layers.append(nn.MaxPool2d(2, 2))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d((grid, grid))
        self.classifier = nn.Sequential(
            nn.Linear(inner * grid * grid, hidden), nn.ReLU(True), nn.Dropout(),
            nn.Linear(hidden, hidden), nn.ReLU(True), nn.Dropout(), nn.Linear(hidden, classes),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


def _normalised(inner: int, outer: int, kernel: int, stride: int, groups: int, after: nn.Module) -> nn.Sequential:
    conv = nn.Conv2d(inner, outer, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outer), after)


class _Inverted(nn.Module):
    def __init__(self, inner: int, outer: int, stride: int, expand: int) -> None:
        super().__init__()
        hidden = inner * expand
        layers = [_normalised(inner, hidden, 1, 1, 1, nn.ReLU6(True))] if expand > 1 else []
        layers += [_normalised(hidden, hidden, 3, stride, hidden, nn.ReLU6(True))]
        self.conv = nn.Sequential(*layers, nn.Conv2d(hidden, outer, 1, bias=False), nn.BatchNorm2d(outer))
        self.residual = stride == 1 and inner == outer

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.residual else self.conv(x)


class MobileNetV2(nn.Module):
    def __init__(self, part: int = 1, classes: int = 1000) -> None:
        super().__init__()
        rows = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
                (6, 320, 1, 1))  # fmt: skip
        inner = 32 // part
        layers: list[nn.Module] = [_normalised(3, inner, 3, 2, 1, nn.ReLU6(True))]
        for expand, channels, count, stride in rows:
            for at in range(count):
                layers.append(_Inverted(inner, channels // part, stride if at == 0 else 1, expand))
                inner = channels // part
        layers.append(_normalised(inner, 1280 // part, 1, 1, 1, nn.ReLU6(True)))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280 // part, classes))

    def forward(self, x: Tensor) -> Tensor:
        x = F.adaptive_avg_pool2d(self.features(x), (1, 1))
        return self.classifier(torch.flatten(x, 1))


class _Squeeze(nn.Module):
    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.avgpool, self.fc1 = nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * F.hardsigmoid(self.fc2(F.relu(self.fc1(self.avgpool(x)))))


class _InvertedV3(nn.Module):
    def __init__(self, row: tuple[int, int, int, int, bool, bool, int]) -> None:
        super().__init__()
        inner, kernel, hidden, outer, squeezes, hard, stride = row
        after = nn.Hardswish if hard else nn.ReLU
        layers: list[nn.Module] = [_normalised(inner, hidden, 1, 1, 1, after())] if hidden != inner else []
        layers.append(_normalised(hidden, hidden, kernel, stride, hidden, after()))
        if squeezes:
            layers.append(_Squeeze(hidden, max(8, (hidden // 4 + 4) // 8 * 8)))
        layers.append(_normalised(hidden, outer, 1, 1, 1, nn.Identity()))
        self.block = nn.Sequential(*layers)
        self.residual = stride == 1 and inner == outer

    def forward(self, x: Tensor) -> Tensor:
        return x + self.block(x) if self.residual else self.block(x)


class MobileNetV3Small(nn.Module):
    def __init__(self, part: int = 1, classes: int = 1000) -> None:
        super().__init__()
        rows = (
            (16, 3, 16, 16, True, False, 2), (16, 3, 72, 24, False, False, 2), (24, 3, 88, 24, False, False, 1),
            (24, 5, 96, 40, True, True, 2), (40, 5, 240, 40, True, True, 1), (40, 5, 240, 40, True, True, 1),
            (40, 5, 120, 48, True, True, 1), (48, 5, 144, 48, True, True, 1), (48, 5, 288, 96, True, True, 2),
            (96, 5, 576, 96, True, True, 1), (96, 5, 576, 96, True, True, 1),
        )  # fmt: skip
        small = [(a // part, k, h // part, b // part, s, hard, step) for a, k, h, b, s, hard, step in rows]
        last, wide = 576 // part, 1024 // part
        self.features = nn.Sequential(
            _normalised(3, 16 // part, 3, 2, 1, nn.Hardswish()), *map(_InvertedV3, small),
            _normalised(96 // part, last, 1, 1, 1, nn.Hardswish()),
        )  # fmt: skip
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            nn.Linear(last, wide), nn.Hardswish(), nn.Dropout(0.2), nn.Linear(wide, classes)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


class _Encoder(nn.Module):
    """A block of a vision transformer, by nn.MultiheadAttention."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(width, eps=1e-6)
        self.self_attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.ln_2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Dropout(0.0), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        y = self.ln_1(x)
        x = x + self.self_attention(y, y, y, need_weights=False)[0]
        return x + self.mlp(self.ln_2(x))


class VisionTransformer(nn.Module):
    def __init__(self, width: int = 768, heads: int = 12, blocks: int = 12, size: int = 224, patch: int = 16) -> None:
        super().__init__()
        self.conv_proj = nn.Conv2d(3, width, patch, patch)
        self.class_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embedding = nn.Parameter(torch.randn(1, (size // patch) ** 2 + 1, width))
        self.layers = nn.Sequential(*(_Encoder(width, heads) for _ in range(blocks)))
        self.ln = nn.LayerNorm(width, eps=1e-6)
        self.head = nn.Linear(width, 1000)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_proj(x).flatten(2).permute(0, 2, 1)
        x = torch.cat([self.class_token.expand(x.shape[0], -1, -1), x], dim=1)
        return self.head(self.ln(self.layers(x + self.pos_embedding))[:, 0])


class _SelfAttention(nn.Module):
    """Queries, keys and values apart (BERT), or in one product (GPT-2)."""

    def __init__(self, width: int, heads: int, together: bool) -> None:
        super().__init__()
        self.heads, self.together = heads, together
        if together:
            self.c_attn = nn.Linear(width, 3 * width)
        else:
            self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        parts: Sequence[Tensor]
        if self.together:
            parts = self.c_attn(x).split(width, dim=2)
        else:
            parts = (self.query(x), self.key(x), self.value(x))
        q, k, v = (part.view(batch, length, self.heads, width // self.heads).transpose(1, 2) for part in parts)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=self.together)
        return self.out(y.transpose(1, 2).reshape(batch, length, width))


class _Transformer(nn.Module):
    def __init__(self, width: int, heads: int, before: bool) -> None:
        super().__init__()
        self.before = before
        self.attention = _SelfAttention(width, heads, together=before)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        if self.before:
            x = x + self.attention(self.norm1(x))
            return x + self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh"))
        x = self.norm1(x + self.attention(x))
        return self.norm2(x + self.down(F.gelu(self.up(x))))


class Bert(nn.Module):
    def __init__(self, width: int = 768, heads: int = 12, blocks: int = 12, words: int = 30522) -> None:
        super().__init__()
        self.word, self.place = nn.Embedding(words, width), nn.Embedding(512, width)
        self.norm = nn.LayerNorm(width)
        self.encoder = nn.ModuleList(_Transformer(width, heads, before=False) for _ in range(blocks))
        self.pooler = nn.Linear(width, width)

    def forward(self, ids: Tensor) -> Tensor:
        x = self.norm(self.word(ids) + self.place(torch.arange(ids.shape[1])))
        for block in self.encoder:
            x = block(x)
        return torch.tanh(self.pooler(x[:, 0]))


class Gpt2(nn.Module):
    def __init__(self, width: int = 768, heads: int = 12, blocks: int = 12, words: int = 50257) -> None:
        super().__init__()
        self.wte, self.wpe = nn.Embedding(words, width), nn.Embedding(1024, width)
        self.h = nn.ModuleList(_Transformer(width, heads, before=True) for _ in range(blocks))
        self.ln_f = nn.LayerNorm(width)
        self.lm_head = nn.Linear(width, words, bias=False)

    def forward(self, ids: Tensor) -> Tensor:
        x = self.wte(ids) + self.wpe(torch.arange(ids.shape[1]))
        for block in self.h:
            x = block(x)
        return self.lm_head(self.ln_f(x))


class Tagger(nn.Module):
    """Words, a bidirectional LSTM of two layers, and a tag for each."""

    def __init__(self, width: int = 16, hidden: int = 12) -> None:
        super().__init__()
        self.words = nn.Embedding(100, width)
        self.lstm = nn.LSTM(width, hidden, num_layers=2, bidirectional=True, batch_first=True)
        self.tags = nn.Linear(2 * hidden, 9)

    def forward(self, ids: Tensor) -> Tensor:
        return self.tags(self.lstm(self.words(ids))[0])


class Speech(nn.Module):
    """Sound, convolutions in one dimension, and a GRU over what they find."""

    def __init__(self, width: int = 8, hidden: int = 10) -> None:
        super().__init__()
        self.front = nn.Sequential(
            nn.Conv1d(1, width, 10, 5), nn.BatchNorm1d(width), nn.ReLU(),
            nn.Conv1d(width, 2 * width, 3, 2, padding=1, groups=2), nn.ReLU(),
            nn.Conv1d(2 * width, 2 * width, 3, padding="same", dilation=2), nn.ReLU(), nn.MaxPool1d(2),
        )  # fmt: skip
        self.gru = nn.GRU(2 * width, hidden)
        self.out = nn.Linear(hidden, 5)

    def forward(self, x: Tensor) -> Tensor:
        steps, _ = self.gru(self.front(x).permute(2, 0, 1))
        return F.log_softmax(self.out(steps[-1]), dim=-1)


class Video(nn.Module):
    """Convolutions in three dimensions, one of them transposed."""

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(3, width, (3, 5, 5), stride=(1, 2, 2), padding=(1, 2, 2))
        self.conv2 = nn.Conv3d(width, 2 * width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm3d(2 * width)
        self.pool = nn.MaxPool3d((1, 2, 2))
        self.up = nn.ConvTranspose3d(2 * width, width, 2, stride=2)
        self.fc = nn.Linear(width, 6)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(F.relu(self.norm(self.conv2(F.relu(self.conv1(x))))))
        return self.fc(F.relu(self.up(x)).mean(dim=(2, 3, 4)))


class UNet(nn.Module):
    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.down = nn.ModuleList(self._twice(a, b) for a, b in ((3, width), (width, 2 * width)))
        self.middle = self._twice(2 * width, 4 * width)
        ups = ((4 * width, 2 * width), (2 * width, width))
        self.up = nn.ModuleList(nn.ConvTranspose2d(a, b, 2, 2) for a, b in ups)
        self.joined = nn.ModuleList(self._twice(2 * b, b) for _, b in ups)
        self.out = nn.Conv2d(width, 2, 1)

    @staticmethod
    def _twice(inner: int, outer: int) -> nn.Sequential:
        first = _normalised(inner, outer, 3, 1, 1, nn.ReLU(inplace=True))
        return nn.Sequential(*first, *_normalised(outer, outer, 3, 1, 1, nn.ReLU(inplace=True)))

    def forward(self, x: Tensor) -> Tensor:
        kept = []
        for block in self.down:
            x = block(x)
            kept.append(x)
            x = F.max_pool2d(x, 2)
        x = self.middle(x)
        for up, joined, before in zip(self.up, self.joined, reversed(kept), strict=True):
            x = joined(torch.cat([before, up(x)], dim=1))
        return self.out(x)


class DeepLab(nn.Module):
    """Atrous spatial pyramid pooling, and its result as large as the picture."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.stem = _normalised(3, width, 3, 2, 1, nn.ReLU())
        rates = (1, 2, 4)
        self.branches = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, width, 3, padding=rate, dilation=rate, bias=False), nn.ReLU())
            for rate in rates
        )
        self.whole = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(width, width, 1, bias=False), nn.ReLU())
        self.project = _normalised((len(rates) + 1) * width, width, 1, 1, 1, nn.ReLU())
        self.classes = nn.Conv2d(width, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.stem(x)
        whole = F.interpolate(self.whole(y), size=y.shape[-2:], mode="bilinear", align_corners=False)
        y = self.classes(self.project(torch.cat([*(branch(y) for branch in self.branches), whole], dim=1)))
        return F.interpolate(y, size=x.shape[-2:], mode="bilinear", align_corners=False)


class ConvNext(nn.Module):
    """A block of ConvNeXt: depthwise 7 x 7, and two linear layers over channels that come last."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, width, 4, 4)
        self.depthwise = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.scale = nn.Parameter(torch.full((width,), 0.1))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        y = self.scale * self.down(F.gelu(self.up(y)))
        return x + y.permute(0, 3, 1, 2)


class _Rotary(nn.Module):
    """Attention of Llama: places by rotation, keys shared by heads of queries, no biases."""

    def __init__(self, width: int, heads: int, shared: int) -> None:
        super().__init__()
        self.heads, self.shared, self.size = heads, shared, width // heads
        self.q_proj = nn.Linear(width, heads * self.size, bias=False)
        self.k_proj, self.v_proj = (nn.Linear(width, shared * self.size, bias=False) for _ in range(2))
        self.o_proj = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor, angles: Tensor) -> Tensor:
        batch, length, width = x.shape
        q = self.q_proj(x).view(batch, length, self.heads, self.size).transpose(1, 2)
        k, v = (
            proj(x).view(batch, length, self.shared, self.size).transpose(1, 2) for proj in (self.k_proj, self.v_proj)
        )
        q, k = self.turned(q, angles), self.turned(k, angles)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        return self.o_proj(y.transpose(1, 2).reshape(batch, length, width))

    @staticmethod
    def turned(x: Tensor, angles: Tensor) -> Tensor:
        first, second = x.chunk(2, dim=-1)
        return x * angles.cos() + torch.cat([-second, first], dim=-1) * angles.sin()


class Llama(nn.Module):
    def __init__(self, width: int = 16, heads: int = 4, shared: int = 2, words: int = 100) -> None:
        super().__init__()
        self.embed = nn.Embedding(words, width)
        self.norm1, self.norm2, self.norm = (nn.RMSNorm(width) for _ in range(3))
        self.attention = _Rotary(width, heads, shared)
        self.gate, self.up = (nn.Linear(width, 3 * width, bias=False) for _ in range(2))
        self.down = nn.Linear(3 * width, width, bias=False)
        self.register_buffer("rates", 1.0 / 100 ** (torch.arange(0, width // heads, 2) / (width // heads)))

    def forward(self, ids: Tensor) -> Tensor:
        x = self.embed(ids)
        angles = torch.outer(torch.arange(ids.shape[1]).float(), self.rates).repeat(1, 2)
        x = x + self.attention(self.norm1(x), angles)
        y = self.norm2(x)
        return self.norm(x + self.down(F.silu(self.gate(y)) * self.up(y)))


class Swin(nn.Module):
    """Windows of a picture that are shifted, attended to by themselves, and put together again."""

    def __init__(self, width: int = 8, window: int = 4) -> None:
        super().__init__()
        self.window, self.patches = window, nn.Conv2d(3, width, 2, 2)
        self.norm, self.attention = nn.LayerNorm(width), nn.MultiheadAttention(width, 2, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).permute(0, 2, 3, 1)
        batch, rows, columns, width = x.shape
        n = self.window
        y = torch.roll(self.norm(x), shifts=(-2, -2), dims=(1, 2))
        y = y.view(batch, rows // n, n, columns // n, n, width).transpose(2, 3).reshape(-1, n * n, width)
        y = self.attention(y, y, y, need_weights=False)[0]
        y = y.view(batch, rows // n, columns // n, n, n, width).transpose(2, 3).reshape(batch, rows, columns, width)
        return x + torch.roll(y, shifts=(2, 2), dims=(1, 2))


class Shuffle(nn.Module):
    """A block of ShuffleNetV2: half of the channels pass, and both halves are mixed."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.stem = _normalised(3, 2 * width, 3, 2, 1, nn.ReLU())
        self.branch = nn.Sequential(
            _normalised(width, width, 1, 1, 1, nn.ReLU()), _normalised(width, width, 3, 1, width, nn.Identity()),
            _normalised(width, width, 1, 1, 1, nn.ReLU()),
        )  # fmt: skip
        self.out = nn.Conv2d(2 * width, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        first, second = self.stem(x).chunk(2, dim=1)
        x = torch.cat([first, self.branch(second)], dim=1)
        batch, channels, rows, columns = x.shape
        mixed = x.view(batch, 2, channels // 2, rows, columns).transpose(1, 2).reshape(batch, channels, rows, columns)
        return self.out(mixed)
