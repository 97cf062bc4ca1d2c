"""What an RPC handler raises to answer with a Fault."""

from __future__ import annotations

from cpescript.cwmp.message import ParameterFault


class CwmpFault(Exception):
    """The request cannot be served: fault code 9000 to 9899 (TR-069 A.5.1), and which parameters are bad."""

    def __init__(self, code: int, message: str, parameter_faults: tuple[ParameterFault, ...] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.parameter_faults = parameter_faults
