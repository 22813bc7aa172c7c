"""Proofs of the kernel: what events.md promises, checked on rows while everything breaks."""
