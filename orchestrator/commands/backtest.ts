import { backtestBaselines } from './backtest/baselines.ts'

const HELP = `gridcall backtest baselines (--sessions | --feeder | --meter) FILE [options]

Every baseline method on working days on which nothing was dispatched: what it says the load would
have been, against what was metered. RRMSE and bias are % of the mean load.

  --sessions FILE      charging sessions of a fleet: charging_from, charging_until, energy_kwh
  --feeder FILE        half-hours of a substation: timestamp, gt1_mw, gt2_mw
  --meter FILE         one meter: at (start of an interval), wh (whole Wh, + is consumption)
  --may-export         the meter may have negative energy
  --resolution 15|30   minutes of an interval (30)
  --window HH:MM-HH:MM local; may be repeated, figures are asked of the first
  --time-zone NAME     of the wall's clock (America/Los_Angeles for sessions, else Europe/London)
  --holiday DATE       counts as a Sunday; DATE..DATE for several; may be repeated
  --first-day N        day of the file, from 0, from which on there are windows (46; feeder 15)
  --methods A,B        only these
  --seed N             of the half-hours that are burnt at random (1)
  --svg FILE           a picture of it
  --json               one JSON object: machine, versions, seed, and each figure with what is asked`

/** `gridcall backtest`: measures and reports; the exit code says only that it ran. */
export async function run(args: string[]): Promise<number> {
  const [what, ...rest] = args
  if (what === 'baselines' && !rest.includes('--help') && !rest.includes('-h')) {
    return await backtestBaselines(rest)
  }
  const isHelp = what === '--help' || what === '-h' || what === 'baselines'
  if (!isHelp) process.stderr.write(`gridcall backtest: expected baselines, got ${what ?? '-'}\n\n`)
  process.stdout.write(`${HELP}\n`)
  return isHelp ? 0 : 2
}
