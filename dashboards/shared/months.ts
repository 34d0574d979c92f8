/** The month of an instant and those before it, newest first, as YYYY-MM by local time. */
export function monthsBefore(atMs: number, timeZone: string, count: number): string[] {
  const parts = new Intl.DateTimeFormat('en', { timeZone, year: 'numeric', month: '2-digit' })
    .formatToParts(atMs)
    .reduce<Record<string, string>>((all, { type, value }) => ({ ...all, [type]: value }), {})
  const last = Number(parts.year) * 12 + Number(parts.month) - 1
  return Array.from({ length: count }, (_, back) => {
    const month = last - back
    return `${Math.floor(month / 12)}-${String((month % 12) + 1).padStart(2, '0')}`
  })
}
