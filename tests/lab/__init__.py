"""Chapters in a real JupyterLab."""
