"""Eyexam: bounds, stalls, reuse, changes."""
