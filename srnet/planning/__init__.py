"""What a part of the study would cost before it is computed: steps, tokens, hours and disk."""

from srnet.planning.estimate import Estimate, Lookup

__all__ = [
    "Estimate",
    "Lookup",
]
