import { backtestBaselines } from './backtest/baselines.ts'
import { backtestPolicy } from './backtest/policy.ts'

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
  --json               one JSON object: machine, versions, seed, and each figure with what is asked

gridcall backtest policy [BUNDLE…] [--call ID [--url URL] [--key KEY]] [options]

Measured calls settled again under other payment policies: what they would have cost, and who would
have been paid what. A bundle in which anything was changed is refused.

  BUNDLE               a file with the evidence of a call
  --call ID            of a service at --url or GRIDCALL_API_URL, with the DSO's key in --key or
                       GRIDCALL_API_KEY; may be repeated
  --policy NAME|FILE   built-in, or JSON as a program takes it: {"paymentPolicy": …}; may be
                       repeated (all that are built in)
  --svg FILE, --json   as above`

/** `gridcall backtest`: measures and reports; the exit code says only that it ran. */
export async function run(args: string[]): Promise<number> {
  const [what, ...rest] = args
  if (what === 'baselines' && !isHelp(rest)) return await backtestBaselines(rest)
  if (what === 'policy' && !isHelp(rest)) return await backtestPolicy(rest)
  const isAsked = what === 'baselines' || what === 'policy' || isHelp(args)
  if (!isAsked) {
    process.stderr.write(
      `gridcall backtest: expected baselines or policy, got ${what ?? 'nothing'}\n\n`,
    )
  }
  process.stdout.write(`${HELP}\n`)
  return isAsked ? 0 : 2
}

function isHelp(args: readonly string[]): boolean {
  return args.includes('--help') || args.includes('-h')
}
