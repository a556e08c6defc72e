"""Writes small files of weights in the containers that PyTorch has, and what is in them.

    python3 Tests/Support/vectors/make_weight_files.py

weights_zip.pth, weights_legacy.pth   one object, by both writers of torch.save
weights_script.pt                     a module by torch.jit.save
weights_expected.h5                   the same tensors as float32, by name
"""

import os
from collections import OrderedDict

import h5py
import torch

HERE = os.path.dirname(os.path.abspath(__file__))


def pattern(count, number=0):
    x = 0.6180339887498949 * (torch.arange(count, dtype=torch.float64) + 1 + 1000 * number)
    return (x - x.floor() - 0.5).float()


def tensors():
    base = pattern(24, 1)
    return OrderedDict(
        [
            ("plain.weight", pattern(6).reshape(2, 3)),
            ("turned", pattern(12, 2).reshape(3, 4).t()),
            ("part", base[5:17].reshape(3, 4)[:, 1:3]),
            ("shared", base.reshape(4, 6)),
            ("repeated", pattern(3, 3).reshape(3, 1).expand(3, 5)),
            ("half", pattern(5, 4).half()),
            ("brain", pattern(5, 5).bfloat16()),
            ("double", pattern(4, 6).double()),
            ("longs", torch.tensor([1, -2, 1 << 40])),
            ("ints", torch.tensor([7, -8], dtype=torch.int32)),
            ("shorts", torch.tensor([300, -300], dtype=torch.int16)),
            ("chars", torch.tensor([-5, 5], dtype=torch.int8)),
            ("bytes", torch.tensor([0, 255], dtype=torch.uint8)),
            ("flags", torch.tensor([True, False, True])),
            ("scalar", torch.tensor(2.5)),
            ("nothing", torch.zeros(0, 3)),
            ("parameter", torch.nn.Parameter(pattern(4, 7).reshape(2, 2))),
        ]
    )


class Small(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = torch.nn.Linear(3, 2)
        self.logit_scale = torch.nn.Parameter(torch.tensor(1.5))
        with torch.no_grad():
            self.inner.weight.copy_(pattern(6, 8).reshape(2, 3))
            self.inner.bias.copy_(pattern(2, 9))

    def forward(self, x):
        return self.inner(x) * self.logit_scale


def main():
    state = tensors()
    state._metadata = OrderedDict(version=1)
    whole = {
        "state": state, "epoch": 12, "score": 0.75, "name": "small", "done": True, "nothing": None,
        "large": 1 << 70, "sizes": [1, (2, torch.Size([3, 4]))], "device": torch.device("cpu"),
    }
    torch.save(whole, f"{HERE}/weights_zip.pth")
    torch.save(whole, f"{HERE}/weights_legacy.pth", _use_new_zipfile_serialization=False)
    torch.jit.save(torch.jit.script(Small()), f"{HERE}/weights_script.pt")
    with h5py.File(f"{HERE}/weights_expected.h5", "w") as file:
        for name, tensor in state.items():
            file.create_dataset(name, data=tensor.detach().float().numpy(), track_times=False)


main()
