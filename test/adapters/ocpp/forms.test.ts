import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createFormChoice, nameOf, type ProfileForm } from '#adapters/ocpp/forms.ts'

const preferred: ProfileForm = {
  purpose: 'TxProfile',
  kind: 'Absolute',
  unit: 'A',
  stackLevel: 1,
}

function walk(why: 'refused' | 'disobeyed', units: ('A' | 'W')[], from = preferred): string[] {
  const choice = createFormChoice({ preferred: from, units })
  const names = [nameOf(choice.current)]
  for (let next = choice.passOver(choice.current, why); next !== null; ) {
    names.push(nameOf(next))
    next = choice.passOver(next, why)
  }
  return names
}

test('what is taken and not obeyed goes on with unit, kind, purpose, level 0, then two at a time', () => {
  expect(walk('disobeyed', []).slice(0, 8)).toEqual([
    'TxProfile Absolute A level 1',
    'TxProfile Absolute W level 1',
    'TxProfile Relative A level 1',
    'TxDefaultProfile Absolute A level 1',
    'TxProfile Absolute A level 0',
    'TxDefaultProfile Relative A level 1',
    'TxProfile Relative A level 0',
    'TxDefaultProfile Absolute A level 0',
  ])
})

test('after a refusal level 0 comes before what wears out flash', () => {
  expect(walk('refused', []).slice(0, 4)).toEqual([
    'TxProfile Absolute A level 1',
    'TxProfile Absolute A level 0',
    'TxProfile Absolute W level 1',
    'TxProfile Relative A level 1',
  ])
})

test('a unit that the station does not list comes last', () => {
  const names = walk('disobeyed', ['A'])
  expect(names.slice(0, 8).every((name) => name.includes(' A '))).toBe(true)
  expect(names.slice(8).every((name) => name.includes(' W '))).toBe(true)
})

test('Dynamic gives way to the forms of earlier versions', () => {
  const names = walk('disobeyed', [], { ...preferred, kind: 'Dynamic' })
  expect(names[0]).toBe('TxProfile Dynamic A level 1')
  expect(names).toHaveLength(17)
  expect(names[1]).toBe('TxProfile Absolute A level 1')
})

test('every form is tried once, then it begins again with the preferred one', () => {
  fc.assert(
    fc.property(
      fc.record({
        purpose: fc.constantFrom('TxProfile' as const, 'TxDefaultProfile' as const),
        kind: fc.constantFrom('Absolute' as const, 'Relative' as const, 'Dynamic' as const),
        unit: fc.constantFrom('A' as const, 'W' as const),
        stackLevel: fc.constantFrom(0 as const, 1 as const),
      }),
      fc.constantFrom('refused' as const, 'disobeyed' as const),
      fc.subarray(['A' as const, 'W' as const]),
      (form, why, units) => {
        const names = walk(why, units, form)
        expect(new Set(names).size).toBe(names.length)
        const levels = form.stackLevel === 0 ? 1 : 2
        expect(names).toHaveLength(8 * levels + (form.kind === 'Dynamic' ? 1 : 0))
        expect(names[0]).toBe(nameOf(form))
      },
    ),
  )
})

test('a station that names what it does not take is not asked for it again', () => {
  const choice = createFormChoice({ preferred, units: [] })
  expect(choice.passOver({ kind: 'Absolute' }, 'refused')?.kind).toBe('Relative')
  const seen = new Set<string>()
  for (let next: ProfileForm | null = choice.current; next !== null; ) {
    seen.add(next.kind)
    next = choice.passOver(next, 'refused')
  }
  expect([...seen]).toEqual(['Relative'])
})

test('silence is forgotten before the station is given up: it may have been busy', () => {
  const choice = createFormChoice({ preferred, units: [] })
  choice.passOver({ kind: 'Absolute' }, 'silent')
  let next: ProfileForm | null = choice.current
  const kinds: string[] = []
  while (next !== null) {
    kinds.push(next.kind)
    next = choice.passOver(next, 'refused')
  }
  expect(kinds.filter((kind) => kind === 'Relative')).toHaveLength(8)
  expect(kinds.filter((kind) => kind === 'Absolute')).toHaveLength(8)
  expect(choice.current).toEqual(preferred)
})
