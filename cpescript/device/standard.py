"""What the standard data models say about single parameters: the only standard paths that this room knows.

Everything is relative to the root object and holds only where a profile has the parameter (TR-181 and TR-098 XML:
`forcedInform`, `activeNotify`).
"""

from __future__ import annotations

FORCED_INFORM: dict[str, tuple[str, ...]] = {
    "Device.": (
        "RootDataModelVersion",
        "DeviceInfo.HardwareVersion",
        "DeviceInfo.SoftwareVersion",
        "DeviceInfo.ProvisioningCode",
        "ManagementServer.ParameterKey",
        "ManagementServer.ConnectionRequestURL",
        "ManagementServer.AliasBasedAddressing",
    ),
    "InternetGatewayDevice.": (
        "DeviceSummary",
        "DeviceInfo.SpecVersion",
        "DeviceInfo.HardwareVersion",
        "DeviceInfo.SoftwareVersion",
        "DeviceInfo.ProvisioningCode",
        "ManagementServer.ConnectionRequestURL",
        "ManagementServer.ParameterKey",
        "ManagementServer.AliasBasedAddressing",
    ),
}
"""Parameters that every Inform carries, by root object (`forcedInform`)."""

DEFAULT_CONNECTION = {
    "InternetGatewayDevice.": (
        "Layer3Forwarding.DefaultConnectionService",
        ("WANDevice", "WANConnectionDevice", ("WANIPConnection", "WANPPPConnection")),
        "ExternalIPAddress",
    ),
}
"""TR-098 also forces the external address of the default WAN connection: which parameter names that connection, how
connections are reached where it names none, and the leaf."""

FORCED_ACTIVE = ("DeviceInfo.SoftwareVersion", "DeviceInfo.ProvisioningCode")
"""Parameters with Active notification that no ACS can change (`activeNotify="forceEnabled"`)."""

DEFAULT_ACTIVE = ("ManagementServer.ConnectionRequestURL", "ManagementServer.ConnReqJabberID")
"""Parameters whose notification is Active until an ACS changes it (`activeNotify="forceDefaultEnabled"`)."""

MANAGEMENT_SERVER = "ManagementServer."
ACS_URL = "URL"
CONNECTION_REQUEST_URL = "ConnectionRequestURL"
