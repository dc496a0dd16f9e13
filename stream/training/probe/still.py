"""Makes a network look at single frames: what shows, not what moves.

A temporal convolution gives its newest tap the sum of all, as if each frame had stood still for ever. From then on a
frame's features depend on that frame alone, so frames may be learned one by one, in any order.
"""

import torch
from torch import nn


@torch.no_grad()
def fold(net: nn.Module) -> nn.Module:
    """Fold the temporal taps of a stream network, in place, and return it."""
    for module in net.modules():
        if isinstance(taps := getattr(module, "taps", None), nn.ParameterList):
            total = torch.stack([tap.detach() for tap in taps]).sum(0)
            for tap in taps:
                tap.zero_()
            taps[len(taps) - 1].copy_(total)
    return net
