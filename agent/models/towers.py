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

    def embedding(self, pixels: Tensor) -> Tensor:
        visual = self.visual
        x, _ = self._before_last(pixels)
        last = visual.transformer.resblocks[-1]
        if visual.pool_type == "tok":
            # Only the class token leaves the last block: the others need neither query nor MLP.
            x = _block(last, x, queries=1)
            pooled = visual.ln_post(x[:, 0])
        else:
            x = _block(last, x)[:, 1:]
            after = visual.final_ln_after_pool
            pooled = visual.ln_post(x.mean(dim=1)) if after else visual.ln_post(x).mean(dim=1)
        return F.normalize(pooled @ visual.proj, dim=1)

    def cells(self, pixels: Tensor) -> Tensor:
        visual = self.visual
        x, (rows, cols) = self._before_last(pixels)
        last = visual.transformer.resblocks[-1]
        query, _, value = _projected(last.attn, last.ln_1(x))
        like = _mixed(last.attn, query, query, value)[:, 1:]
        found = visual.ln_post(like) @ visual.proj
        return found.transpose(1, 2).reshape(x.shape[0], -1, rows, cols)

    def _before_last(self, pixels: Tensor) -> tuple[Tensor, tuple[int, int]]:
        visual = self.visual
        patches = visual.conv1(pixels)
        rows, cols = patches.shape[2:]
        x = patches.flatten(2).transpose(1, 2)
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


def _block(block: nn.Module, x: Tensor, mask: Tensor | None = None, queries: int = 0) -> Tensor:
    """One residual block; of the first `queries` positions alone, where that is not 0."""
    query, key, value = _projected(block.attn, block.ln_1(x), queries)
    kept = x[:, :queries] if queries else x
    kept = kept + block.ls_1(_mixed(block.attn, query, key, value, mask))
    return kept + block.ls_2(block.mlp(block.ln_2(kept)))


def _projected(attention: nn.MultiheadAttention, x: Tensor, queries: int = 0) -> list[Tensor]:
    weight, bias = attention.in_proj_weight, attention.in_proj_bias
    if not queries:
        return list(F.linear(x, weight, bias).chunk(3, dim=2))
    width = x.shape[2]
    query = F.linear(x[:, :queries], weight[:width], bias[:width])
    return [query, *F.linear(x, weight[width:], bias[width:]).chunk(2, dim=2)]


def _mixed(
    attention: nn.MultiheadAttention,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None = None,
) -> Tensor:
    """Attention on (n, length, width), written out: torch's own is traced for one length."""
    count, asked, width = query.shape
    heads = attention.num_heads

    def split(part: Tensor) -> Tensor:
        return part.reshape(count, -1, heads, width // heads).transpose(1, 2)

    scores = split(query) @ split(key).transpose(2, 3) / (width // heads) ** 0.5
    if mask is not None:
        scores = scores + mask
    mixed = (F.softmax(scores, dim=3) @ split(value)).transpose(1, 2).reshape(count, asked, width)
    return attention.out_proj(mixed)
