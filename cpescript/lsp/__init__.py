"""The language server: what an editor asks of scenarios, as functions of a text, and the wiring that serves it."""
