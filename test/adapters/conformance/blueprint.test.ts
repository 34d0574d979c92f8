import { driverConformance } from './driver-conformance.ts'
import { openBlueprintRig } from './blueprint-rig.ts'

driverConformance('blueprint', openBlueprintRig)
