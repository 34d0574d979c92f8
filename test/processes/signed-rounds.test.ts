import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openSignedRounds } from '#processes/signed-rounds.ts'

const ID = `0x${'a1'.repeat(32)}` as const
const ONE = `0x${'01'.repeat(32)}` as const
const OTHER = `0x${'02'.repeat(32)}` as const

let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gridcall-signed-'))
  file = join(folder, 'keys', 'verifier-1.signed')
})
afterEach(() => rm(folder, { recursive: true }))

test('a second settlement of one round meets the first, and other rounds are free', async () => {
  const signed = await openSignedRounds(file)
  expect(await signed.keep(ID, 1, ONE)).toBe(ONE)
  expect(await signed.keep(ID, 1, OTHER)).toBe(ONE)
  expect(await signed.keep(ID, 2, OTHER)).toBe(OTHER)
  expect(await signed.keep(OTHER, 1, OTHER)).toBe(OTHER)
})

test('two at once are two: only one of them is kept', async () => {
  const signed = await openSignedRounds(file)
  expect(await Promise.all([signed.keep(ID, 1, ONE), signed.keep(ID, 1, OTHER)])).toEqual([
    ONE,
    ONE,
  ])
  expect((await readFile(file, 'utf8')).trim().split('\n')).toHaveLength(1)
})

test('it is remembered by the next process', async () => {
  await (await openSignedRounds(file)).keep(ID, 1, ONE)
  expect(await (await openSignedRounds(file)).keep(ID, 1, OTHER)).toBe(ONE)
})

test('a line that a crash cut off was never signed: its round is free, and the next line is whole', async () => {
  await (await openSignedRounds(file)).keep(ID, 1, ONE)
  await appendFile(file, `{"requestId":"${ID}","rou`)
  const signed = await openSignedRounds(file)
  expect(await signed.keep(ID, 2, OTHER)).toBe(OTHER)
  expect(await (await openSignedRounds(file)).keep(ID, 2, ONE)).toBe(OTHER)
})

test('a line that somebody spoilt is named, and nothing is signed', async () => {
  await (await openSignedRounds(file)).keep(ID, 1, ONE)
  await appendFile(file, 'nonsense\n')
  await expect(openSignedRounds(file)).rejects.toThrow(`${file}, line 2`)
})
