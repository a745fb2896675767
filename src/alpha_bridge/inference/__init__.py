"""What the inference arm is good for: inversion, edits, likelihood."""
