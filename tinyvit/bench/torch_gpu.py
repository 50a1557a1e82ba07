"""PyTorch's training step on a GPU: eager, eager in a CUDA graph, compiled, and compiled in a CUDA graph."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F

from .gpu_timing import Row, Size, random_batch, row_of, timed
from .setting import LEARNING_RATE, WEIGHT_DECAY, new_model
from .torch_twin import torch_twin

# name, mode of torch.compile, whether in a CUDA graph of its own, seconds it needs at least
SIDES: list[tuple[str, str | None, bool, float]] = [
    ("PyTorch, eager", None, False, 5),
    ("PyTorch, eager, graph", None, True, 5),
    ("PyTorch, compiled, graph", "default", True, 40),
    ("PyTorch, compiled", "default", False, 40),
    ("PyTorch, max-autotune", "max-autotune", False, 150),
]


def torch_rows(size: Size, precision: str, device: str, seconds: float) -> Iterator[Row]:
    """One row for each side that there is time for."""
    torch.cuda.set_device(device)
    deadline = time.monotonic() + seconds
    for side, mode, graphed, needs in SIDES:
        if deadline - time.monotonic() < needs + 60 * (side != SIDES[0][0]):  # what comes later wants time, too
            yield {"side": side, "skipped": "no time"}
            continue
        try:
            step = build_step(size, precision, mode, "cuda")
            run = _graphed(step) if graphed else step
            times = timed(run, _mark, torch.cuda.synchronize, lambda one, two: one.elapsed_time(two) / 1000)
            yield row_of(side, *times)
        except Exception as error:
            yield {"side": side, "error": f"{type(error).__name__}: {str(error)[:200]}"}
        torch.cuda.empty_cache()


def build_step(size: Size, precision: str, mode: str | None, device: str) -> Callable[[], torch.Tensor]:
    """A training step with the weights, the images and the optimizer of ours; returns the loss."""
    torch.set_float32_matmul_precision("highest" if precision == "fp32" else "high")
    model = torch_twin(new_model(size.config)).to(device)
    fast: Any = {"fused": True, "capturable": True} if device == "cuda" else {}
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY, **fast)
    images, labels = (torch.from_numpy(x).to(device) for x in random_batch(size))

    def forward() -> torch.Tensor:
        half: Any = torch.autocast(device, torch.bfloat16) if precision == "bf16" else contextlib.nullcontext()
        with half:
            return F.cross_entropy(model(images), labels)

    loss_of: Any = torch.compile(forward, mode=mode) if mode else forward

    def step() -> torch.Tensor:
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of()
        loss.backward()
        optimizer.step()
        return loss

    return step


def _graphed(step: Callable[[], Any]) -> Callable[[], Any]:
    """PyTorch's own recipe: some steps on another stream first, then the recording."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(5):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def _mark() -> Any:
    event = torch.cuda.Event(enable_timing=True)
    event.record()
    return event
