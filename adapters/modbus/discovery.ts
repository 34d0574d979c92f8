import { ModbusException } from './line.ts'
import { models } from './point-map.ts'
import type { ModelMap, ReadRegisters } from './registers.ts'

/** The device is no SunSpec inverter-battery that this driver can steer. */
export class MapRefused extends Error {}

/** Where a SunSpec map may begin (SunSpec device information model specification, 6.2). */
const bases = [40_000, 50_000, 0] as const
const marker = [0x5375, 0x6e53] as const // 'SunS'
const endModel = 0xffff
/** No device is known with as many; a chain that bites its own tail ends here. */
const modelsMax = 60

const needed = [models.common, models.measurement, models.capacity, models.control] as const

/** Finds the map and walks the chain of its models. @throws MapRefused */
export async function discover(read: ReadRegisters): Promise<ModelMap> {
  const map = await walk(read, (await findBase(read)) + marker.length)
  const missing = needed.filter((id) => !map.has(id))
  if (missing.length > 0) {
    const got = [...map.keys()].join(', ')
    throw new MapRefused(`expected the SunSpec models ${missing.join(', ')}, got ${got}`)
  }
  return map
}

async function findBase(read: ReadRegisters): Promise<number> {
  for (const base of bases) {
    const words = await readIfThere(read, base)
    if (words[0] === marker[0] && words[1] === marker[1]) return base
  }
  throw new MapRefused(`expected 'SunS' at register ${bases.join(', ')}, got no SunSpec device`)
}

async function walk(read: ReadRegisters, first: number): Promise<ModelMap> {
  const map = new Map<number, { address: number; length: number }>()
  let address = first
  for (let count = 0; count < modelsMax; count++) {
    const [id = endModel, length = 0] = await read(address, 2)
    if (id === endModel) return map
    // The first of a kind counts; a second one is that of another device behind the same unit.
    if (!map.has(id)) map.set(id, { address, length })
    address += 2 + length
    if (address > 0xffff) break
  }
  throw new MapRefused('its chain of SunSpec models has no end')
}

async function readIfThere(read: ReadRegisters, address: number): Promise<readonly number[]> {
  try {
    return await read(address, marker.length)
  } catch (error) {
    if (error instanceof ModbusException) return [] // no such register: look at the next base
    throw error
  }
}
