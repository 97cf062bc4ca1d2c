"""The format of policy files: YAML, taken literally. Its tables are what reader and reference page are made of.

A policy file has the keys of the table `SECTIONS["policy"]` at its top level; each section's keys are in that
table too, from which the reader, the "did you mean" and the reference page (`scripts/make_reference.py`) are made, as
are this example and the rules below it:

    extends: default                       # keeps the rules of the default policy, before those of this file
    rules:
      - name: guest network
        when: {event: 1 BOOT, oui: 00D0AA, parameter: {path: .DeviceInfo.SoftwareVersion, is: 2.1.0}}
        repeat: first
        then:
          - set: {.WiFi.SSID.2.SSID: "guest-{serial}", .WiFi.SSID.2.Enable: true}
          - add_object: .NAT.PortMapping.
            set: {Enable: true, ExternalPort: 8080}
    campaigns:
      start_rollout:
        inputs: {version: text}
        firmware: "{version}"
        concurrency: 20
        retries: 2
        retry_after: 10m

Rules:

1. Scalars are texts as written: `2.1.0`, `on` and `007` stay what they are. A value's xsd type follows from its look
   (`true`, `300`, `-1`, `2026-01-01T00:00:00Z`; anything quoted is a string, one with names has the look of what is
   filled in) unless a tag says it: `!int 5`.
2. A path that begins with a dot is below the device's own root, `Device.` or `InternetGatewayDevice.`.
3. `{oui}`, `{product_class}`, `{serial}`, `{secret}` and, in a campaign, its inputs are filled into texts.
4. Hostile files are refused, not read: larger than 1 MiB, nested deeper than 30, or with aliases.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a section: `reader` names how its value is read (a method of `_Reader`)."""

    name: str
    reader: str
    summary: str
    required: bool = False


SECTIONS: Mapping[str, tuple[Key, ...]] = {
    "policy": (
        Key("extends", "extends", "`default`: the rules of the default policy hold too. Without it this file is all"),
        Key("parameter_key", "key32", "the ParameterKey of every change, at most 32 characters (`cpescript`)"),
        Key("session_idle", "idle", "how long an open session may be silent (`30s`, the least that TR-069 allows)"),
        Key("rules", "rules", "what is done at an Inform, in order"),
        Key("campaigns", "campaigns", "named calls, reached by `acs call NAME(inputs)`"),
        Key("authentication", "authentication", "how devices prove who they are"),
        Key("connection_requests", "connection_requests", "how often and how long devices are called"),
    ),
    "rule": (
        Key("name", "text", "how the rule is called in messages"),
        Key("when", "condition", "when it applies; without it at every Inform"),
        Key("repeat", "repeat", "`every` time (where left out), or only the `first` time since the last bootstrap"),
        Key("then", "actions", "what is done, in order", required=True),
    ),
    "condition": (
        Key("event", "events", "an event code of the Inform: `1 BOOT`, `M …`, `X OUI …`; one of several is enough"),
        Key("oui", "texts", "the device's OUI"),
        Key("product_class", "texts", "the device's product class"),
        Key("serial", "pattern", "a regular expression over the whole serial number"),
        Key("tag", "texts", "a tag that a rule gave to the device"),
        Key("parameter_key", "changed", "`changed`: the device reports another ParameterKey than this ACS gave it"),
        Key("parameter", "comparisons", "a comparison, or a list of them, of parameters that the Inform reports"),
    ),
    "comparison": (
        Key("path", "path", "the parameter", required=True),
        Key("is", "text", "equal"),
        Key("is_not", "text", "not equal"),
        Key("below", "number", "a smaller number"),
        Key("above", "number", "a greater number"),
        Key("one_of", "texts", "equal to one of a list"),
        Key("matches", "pattern", "a regular expression over the whole value"),
    ),
    "action": (
        Key("set", "settings", "SetParameterValues: paths with their values, in one message"),
        Key("get", "paths", "GetParameterValues of a path or a list of them"),
        Key("add_object", "object_path", "AddObject; a `set` beside it is for the new instance, paths relative to it"),
        Key("delete_object", "object_path", "DeleteObject"),
        Key("download", "download", "Download"),
        Key("upload", "upload", "Upload"),
        Key("schedule_download", "schedule_download", "ScheduleDownload with one time window"),
        Key("install", "install", "ChangeDUState: a software module is installed"),
        Key("update", "update", "ChangeDUState: one is updated"),
        Key("uninstall", "uninstall", "ChangeDUState: one is uninstalled"),
        Key("reboot", "nothing", "Reboot"),
        Key("factory_reset", "nothing", "FactoryReset"),
        Key("tag", "text", "the ACS tags the device, for conditions"),
        Key("untag", "text", "the ACS takes the tag off"),
    ),
    "download": (
        Key("firmware", "text", "a declared version: its image from the file server"),
        Key("file_type", "text", "such as `3 Vendor Configuration File`, with `url`"),
        Key("url", "url", "where the device fetches it, at most 256 characters"),
    ),
    "schedule_download": (
        Key("firmware", "text", "a declared version: its image from the file server"),
        Key("file_type", "text", "such as `3 Vendor Configuration File`, with `url`"),
        Key("url", "url", "where the device fetches it, at most 256 characters"),
        Key("start", "duration", "when the window opens, from the call (`4h`)", required=True),
        Key("end", "duration", "when it closes, from the call", required=True),
        Key("mode", "window_mode", "`any-time` (where left out), `immediately`, `when-idle` or `confirmation`"),
        Key("retries", "number", "how often the device may try again in it; without it that is its choice"),
    ),
    "install": (
        Key("url", "url", "where the device fetches the app, at most 256 characters", required=True),
        Key("uuid", "text", "the app's UUID; without it the device makes one"),
        Key("execution_env_ref", "text", "the execution environment; without it the device's first"),
    ),
    "update": (
        Key("uuid", "text", "the app's UUID", required=True),
        Key("url", "url", "where the device fetches the new version"),
        Key("version", "text", "the version that it is brought to"),
    ),
    "uninstall": (Key("uuid", "text", "the app's UUID", required=True),),
    "upload": (
        Key("file_type", "text", "such as `1 Vendor Configuration File`", required=True),
        Key("url", "url", "where the device puts it, at most 256 characters", required=True),
    ),
    "campaign": (
        Key("inputs", "inputs", "the names that the call takes, with `text`, `int` or `bool`"),
        Key("firmware", "text", "the version that devices are brought to"),
        Key("file_type", "text", "the Download's FileType (`1 Firmware Upgrade Image`)"),
        Key("then", "actions", "in place of `firmware`: what is done to each device"),
        Key("concurrency", "count", "how many devices at once; without it all"),
        Key("window", "window", "when a device may begin: `4h` from the call, or `02:00-05:00` (UTC)"),
        Key("retries", "number", "further tries after a failed one (`0`)"),
        Key("retry_after", "duration", "how long after a failed try (`10m`)"),
        Key("timeout", "duration", "by when the TransferComplete must have come (`1h`)"),
        Key("verify", "verify", "read after the upgrade and compared (`.DeviceInfo.SoftwareVersion`); `none`: not"),
    ),
    "input": (
        Key("type", "input_type", "`text`, `int` or `bool`", required=True),
        Key("default", "text", "where the call leaves it out"),
    ),
    "authentication": (
        Key("scheme", "scheme", "`none`, `basic` or `digest`", required=True),
        Key("realm", "text", "the realm of the challenge (`cpescript`)"),
        Key("users", "users", "user names with their passwords, good for any device"),
        Key("device", "credentials", "the credentials of each device, good for that one only"),
    ),
    "credentials": (
        Key("username", "text", "such as `{oui}-{serial}`", required=True),
        Key("password", "text", "such as `{secret}`", required=True),
    ),
    "connection_requests": (
        Key("answer_within", "duration", "a request counts when the Inform comes within this (`30s`)"),
        Key("retry_after", "duration", "how long after a failed one it is made again (`30s`)"),
        Key("retries", "number", "how often; after that the order waits for the next session (`3`)"),
        Key("timeout", "duration", "how long the exchange with a device may take (`5s`)"),
    ),
}
"""Every section of a policy file: its keys, how each is read, and what it means."""
