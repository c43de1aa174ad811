"""How many inferences the layers of a file of another tool are of, by the images that they have."""

from __future__ import annotations

from collections.abc import Iterable

from accelerator_sim.workload.layer import Layer


def batch_of(layers: Iterable[Layer]) -> int:
    """Return the images that all convolutions and fully connected layers have; 1 where other products do not fit.

    The rows of a matrix product are those of all images, and so are the pairs of a product of activations.  Rows
    alone do not show it: they may be the tokens of one sequence.
    """
    mapped = [layer for layer in layers if layer.is_mac]
    images = {layer.N for layer in mapped if layer.op in ("conv", "fc")}
    if len(images) != 1:
        return 1
    batch = images.pop()
    others = [layer.N * (layer.G if layer.op == "matmul" else layer.W) for layer in mapped if batch != layer.N]
    return batch if all(count % batch == 0 for count in others) else 1
