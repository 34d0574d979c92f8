import { driverConformance } from './driver-conformance.ts'
import { openOcppRig } from './ocpp-rig.ts'

driverConformance('OCPP 1.6', () => openOcppRig('1.6'))
