import { driverConformance } from './driver-conformance.ts'
import { openOpcuaRig } from './opcua-rig.ts'

driverConformance('OPC UA', openOpcuaRig)
