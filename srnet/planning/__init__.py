"""What a part of the study would cost: steps, tokens, hours and disk."""
