"""Outermost layer: the command line, the source files and the sample newsroom."""
