"""Causes -> what each rollout has to answer for, what speaks against calling it clean, and the verdict."""
