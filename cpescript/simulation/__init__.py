"""One simulated world: the fleet, its clock and its trace, wired to an ACS."""

from cpescript.simulation.answers import Answers
from cpescript.simulation.engine import Simulation, decode_or_none

__all__ = ["Answers", "Simulation", "decode_or_none"]
