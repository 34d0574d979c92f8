import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { holdDataFolder } from '#processes/data-folder.ts'
import { quickTimer, wallTimer } from '../support/wall-timer.ts'

let dataDir: string
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'gridcall-hold-'))
})
afterEach(() => rmSync(dataDir, { recursive: true, force: true }))

/** Looks every 10 ms. */
const hold = () => holdDataFolder({ dataDir, timer: quickTimer(10) })
const note = () => join(dataDir, 'service.json')

/** A process that does nothing, and a note that says it holds the folder. */
function heldByAnother(changes: object): { pid: number; end: () => Promise<void> } {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
  onTestFinished(() => void child.kill('SIGKILL'))
  const holder = { pid: child.pid, startTicks: null, isEnding: false, ...changes }
  writeFileSync(note(), JSON.stringify(holder))
  return {
    pid: Number(child.pid),
    async end() {
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

test('a second service on the same folder is refused at once, and told who holds it', async () => {
  const { pid } = heldByAnother({})
  await expect(hold()).rejects.toThrow(`process ${pid} runs Gridcall on ${dataDir}`)
})

test('a folder that cannot be made is told', async () => {
  const file = join(dataDir, 'a-file')
  writeFileSync(file, '')
  for (const wrong of [file, join(file, 'inside')]) {
    const held = holdDataFolder({ dataDir: wrong, timer: wallTimer })
    await expect(held).rejects.toThrow(/^the data folder cannot be written: E/)
  }
})

test('one that has been told to end is waited for', async () => {
  const held = await hold()
  held.ending()
  expect(JSON.parse(readFileSync(note(), 'utf8'))).toMatchObject({ isEnding: true })
  const first = heldByAnother({ isEnding: true })
  let isHeld = false
  const second = hold().then(() => {
    isHeld = true
  })
  await wallTimer.sleep(100)
  expect(isHeld).toBe(false)
  await first.end()
  await second
  expect(JSON.parse(readFileSync(note(), 'utf8'))).toMatchObject({ pid: process.pid })
})

test('one that was killed holds nothing, nor does another process with its number', async () => {
  const killed = heldByAnother({})
  await killed.end()
  await hold()
  if (process.platform === 'linux') {
    heldByAnother({ startTicks: '1' })
    await hold()
  }
  writeFileSync(note(), '') // cut off by a power failure
  await hold()
  expect(JSON.parse(readFileSync(note(), 'utf8'))).toMatchObject({ pid: process.pid })
})

test('an end after the folder was removed is no error', async () => {
  const held = await hold()
  rmSync(dataDir, { recursive: true })
  held.ending()
})
