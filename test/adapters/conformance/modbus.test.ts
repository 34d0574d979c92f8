import { driverConformance } from './driver-conformance.ts'
import { openModbusRig } from './modbus-rig.ts'

driverConformance('Modbus/SunSpec', openModbusRig)
