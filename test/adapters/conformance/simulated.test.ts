import { driverConformance } from './driver-conformance.ts'
import { openSimulatedRig } from './simulated-rig.ts'

driverConformance('simulated', openSimulatedRig)
