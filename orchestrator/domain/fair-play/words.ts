import type { ChallengeCode } from '../challenge.ts'
import type { DisputeCode } from '../dispute.ts'
import type { FindingCode } from './finding.ts'

type Code = FindingCode | DisputeCode | ChallengeCode

const WORDS: Readonly<Record<Code, string>> = {
  challenged: 'the settlement was challenged, and more verifiers have to confirm it',
  'disputed-by-dso': 'the grid operator disputes it',
  'disputed-by-aggregator': 'your aggregator disputes it',
  'disputed-by-owner': 'you dispute it',
  'pre-window-inflation': 'it drew far more than usual in the hours before',
  'baseline-inflation': 'the days that it is compared with lie far above the month before them',
  'stale-baseline': 'the days that it is compared with are too old',
  'repeated-readings': 'its meter told the same figures on two days',
  'cloned-meter': 'its meter moves as another one does',
  'shared-meter': 'its meter is that of another device',
  'register-falls': 'its meter went backwards',
  'habitual-export': 'it feeds in at these hours on other days too',
  'no-consent': "the owner's agreement is missing",
  'load-moved': 'other loads behind the same connection took what it gave',
  'beyond-rating': 'its meter told more than the device can do',
  'soc-mismatch': 'its meter and its state of charge do not agree',
}

/** Why a line is held, in words for its owner; a code of another kind is named as it is. */
export function wordsFor(codes: readonly string[]): string {
  return codes.map((code) => (code in WORDS ? WORDS[code as Code] : code)).join('; ')
}
