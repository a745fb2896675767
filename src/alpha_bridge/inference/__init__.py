"""What the inference arm and the ratio are good for: inversion, edits, likelihood, weights."""
