import { driverConformance } from './driver-conformance.ts'
import { openOcppRig } from './ocpp-rig.ts'

driverConformance('OCPP 2.1', () => openOcppRig('2.1'))
