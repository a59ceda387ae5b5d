"""What people write today: open_clip's ViT-B/32, one tile at a time. The benchmark's other side.

The weights are initialised at random, as pretrained ones may not be at hand: time and memory are
those of the real ones, the choice is not.
"""

from __future__ import annotations

import sys

import open_clip
import torch
from PIL import Image

model, _, preprocess = open_clip.create_model_and_transforms("ViT-B-32")
model.eval()
tokenizer = open_clip.get_tokenizer("ViT-B-32")
with torch.no_grad():
    texts = model.encode_text(tokenizer(["a photo of a bus", "a photo of something else"]))
    texts /= texts.norm(dim=-1, keepdim=True)
    for path in sys.argv[1:]:
        picture = model.encode_image(preprocess(Image.open(path)).unsqueeze(0))
        picture /= picture.norm(dim=-1, keepdim=True)
        print(path, float((100 * picture @ texts.T).softmax(dim=-1)[0, 0]))
