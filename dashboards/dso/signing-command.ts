/** Fetches what is to be signed, signs it with the DSO's own key and sends the signature back. */
export function signingCommand(
  callId: string,
  what: 'authorisation' | 'cancellation',
  sendTo: 'acceptance' | 'cancellation',
): string {
  const call = `${location.origin}/v1/flexibility-calls/${callId}`
  return [
    `curl -sf -H "Authorization: Bearer $KEY" ${call}/${what} |`,
    '  npm run -s gridcall -- dso sign - |',
    '  curl -sf -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \\',
    `    --data-binary @- ${call}/${sendTo}`,
  ].join('\n')
}
