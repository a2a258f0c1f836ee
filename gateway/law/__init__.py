"""The law, pure: evidence, standing, category, and the decision with its reason.

Standard library only: no clock, no input or output, no randomness.
"""
