"""Eyexam: what bounds a layer, step by step, and what would help."""
