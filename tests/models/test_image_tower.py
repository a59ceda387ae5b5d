"""lite's image tower in training: what the untouched network makes of pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
timm = pytest.importorskip("timm")


def test_a_study_leaves_the_network_as_it_was(tmp_path: Path) -> None:
    """Studying pictures gives what the network gives, which stays one that does not learn."""
    from agent.models.lite import image_tower

    torch.manual_seed(0)
    model = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
    pictures = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    with torch.no_grad():
        expected = image_tower.early(model, image_tower.normalised(pictures))
    features, _, _ = image_tower.study(model, pictures, tmp_path, batch=2)
    assert not any(module.training for module in model.modules())
    assert torch.allclose(features.float(), expected, atol=0.02)
    assert torch.equal(image_tower.halfway(model, pictures, tmp_path), features)
