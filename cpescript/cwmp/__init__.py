"""CWMP (TR-069): the RPC table, the SOAP codec, and the device's side of the protocol, all without input or output."""
