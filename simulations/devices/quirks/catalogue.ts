/**
 * What real charging stations do that they should not, each as a switch. Letter and number are
 * those under which the deviation is known to us: A accepted but ignored or wrong, B rejected
 * although valid, C least current, pause and resume, D messages, E time. The words at the end are
 * switches for what happens to any station.
 */
export const QUIRKS = {
  A1: 'keeps 9 A: an old profile in its memory stands on a higher stack level',
  A2: 'lets 6 A flow under any profile and says that it offers 20 A',
  A3: 'makes 18 A of every limit from 19 A on',
  A4: 'after a pause ignores the next limit and charges without any until the one after it',
  A5: 'accepts a profile with transaction id 0 and does not use it',
  A6: 'lets through something between its limit and its maximum',
  A7: 'starts at 6 A until it has got a profile for the transaction',
  A8: 'needs 30 s until a cleared profile no longer acts',
  A9: 'takes 0 A for no limit; its composite schedule for connector 0 is wrong',
  A10: 'accepts everything and keeps its power',
  B1: 'rejects profiles for the whole station',
  B2: 'rejects all but default profiles, and does not answer Absolute ones at all',
  B3: 'rejects Relative profiles',
  B4: 'takes Relative profiles only',
  B5: 'says stack level 9 and rejects all above 5',
  B6: 'says stack level 3 and takes level 0 only',
  B7: 'rejects every profile: its load balancer is disabled',
  B8: 'says A and W and takes A only',
  B9: 'checks OCPP 2.0.1 against its schemas of 1.6: every profile breaks them',
  B10: 'speaks OCPP 1.6 on a connection that was agreed to be 2.0.1',
  C1: 'charges at 6 A under limits of 1 to 5 A',
  C2: 'goes to 6 A instead of 0',
  C3: 'stays in Finishing after a remote stop and starts no more until unplugged',
  C4: 'its car falls asleep in a pause of a minute and never resumes',
  C5: 'its car draws 7 % less than offered',
  D1: 'says transaction id -1 in meter values and at the end',
  D2: 'loses the start of the transaction; only its end arrives',
  D3: 'sends the start of a transaction and its meter values twice with different message ids',
  D4: 'after a lost line sends its last messages again with their old stamps',
  D5: 'puts a negative number of its own for the transaction into meter values',
  D6: 'answers composite schedules without a period',
  D7: 'reads the meter after the transaction has ended, garbles id tags, cuts settings short',
  D8: 'restarts when its list of measurands is read',
  D9: 'meters in kW per phase, the phases named L1-N, and in kWh',
  D10: 'accepts every measurand and delivers the energy register only',
  D11: 'says Available although a car stands there',
  D12: 'stays away for 6 to 19 min after a lost line, and redials every 10 s after a refusal',
  E1: 'labels local time (an hour ahead) as UTC until it is synchronised',
  E2: 'stamps a status with the time of telling it, a minute late',
  E3: 'stamps everything with 1970 until it is synchronised',
  E5: 'meters on a raster of its own, up to 2 s late, and dates that back',
  E6: 'sends stamps without any offset',
  backlog: 'replays 60 days of hourly meter values after a lost line',
  reordered: 'sends every second meter value after its successor',
  skew: 'its clock is 20 min behind',
  offline: 'loses its line 2 min after a setpoint for an hour and keeps its profile',
  liar: 'its meter tells what was ordered while the car draws all it can',
  contradicts: 'its power tells what was ordered, its register what has flowed',
  priority: 'its driver asks for full power 3 min after a limit (priority charging)',
  external: 'an energy manager limits it to 6 A 3 min after a limit',
  worn: 'its flash is worn out after 8 writes and takes no profile any more',
  sparse: 'tells no register at the start, and meters on a raster of its own only',
  refuses: 'rejects every profile, whatever its form',
} as const

export type QuirkId = keyof typeof QUIRKS

/** Only one protocol can show these. */
export const ONLY_ON: Partial<Record<QuirkId, '1.6' | '2.0.1' | '2.1'>> = {
  A5: '1.6',
  B9: '2.0.1',
  B10: '2.0.1',
  C3: '1.6',
  D1: '1.6',
  D2: '1.6',
  D5: '1.6',
  D7: '1.6',
  priority: '2.1',
  external: '2.1',
}

export function isQuirk(text: string): text is QuirkId {
  return Object.hasOwn(QUIRKS, text)
}
