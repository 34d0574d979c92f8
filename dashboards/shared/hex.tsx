import { useState } from 'preact/hooks'
import { shortHex } from '../format.ts'

/** A hash or address: its two ends, all of it when pressed. */
export function Hex({ hex }: { hex: string }) {
  const [isWhole, setIsWhole] = useState(false)
  const title = isWhole ? 'Show less' : 'Show all of it'
  return (
    <button
      type="button"
      class="hex"
      aria-expanded={isWhole}
      title={title}
      onClick={() => setIsWhole(!isWhole)}
    >
      {isWhole ? hex : shortHex(hex)}
    </button>
  )
}
