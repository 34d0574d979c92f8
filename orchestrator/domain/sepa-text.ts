/** Letters that do not fall apart into a letter and a mark. */
const LETTERS: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  Æ: 'AE',
  ø: 'o',
  Ø: 'O',
  œ: 'oe',
  Œ: 'OE',
  ł: 'l',
  Ł: 'L',
  đ: 'd',
  Đ: 'D',
  ð: 'd',
  Ð: 'D',
  þ: 'th',
  Þ: 'Th',
  ı: 'i',
  '&': '+',
  _: '-',
  '’': "'",
  '–': '-',
  '—': '-',
}

/** Nothing but Latin characters that every SEPA bank takes (EPC217-08), accents not counted. */
export function isSepaText(text: string): boolean {
  return Array.from(plain(text)).every(isBasic)
}

/**
 * Text as every SEPA bank takes it: the basic Latin set, no slash at either end and none doubled
 * (EPC230-15, 1.3), at most so many characters. What has no counterpart becomes a full stop.
 */
export function sepaText(text: string, most: number): string {
  const basic = Array.from(plain(text), (letter) => (isBasic(letter) ? letter : '.')).join('')
  const single = basic.replaceAll(/\/{2,}/g, '/').replaceAll(/\s+/g, ' ')
  return single
    .replaceAll(/^[/ ]+/g, '')
    .slice(0, most)
    .replaceAll(/[/ ]+$/g, '')
}

function plain(text: string): string {
  const apart = text.normalize('NFD').replaceAll(/\p{M}/gu, '')
  return Array.from(apart, (letter) => LETTERS[letter] ?? letter).join('')
}

function isBasic(letter: string): boolean {
  return /^[A-Za-z0-9/\-?:().,'+ ]$/.test(letter)
}
