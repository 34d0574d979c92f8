import { inflateSync } from 'node:zlib'

/** The words of a PDF that was made with built-in fonts, one line per piece of text. */
export function pdfText(pdf: Uint8Array): string {
  const bytes = Buffer.from(pdf)
  const lines: string[] = []
  let from = 0
  for (;;) {
    const start = bytes.indexOf('stream\n', from)
    if (start < 0) return lines.join('\n')
    const end = bytes.indexOf('endstream', start)
    const page = inflateSync(bytes.subarray(start + 'stream\n'.length, end)).toString('latin1')
    for (const [, shown = ''] of page.matchAll(/\[([^\]]*)\] TJ/g)) {
      const hex = [...shown.matchAll(/<([0-9a-f]*)>/g)].map(([, digits = '']) => digits).join('')
      lines.push(Buffer.from(hex, 'hex').toString('latin1'))
    }
    from = end + 'endstream'.length
  }
}
