"""Figures that leave the program: one function a kind, drawn by matplotlib."""
