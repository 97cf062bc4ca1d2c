"""Moved to `cpescript.results` (the judge fills it, reports render it): import from there."""

from cpescript.results import *  # noqa: F403
