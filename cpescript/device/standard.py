"""What the standard data models say about single parameters: the only standard paths that this room knows.

Everything is relative to the root object and holds only where a profile has the parameter (TR-181 and TR-098 XML:
`forcedInform`, `activeNotify`).
"""

from __future__ import annotations

import re

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
LIGHTWEIGHT = "LightweightNotificationProtocolsUsed"
"""Without it a device knows no notifications 3 to 6."""
LIGHTWEIGHT_SUPPORTED = "LightweightNotificationProtocolsSupported"
CONNECTION_REQUEST_URL = "ConnectionRequestURL"

_HIDDEN_BELOW_DEVICE = (
    "ManagementServer.Password",
    "ManagementServer.ConnectionRequestPassword",
    "ManagementServer.STUNPassword",
    "Cellular.Interface.{i}.USIM.PIN",
    "Cellular.AccessPoint.{i}.Password",
    "MoCA.Interface.{i}.KeyPassphrase",
    "HomePlug.Interface.{i}.NetworkPassword",
    "UPA.Interface.{i}.EncryptionKey",
    "WiFi.AccessPoint.{i}.Security.WEPKey",
    "WiFi.AccessPoint.{i}.Security.PreSharedKey",
    "WiFi.AccessPoint.{i}.Security.KeyPassphrase",
    "WiFi.AccessPoint.{i}.Security.SAEPassphrase",
    "WiFi.AccessPoint.{i}.Security.RadiusSecret",
    "WiFi.AccessPoint.{i}.Security.SecondaryRadiusSecret",
    "WiFi.AccessPoint.{i}.WPS.PIN",
    "WiFi.AccessPoint.{i}.Accounting.Secret",
    "WiFi.AccessPoint.{i}.Accounting.SecondarySecret",
    "WiFi.EndPoint.{i}.Profile.{i}.Security.WEPKey",
    "WiFi.EndPoint.{i}.Profile.{i}.Security.PreSharedKey",
    "WiFi.EndPoint.{i}.Profile.{i}.Security.KeyPassphrase",
    "WiFi.EndPoint.{i}.Profile.{i}.Security.SAEPassphrase",
    "WiFi.EndPoint.{i}.WPS.PIN",
    "PPP.Interface.{i}.Password",
    "Routing.Babel.MACKeySet.{i}.MACKey.{i}.KeyValue",
    "Routing.Babel.DTLSCertSet.{i}.DTLSCert.{i}.CertPrivateKey",
    "LANConfigSecurity.ConfigPassword",
    "IEEE8021x.Supplicant.{i}.EAPMD5.SharedSecret",
    "Users.User.{i}.Password",
    "FAP.GPS.AGPSServerConfig.Password",
    "FAP.PerfMgmt.Config.{i}.Password",
    "BulkData.Profile.{i}.FileTransferPassword",
    "BulkData.Profile.{i}.HTTP.Password",
    "XMPP.Connection.{i}.Password",
    "IEEE1905.AL.Security.Password",
    "MQTT.Client.{i}.Password",
    "MQTT.Broker.{i}.Password",
    "MQTT.Broker.{i}.Bridge.{i}.Password",
    "DynamicDNS.Client.{i}.Password",
    "PacketCaptureDiagnostics.Password",
    "USPAgent.ControllerTrust.Challenge.{i}.Value",
    "STOMP.Connection.{i}.Password",
    # TR-104: the credentials of a voice line.
    "Services.VoiceService.{i}.SIP.Client.{i}.AuthPassword",
    "Services.VoiceService.{i}.VoiceProfile.{i}.Line.{i}.SIP.AuthPassword",
)
_HIDDEN_BELOW_GATEWAY = (
    "ManagementServer.Password",
    "ManagementServer.ConnectionRequestPassword",
    "ManagementServer.STUNPassword",
    "LANConfigSecurity.ConfigPassword",
    "LANDevice.{i}.WLANConfiguration.{i}.KeyPassphrase",
    "LANDevice.{i}.WLANConfiguration.{i}.WEPKey.{i}.WEPKey",
    "LANDevice.{i}.WLANConfiguration.{i}.PreSharedKey.{i}.PreSharedKey",
    "LANDevice.{i}.WLANConfiguration.{i}.PreSharedKey.{i}.KeyPassphrase",
    "LANDevice.{i}.WLANConfiguration.{i}.WPS.DevicePassword",
    "WANDevice.{i}.WANConnectionDevice.{i}.WANPPPConnection.{i}.Password",
    "User.{i}.Password",
    "FAP.GPS.AGPSServerConfig.Password",
    "FAP.PerfMgmt.Config.{i}.Password",
    "BulkData.Profile.{i}.FileTransferPassword",
    "XMPP.Connection.{i}.Password",
    "Services.VoiceService.{i}.VoiceProfile.{i}.Line.{i}.SIP.AuthPassword",
)
HIDDEN: dict[str, frozenset[str]] = {
    "Device.": frozenset(_HIDDEN_BELOW_DEVICE),
    "InternetGatewayDevice.": frozenset(_HIDDEN_BELOW_GATEWAY),
}
"""Parameters that an ACS may write and always reads as empty (`hidden="true"`), by root object."""

_INSTANCE = re.compile(r"\.\d+(?=\.)")


def generic(path: str) -> str:
    """Return a path as the data models write it: `{i}` for every instance number."""
    return _INSTANCE.sub(".{i}", path)
