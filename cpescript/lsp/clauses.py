"""Where the standard speaks of a message or a parameter: what a hover adds for who wants to read on."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "GetRPCMethods": "A.3.1.1",
    "SetParameterValues": "A.3.2.1",
    "GetParameterValues": "A.3.2.2",
    "GetParameterNames": "A.3.2.3",
    "SetParameterAttributes": "A.3.2.4",
    "GetParameterAttributes": "A.3.2.5",
    "AddObject": "A.3.2.6",
    "DeleteObject": "A.3.2.7",
    "Download": "A.3.2.8",
    "Reboot": "A.3.2.9",
    "Inform": "A.3.3.1",
    "TransferComplete": "A.3.3.2",
    "AutonomousTransferComplete": "A.3.3.3",
    "GetQueuedTransfers": "A.4.1.1",
    "ScheduleInform": "A.4.1.2",
    "SetVouchers": "A.4.1.3",
    "GetOptions": "A.4.1.4",
    "Upload": "A.4.1.5",
    "FactoryReset": "A.4.1.6",
    "GetAllQueuedTransfers": "A.4.1.7",
    "ScheduleDownload": "A.4.1.8",
    "CancelTransfer": "A.4.1.9",
    "ChangeDUState": "A.4.1.10",
    "Kicked": "A.4.2.1",
    "RequestDownload": "A.4.2.2",
    "DUStateChangeComplete": "A.4.2.3",
    "AutonomousDUStateChangeComplete": "A.4.2.4",
    "Fault": "A.5",
}
"""RPC to the clause of TR-069 Amendment 6 that defines it; a response stands with its call."""

PARAMETERS: tuple[tuple[str, str], ...] = (
    ("ManagementServer.CWMPRetry", "TR-069, 3.2.1.1 (session retry)"),
    ("ManagementServer.PeriodicInform", "TR-069, 3.2.1 (when a device opens a session)"),
    ("ManagementServer.ConnectionRequest", "TR-069, 3.2.2 (connection request)"),
    ("ManagementServer.UDPConnectionRequest", "TR-069, Annex G (connection request through NAT)"),
    ("ManagementServer.STUN", "TR-069, Annex G (connection request through NAT)"),
    ("ManagementServer.NATDetected", "TR-069, Annex G (connection request through NAT)"),
    ("ManagementServer.ConnReqXMPP", "TR-069, Annex K (connection request by XMPP)"),
    ("ManagementServer.ConnReqJabber", "TR-069, Annex K (connection request by XMPP)"),
    ("ManagementServer.ParameterKey", "TR-069, A.3.2.1 (ParameterKey)"),
    ("ManagementServer.InstanceMode", "TR-069, A.2.2.2 (aliases)"),
    ("ManagementServer.AliasBasedAddressing", "TR-069, A.2.2.2 (aliases)"),
    ("SoftwareModules.", "TR-157, Annex A (software modules)"),
)
"""How a path begins behind its root, to where the standard says what it is for; first fit."""


def of_message(kind: str) -> str:
    """Return the clause of a message, empty where none is known."""
    clause = MESSAGES.get(kind.removesuffix("Response"), "")
    return f"TR-069, {clause}" if clause else ""


def of_parameter(path: str) -> str:
    """Return where the standard speaks of a parameter, empty where that is its data model alone."""
    behind = path.partition(".")[2]
    return next((text for start, text in PARAMETERS if behind.startswith(start)), "")
