"""Averages of weights: over the steps of a run, and of a run with what it began with."""

from __future__ import annotations

import torch
from torch import nn

from fyp_world.training.batches import Draw, MakeBatch, move

EMA_DECAY = 0.999
SETTLING_BATCHES = 40
SETTLING_STEP = 2**31  # far from any step of a run


class Average:
    """An exponential moving average of a module's trainable parameters, in float32."""

    def __init__(self, module: nn.Module) -> None:
        self.parameters = {
            name: p.detach().float().clone()
            for name, p in module.named_parameters()
            if p.requires_grad
        }

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        weight = 1 - min(EMA_DECAY, (step + 1) / (step + 10))
        for name, parameter in module.named_parameters():
            if name in self.parameters:
                self.parameters[name].lerp_(parameter.detach().float(), weight)

    def copy_to(self, module: nn.Module) -> None:
        module.load_state_dict(self.parameters, strict=False)


@torch.no_grad()
def settle_norms(stage: nn.Module, make_batch: MakeBatch, seed: int) -> None:
    """Measure the batch statistics that belong to the averaged weights."""
    norms = [m for m in stage.modules() if isinstance(m, nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over all batches
    device = next(stage.parameters()).device
    for i in range(SETTLING_BATCHES):
        stage(move(make_batch(Draw(seed, SETTLING_STEP + i)), device))


@torch.no_grad()
def mix(trained: nn.Module, first: nn.Module, share: float) -> None:
    """Move `trained` back to `first`, all the way at a `share` of 1, parameter by parameter.

    Between the weights before and after lie some that have most of the gain and lost little of what
    they could (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models").
    """
    for ours, theirs in zip(trained.parameters(), first.parameters(), strict=True):
        ours.lerp_(theirs.to(ours), share)
