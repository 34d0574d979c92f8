import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { isSepaText, sepaText } from '#domain/sepa-text.ts'

test('letters that SEPA banks do not take become those that they do', () => {
  expect(sepaText('Müller & Søn, Łódź – “Straße”', 70)).toBe('Muller + Son, Lodz - .Strasse.')
  expect(sepaText('//a//b/', 70)).toBe('a/b')
  expect(isSepaText('Änne B.')).toBe(true)
  expect(isSepaText('王')).toBe(false)
})

test('whatever comes in, what goes out is within the basic set and the length', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 140 }), (text, most) => {
      const out = sepaText(text, most)
      expect(out).toMatch(/^([A-Za-z0-9/\-?:().,'+ ])*$/)
      expect(out.length).toBeLessThanOrEqual(most)
      expect(out).not.toMatch(/^\/|\/\/|\/$/)
    }),
  )
})
