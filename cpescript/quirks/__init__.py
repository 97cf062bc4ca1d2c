"""The catalogue of quirks: what devices in the field do that the standard does not say, each a small declared thing."""

from cpescript.quirks.catalogue import Parameter, Quirk, QuirkError, Range, catalogue

__all__ = ["Parameter", "Quirk", "QuirkError", "Range", "catalogue"]
