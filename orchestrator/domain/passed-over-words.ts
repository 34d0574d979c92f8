import type { DecisionWords } from './decision-words.ts'
import type { PassedOverReason } from './passed-over.ts'

/** Sentences for who could have helped inside the window, and was not asked. */
export const PASSED_OVER_WORDS = {
  'passed-dwell': {
    outcome: 'skipped',
    owner:
      'Your device was not asked for more: it had been told something new just before, and is ' +
      'then left alone for a while.',
    grid: 'Passed over inside the window: it had not kept what it was told for its dwell time.',
  },
  'passed-not-shown': {
    outcome: 'skipped',
    owner:
      'Your device was not asked for more: its meter did not show that it gave all that it had ' +
      'been asked for.',
    grid: 'Passed over inside the window: not measured to do all that it was told.',
  },
  'passed-on-time': {
    outcome: 'skipped',
    owner:
      'Your device was not called in: by its offer it goes on for longer, once it begins, than ' +
      'there was time left.',
    grid: 'Passed over inside the window: its least time on reaches beyond the end.',
  },
  'passed-price-cap': {
    outcome: 'skipped',
    owner: 'Your device was not called in: it asks more per kWh than this call pays at most.',
    grid: 'Passed over inside the window: it asks for more than the price cap.',
  },
  'passed-driver-override': {
    outcome: 'skipped',
    owner: 'Your device was not called in: its driver had asked for full power by then.',
    grid: 'Passed over inside the window: its driver asked for full power.',
  },
  'passed-kept-by-owner': {
    outcome: 'skipped',
    owner: 'Your device was not called in: you had taken it out of calls by then.',
    grid: 'Passed over inside the window: its owner had taken it out of calls.',
  },
  'passed-no-consent': {
    outcome: 'skipped',
    owner: 'Your device was not called in: the consent for it had been withdrawn by then.',
    grid: 'Passed over inside the window: the consent that it is told anything was withdrawn.',
  },
  'passed-limited-elsewhere': {
    outcome: 'skipped',
    owner: 'Your device was not called in: somebody else limited its power by then.',
    grid: 'Passed over inside the window: a limit that somebody else set left nothing to give.',
  },
  'passed-not-connected': {
    outcome: 'skipped',
    owner: 'Your device was not called in: nothing new was heard of it when others fell short.',
    grid: 'Passed over inside the window: no fresh reading.',
  },
  'passed-no-baseline': {
    outcome: 'skipped',
    owner:
      'Your device was not called in: its readings do not tell what it uses without being asked.',
    grid: 'Passed over inside the window: no baseline can be made.',
  },
  'passed-departure': {
    outcome: 'skipped',
    owner: 'Your car was not called in so that it is charged when it leaves.',
    grid: 'Passed over inside the window: its driver would leave short.',
  },
  'passed-no-capability': {
    outcome: 'skipped',
    owner: 'Your device was not called in: by then it had nothing to give.',
    grid: 'Passed over inside the window: it had nothing to give by then.',
  },
  'passed-already-promised': {
    outcome: 'skipped',
    owner: 'Your device was not called in: it was promised to another call by then.',
    grid: 'Passed over inside the window: promised to another call.',
  },
  'passed-notice-too-short': {
    outcome: 'skipped',
    owner: 'Your device was not called in: its offer wants to know of a call beforehand.',
    grid: 'Passed over inside the window: its offer needs notice, and there is none by then.',
  },
  'passed-calls-per-day': {
    outcome: 'skipped',
    owner: 'Your device was not called in: it had as many calls that day as its offer allows.',
    grid: 'Passed over inside the window: it had as many calls that day as its offer allows.',
  },
  'passed-resting': {
    outcome: 'skipped',
    owner: 'Your device was not called in: its offer wants a longer rest around another call.',
    grid: 'Passed over inside the window: it rests before or after another call.',
  },
} as const satisfies Record<`passed-${PassedOverReason}`, DecisionWords>
