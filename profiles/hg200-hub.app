# An app for the HG200: a hub for lamps. What stands here joins the data model where the app is installed.
app:
  name: hub
  version: 1.2.0
  vendor: Hagelund
  description: Speaks to lamps
  executionUnit: hubd

parameters:
  - {path: Device.X_00D0AA_Hub.Enable, type: xsd:boolean, value: "true", writable: true}
  - {path: Device.X_00D0AA_Hub.LampNumberOfEntries, type: xsd:unsignedInt, value: "2"}

objects:
  - path: Device.X_00D0AA_Hub.Lamp
    instances: 2
    parameters:
      - {path: On, type: xsd:boolean, value: "false", writable: true}
      - {path: Power, type: xsd:int, value: "7", generator: {type: drift, interval: 30s, min: 0, max: 12, stepMax: 2}}
