import { readdir, readFile } from 'node:fs/promises'
import type { Timer } from '#ports.ts'

const LOOK_MS = 2000

/** Watches the sum of the proportional set sizes of processes and all their descendants, MB. */
export function watchMemory(timer: Timer, roots: () => readonly number[]) {
  let peakKb = 0
  const loop = timer.every(LOOK_MS, 'memory', async () => {
    peakKb = Math.max(peakKb, await sumOfPss(roots()))
  })
  return {
    /** null where the system does not tell. */
    async stop(): Promise<number | null> {
      await loop.stop()
      return peakKb === 0 ? null : Math.round(peakKb / 1024)
    },
  }
}

async function sumOfPss(roots: readonly number[]): Promise<number> {
  if (process.platform !== 'linux') return 0
  const children = await childrenByParent()
  const seen = new Set<number>()
  const open = [...roots]
  let total = 0
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    if (seen.has(pid)) continue
    seen.add(pid)
    open.push(...(children.get(pid) ?? []))
    total += await pssOf(pid)
  }
  return total
}

async function pssOf(pid: number): Promise<number> {
  const text = await readText(`/proc/${pid}/smaps_rollup`)
  return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0)
}

async function childrenByParent(): Promise<Map<number, number[]>> {
  const children = new Map<number, number[]>()
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = await readText(`/proc/${name}/stat`)
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
    if (!Number.isInteger(parent)) continue
    children.set(parent, [...(children.get(parent) ?? []), Number(name)])
  }
  return children
}

/** Empty for a process that is gone meanwhile, or is somebody else's. */
async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch {
    return ''
  }
}
