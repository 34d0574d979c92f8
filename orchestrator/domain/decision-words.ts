import type { DecisionCode } from './decision.ts'
import { PASSED_OVER_WORDS } from './passed-over-words.ts'

/** What a decision comes to. */
export type Outcome = 'selected' | 'cut' | 'stands-in' | 'released' | 'skipped'
export const OUTCOMES = [
  'selected',
  'cut',
  'stands-in',
  'released',
  'skipped',
] as const satisfies readonly Outcome[]

export type DecisionWords = {
  readonly outcome: Outcome
  /** For the device's owner: plain words, nothing of others. */
  readonly owner: string
  /** For the DSO and the aggregator. */
  readonly grid: string
}

const TAKEN = {
  selected: {
    outcome: 'selected',
    owner: 'Your device was chosen: it is part of the cheapest way to give what the grid needs.',
    grid: 'Ordered: part of the cheapest way to give what was promised.',
  },
  cut: {
    outcome: 'cut',
    owner: 'Your device was chosen for a part of what it can give: no more was needed of it.',
    grid: 'Ordered with less than it could give: no more was needed of it.',
  },
  'ended-early': {
    outcome: 'cut',
    owner: 'The grid operator ended the call early; what your device gave until then counts.',
    grid: 'Cut short: the call was cancelled inside its window.',
  },
  'ended-by-stop': {
    outcome: 'cut',
    owner: 'An emergency stop ended the call; what your device gave until then counts.',
    grid: 'Cut short: an emergency stop ended the call inside its window.',
  },
  'held-at-minimum': {
    outcome: 'cut',
    owner: 'Your charger stayed at its lowest power, as it does not pause; what it gave counts.',
    grid: 'Does not go to 0: held at its minimum, the rest ordered from others as far as possible.',
  },
  'taken-from-reserve': {
    outcome: 'stands-in',
    owner: 'Your device was called in from reserve, because less came than was ordered.',
    grid: 'Taken from reserve inside the window, because less came than was ordered.',
  },
  'stood-in': {
    outcome: 'stands-in',
    owner: 'Your device was called in from reserve and gave what another one had not given.',
    grid: 'Taken from reserve inside the window, and measured to do its part.',
  },
  raised: {
    outcome: 'selected',
    owner:
      'Your device was asked for more than at first, within what you allow, because others gave ' +
      'less; it is paid for what it gives of that, too.',
    grid: 'Ordered, and raised inside the window, because less came than was ordered.',
  },
  'released-not-obeying': {
    outcome: 'released',
    owner: 'Your device was let go: by its meter it did not do what was asked of it.',
    grid: 'Released: it accepted its setpoint, and by its meter did not follow it.',
  },
  'released-silent': {
    outcome: 'released',
    owner: 'Your device was let go: nothing was heard of it, so nobody could tell what it did.',
    grid: 'Released: it did not answer its setpoint, or stopped reporting.',
  },
  'released-refused': {
    outcome: 'released',
    owner: 'Your device was let go: it refused what was asked of it.',
    grid: 'Released: it refused its setpoint.',
  },
  'released-implausible': {
    outcome: 'released',
    owner: 'Your device was let go: the power it told did not agree with its own meter or charge.',
    grid: 'Released: it told a power that its own register or charge contradicts.',
  },
  overridden: {
    outcome: 'released',
    owner: 'Your device was let go: its driver asked for full power, and the driver comes first.',
    grid: 'Released: its driver asked for full power.',
  },
  'taken-back': {
    outcome: 'released',
    owner: 'Your device was let go: you took it out of calls, and you come first.',
    grid: 'Released: its owner took it out of calls.',
  },
  'owner-limit': {
    outcome: 'released',
    owner:
      'Your device was let go: what you allow ended its part; what it gave in the periods before counts.',
    grid: 'Released: its owner allows no more.',
  },
} as const satisfies Partial<Record<DecisionCode, DecisionWords>>

const SKIPPED = {
  'price-above-cap': {
    outcome: 'skipped',
    owner: 'Your device was left out: it asks more per kWh than the grid operator pays at most.',
    grid: 'Asks for more than the price cap.',
  },
  'not-offered': {
    outcome: 'skipped',
    owner: 'Your device was left out: it is not on offer at that time or for that purpose.',
    grid: 'Not on offer in this window or direction.',
  },
  'not-connected': {
    outcome: 'skipped',
    owner: 'Your device was left out: nothing new was heard of it when the choice was made.',
    grid: 'Not connected: no fresh reading as the gate closed.',
  },
  'no-capability': {
    outcome: 'skipped',
    owner: 'Your device was left out: it had nothing to give at that time.',
    grid: 'Has nothing to give in this window.',
  },
  'already-promised': {
    outcome: 'skipped',
    owner: 'Your device was left out: it was promised to another call at that time.',
    grid: 'Promised to another call.',
  },
  'no-baseline': {
    outcome: 'skipped',
    owner: 'Your device was left out: its readings do not tell what it would use without a call.',
    grid: 'No baseline can be made.',
  },
  departure: {
    outcome: 'skipped',
    owner:
      'Your car was left out so that it is charged when it leaves; where nobody told when that ' +
      'is, it is not slowed down at all.',
    grid: 'Its driver would leave short, or nobody told when the car must be ready.',
  },
  'driver-override': {
    outcome: 'skipped',
    owner: 'Your device was left out: its driver had asked for full power.',
    grid: 'Its driver had asked for full power.',
  },
  'kept-by-owner': {
    outcome: 'skipped',
    owner: 'Your device was left out: you had taken it out of calls.',
    grid: 'Its owner had taken it out of calls.',
  },
  'no-consent': {
    outcome: 'skipped',
    owner: 'Your device was left out: the consent that it is told anything has been withdrawn.',
    grid: 'The consent that it is told anything has been withdrawn.',
  },
  'limited-elsewhere': {
    outcome: 'skipped',
    owner: 'Your device was left out: somebody else limits its power, and nothing is left to give.',
    grid: 'A limit that somebody else set leaves nothing to give.',
  },
  'notice-too-short': {
    outcome: 'skipped',
    owner:
      'Your device was left out: its offer wants to know of a call earlier than this one told.',
    grid: 'Its offer needs a longer notice.',
  },
  'calls-per-day': {
    outcome: 'skipped',
    owner: 'Your device was left out: it has as many calls that day as its offer allows.',
    grid: 'Has as many calls that day as its offer allows.',
  },
  resting: {
    outcome: 'skipped',
    owner: 'Your device was left out: its offer wants a longer rest between two calls.',
    grid: 'Rests between two calls.',
  },
  'part-refused': {
    outcome: 'skipped',
    owner: 'Your device was left out: less was needed than its offer gives at least.',
    grid: 'Gives no part as small as was left to order.',
  },
  'would-congest': {
    outcome: 'skipped',
    owner:
      'Your device was left out: moving it would bring another line to its limit, now or later.',
    grid: 'Would congest the grid elsewhere, or right after the call.',
  },
  'no-effect': {
    outcome: 'skipped',
    owner: 'Your device was left out: at its place it does nothing for the line that is short.',
    grid: 'Does not lie behind the branch that is short.',
  },
  'not-needed': {
    outcome: 'skipped',
    owner: 'Your device was not needed: the others gave what was promised, at the least cost.',
    grid: 'Not needed: the others cover what was promised at the least cost. In reserve.',
  },
  'control-group': {
    outcome: 'skipped',
    owner:
      'Your device was left alone on purpose, chosen by lot: such devices show whether others ' +
      'are compared with the right figures.',
    grid: 'Held out of this call, so that baselines can be judged.',
  },
  'not-responding': {
    outcome: 'skipped',
    owner: 'Your device was left out: it did not answer.',
    grid: 'Did not respond.',
  },
  'call-cancelled': {
    outcome: 'skipped',
    owner: 'Nothing was asked of your device: the grid operator took its request back.',
    grid: 'Not called: the call was cancelled before its window.',
  },
  'call-expired': {
    outcome: 'skipped',
    owner: 'Nothing was asked of your device: the offer was not taken up in time.',
    grid: 'Not called: no escrow was locked before the window.',
  },
  'call-refunded': {
    outcome: 'skipped',
    owner: 'Nothing was asked of your device: the call could not be carried out.',
    grid: 'Not called: the call was never dispatched, and the DSO was refunded.',
  },
} as const satisfies Partial<Record<DecisionCode, DecisionWords>>

/** One sentence for the owner and one for the grid's side; a code without them does not compile. */
export const DECISION_WORDS: Readonly<Record<DecisionCode, DecisionWords>> = {
  ...TAKEN,
  ...SKIPPED,
  ...PASSED_OVER_WORDS,
}

/** Every code. */
export const DECISION_CODES = Object.keys(DECISION_WORDS) as [DecisionCode, ...DecisionCode[]]
