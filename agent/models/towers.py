"""The two towers of an open_clip model as they are exported: unit embeddings, and cells.

Cells are an embedding for each part of a picture, on the text's side of things:

- CLIP's own ViT: the last block without its residual and its MLP, each patch attending to what is
  like itself (ClearCLIP: Lan et al., 2024; the value path of MaskCLIP: Zhou et al., 2022);
- CLIP's own ResNet: the value path of its attention pooling (MaskCLIP);
- a timm trunk that pools by average or by attention: each cell of its last feature map, or each
  patch, pooled alone and projected. Where pooling is an average and the projection linear their
  mean is the picture's embedding (class activation maps: Zhou et al., 2016).
"""

from __future__ import annotations

from typing import Any

import torch
from open_clip.modified_resnet import ModifiedResNet
from open_clip.timm_model import TimmModel
from open_clip.transformer import ResidualAttentionBlock, TextTransformer, VisionTransformer
from torch import Tensor, nn
from torch.nn import functional as F


class Images(nn.Module):
    """An image tower for pixels (n, 3, h, w): the unit embedding (n, d), cells where it has any."""

    any_size = False  # whether cells can be had of other sizes than the model's own

    def __init__(self, visual: nn.Module) -> None:
        super().__init__()
        self.visual = visual

    @property
    def has_cells(self) -> bool:
        """Whether `cells` works."""
        return type(self).cells is not Images.cells

    def embedding(self, pixels: Tensor) -> Tensor:
        """Shape (n, d), of unit length."""
        return F.normalize(self.visual(pixels), dim=1)

    def cells(self, pixels: Tensor) -> Tensor:
        """Shape (n, d, rows, cols), not of unit length."""
        raise NotImplementedError

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        return self.embedding(pixels), self.cells(pixels)


class EmbeddingAlone(nn.Module):
    """An image tower without its cells."""

    def __init__(self, tower: Images) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, pixels: Tensor) -> Tensor:
        return self.tower.embedding(pixels)


class ViTImages(Images):
    """CLIP's own vision transformer. Its positions are interpolated for pictures of any size."""

    any_size = True

    def __init__(self, visual: nn.Module) -> None:
        super().__init__(visual)
        # Weights of their own: what becomes of a weight on the way of a picture is none any more
        # to those who make weights small.
        attention, conv = visual.transformer.resblocks[-1].attn, visual.conv1
        width = attention.embed_dim
        weight, bias = attention.in_proj_weight, attention.in_proj_bias
        self.asks = _linear(weight[:width], bias[:width])
        self.answers = _linear(weight[width:], bias[width:])
        # A convolution whose stride is its kernel is a product.
        self.patches = _linear(conv.weight.flatten(1), conv.bias)

    def embedding(self, pixels: Tensor) -> Tensor:
        return self._pooled(self._before_last(pixels)[0])

    def cells(self, pixels: Tensor) -> Tensor:
        return self._each(*self._before_last(pixels))

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        # All but the last block once: ONNX Runtime does not see that nodes of its own do the same.
        x, shape = self._before_last(pixels)
        return self._pooled(x), self._each(x, shape)

    def _pooled(self, x: Tensor) -> Tensor:
        visual = self.visual
        if visual.pool_type == "tok":
            # Only the class token leaves the last block: the others need neither query nor MLP.
            pooled = visual.ln_post(self._through_last(x, 1)[:, 0])
        else:
            x = self._through_last(x, x.shape[1])[:, 1:]
            after = visual.final_ln_after_pool
            pooled = visual.ln_post(x.mean(dim=1)) if after else visual.ln_post(x).mean(dim=1)
        return F.normalize(pooled @ visual.proj, dim=1)

    def _through_last(self, x: Tensor, first: int) -> Tensor:
        """The `first` positions of what leaves the last block."""
        last = self.visual.transformer.resblocks[-1]
        normed = last.ln_1(x)
        key, value = self.answers(normed).chunk(2, dim=2)
        mixed = _mixed(last.attn, self.asks(normed[:, :first]), key, value)
        return _added(last, x[:, :first], mixed)

    def _each(self, x: Tensor, shape: tuple[int, int]) -> Tensor:
        visual = self.visual
        last = visual.transformer.resblocks[-1]
        normed = last.ln_1(x)
        query, (_, value) = self.asks(normed), self.answers(normed).chunk(2, dim=2)
        like = _mixed(last.attn, query, query, value)[:, 1:]
        found = visual.ln_post(like) @ visual.proj
        return found.transpose(1, 2).reshape(x.shape[0], -1, *shape)

    def _before_last(self, pixels: Tensor) -> tuple[Tensor, tuple[int, int]]:
        visual = self.visual
        side, (count, _, height, width) = visual.conv1.kernel_size[0], pixels.shape
        rows, cols = height // side, width // side
        apart = pixels.reshape(count, 3, rows, side, cols, side).permute(0, 2, 4, 1, 3, 5)
        x = self.patches(apart.reshape(count, rows * cols, 3 * side**2))
        first = visual.class_embedding.expand(x.shape[0], 1, -1)
        x = torch.cat([first, x], dim=1) + self._positions(rows, cols)
        x = visual.ln_pre(x)
        for block in visual.transformer.resblocks[:-1]:
            x = _block(block, x)
        return x, (rows, cols)

    def _positions(self, rows: int, cols: int) -> Tensor:
        table = self.visual.positional_embedding
        height, width = self.visual.grid_size
        grid = table[1:].reshape(1, height, width, -1).permute(0, 3, 1, 2)
        # At the model's own size this changes nothing.
        grid = F.interpolate(grid, size=(rows, cols), mode="bicubic", align_corners=False)
        return torch.cat([table[:1], grid[0].flatten(1).transpose(0, 1)])


class ResNetImages(Images):
    """CLIP's own ResNet with attention pooling."""

    any_size = True

    def cells(self, pixels: Tensor) -> Tensor:
        visual = self.visual
        x = visual.stem(pixels)
        for stage in (visual.layer1, visual.layer2, visual.layer3, visual.layer4):
            x = stage(x)
        pool = visual.attnpool
        found = pool.c_proj(pool.v_proj(x.permute(0, 2, 3, 1)))
        return found.permute(0, 3, 1, 2)


class TimmImages(Images):
    """A timm trunk: what its head makes of one cell, or of one patch, alone."""

    def __init__(self, visual: nn.Module) -> None:
        super().__init__(visual)
        size = visual.image_size
        with torch.inference_mode():
            self.maps = visual.trunk.forward_features(torch.zeros(1, 3, *size)).ndim == 4
        self.any_size = self.maps
        self._grid = getattr(getattr(visual.trunk, "patch_embed", None), "grid_size", (0, 0))

    @property
    def has_cells(self) -> bool:
        trunk = self.visual.trunk
        if self.maps:
            return True
        pooled = getattr(trunk, "global_pool", "") in ("avg", "map")
        return pooled and self._grid[0] > 0

    def cells(self, pixels: Tensor) -> Tensor:
        trunk = self.visual.trunk
        features = trunk.forward_features(pixels)
        if self.maps:
            rows, cols = features.shape[2:]
            alone = features.permute(0, 2, 3, 1).reshape(-1, features.shape[1], 1, 1)
        else:
            rows, cols = self._grid
            features = features[:, getattr(trunk, "num_prefix_tokens", 0) :]
            alone = features.reshape(-1, 1, features.shape[2])
        found = self.visual.head(trunk.forward_head(alone))
        return found.reshape(pixels.shape[0], rows, cols, -1).permute(0, 3, 1, 2)


def image_tower(visual: nn.Module) -> Images:
    """The exported form of `visual`: with cells where its architecture allows, else without."""
    if isinstance(visual, VisionTransformer) and visual.attn_pool is None and _plain(visual):
        return ViTImages(visual)
    if isinstance(visual, ModifiedResNet):
        return ResNetImages(visual)
    if isinstance(visual, TimmModel):
        return TimmImages(visual)
    return Images(visual)


class Texts(nn.Module):
    """`text` for token ids (n, context length), whatever it is: padding is seen, or masked."""

    padded = True

    def __init__(self, encode: nn.Module) -> None:
        super().__init__()
        self.text = encode

    def forward(self, tokens: Tensor) -> Tensor:
        return F.normalize(self.text(tokens), dim=1)


class CausalTexts(Texts):
    """`text` of a model with causal attention, for token ids (n, length) of any length.

    Causal attention and the last token as the result: padding that is left out changes nothing.
    """

    padded = False

    def forward(self, tokens: Tensor) -> Tensor:
        text, length = self.text, tokens.shape[1]
        x = text.token_embedding(tokens) + text.positional_embedding[:length]
        mask = text.attn_mask[:length, :length]
        for block in text.transformer.resblocks:
            x = _block(block, x, mask)
        x = text.ln_final(x)
        end = tokens == text.eos_id if text.pool_type == "eos" else tokens
        rows = torch.arange(tokens.shape[0], device=tokens.device)
        last = x[rows, end.int().argmax(dim=1)]
        if isinstance(text.text_projection, nn.Linear):
            return F.normalize(text.text_projection(last), dim=1)
        return F.normalize(last @ text.text_projection, dim=1)


class _OwnText(nn.Module):
    """A CLIP model that keeps its text tower's parts as its own, seen as a text tower."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        for part in ("token_embedding", "transformer", "ln_final"):
            setattr(self, part, getattr(model, part))
        self.positional_embedding = model.positional_embedding
        self.text_projection = model.text_projection
        self.pool_type, self.eos_id = model.text_pool_type, model.text_eos_id
        self.register_buffer("attn_mask", model.attn_mask, persistent=False)


def text_tower(model: nn.Module) -> Texts:
    """The exported form of the model's text tower."""
    if not hasattr(model, "text"):
        return CausalTexts(_OwnText(model))
    text = model.text
    causal = (
        isinstance(text, TextTransformer)
        and text.attn_mask is not None
        and text.cls_emb is None
        and text.text_projection is not None
        and text.pool_type in ("argmax", "eos")
        and not text.output_tokens
        and _plain(text)
    )
    return CausalTexts(text) if causal else Texts(text)


def _plain(tower: nn.Module) -> bool:
    blocks = tower.transformer.resblocks
    return all(isinstance(block, ResidualAttentionBlock) for block in blocks)


def _block(block: nn.Module, x: Tensor, mask: Tensor | None = None) -> Tensor:
    """One residual block."""
    attention = block.attn
    projected = F.linear(block.ln_1(x), attention.in_proj_weight, attention.in_proj_bias)
    query, key, value = projected.split([attention.embed_dim] * 3, dim=2)
    return _added(block, x, _mixed(attention, query, key, value, mask))


def _added(block: nn.Module, x: Tensor, mixed: Tensor) -> Tensor:
    """What leaves a block that `x` came into, its attention's result being `mixed`."""
    x = x + block.ls_1(mixed)
    return x + block.ls_2(block.mlp(block.ln_2(x)))


def _linear(weight: Tensor, bias: Tensor | None) -> nn.Linear:
    """A layer with copies of these."""
    found = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    found.weight = nn.Parameter(weight.detach().clone())
    if bias is not None:
        found.bias = nn.Parameter(bias.detach().clone())
    return found


def _mixed(
    attention: nn.MultiheadAttention,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None = None,
) -> Tensor:
    """Attention on (n, length, width); torch's own would be traced for one length."""
    heads = attention.num_heads
    found = (
        _Attention.apply(query, key, value, heads)
        if mask is None
        else _attended(query, key, value, heads, mask)
    )
    return attention.out_proj(found)


class _Attention(torch.autograd.Function):
    """Attention as one node of ONNX Runtime's own, which spares the copies between its steps."""

    @staticmethod
    def forward(_: Any, query: Tensor, key: Tensor, value: Tensor, heads: int) -> Tensor:
        return _attended(query, key, value, heads)

    @staticmethod
    def symbolic(graph: Any, query: Any, key: Any, value: Any, heads: int) -> Any:
        node = graph.op("com.microsoft::MultiHeadAttention", query, key, value, num_heads_i=heads)
        node.setType(query.type())
        return node


def _attended(
    query: Tensor, key: Tensor, value: Tensor, heads: int, mask: Tensor | None = None
) -> Tensor:
    count, asked, width = query.shape

    def split(part: Tensor) -> Tensor:
        return part.reshape(count, -1, heads, width // heads).transpose(1, 2)

    scores = split(query) @ split(key).transpose(2, 3) / (width // heads) ** 0.5
    if mask is not None:
        scores = scores + mask
    return (F.softmax(scores, dim=3) @ split(value)).transpose(1, 2).reshape(count, asked, width)
