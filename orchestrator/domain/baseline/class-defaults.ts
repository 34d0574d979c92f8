/** A device in a situation, the built-in method that suits it, and why. */
export type ClassDefault = {
  readonly deviceClass: string
  readonly method: string
  readonly reason: string
}

/**
 * What to start from. Which method is right for a program is told by a back-test on its own
 * history, not by this list.
 */
export const CLASS_DEFAULTS: readonly ClassDefault[] = [
  {
    deviceClass: 'battery, dispatched by machine, without a schedule of its own',
    method: 'reading-before',
    reason:
      'It does what it was told last: its power right before the window goes on, signed, at its ' +
      'own meter. Where it rests between calls this is the zero baseline.',
  },
  {
    deviceClass: 'battery with a daily schedule',
    method: 'nominated',
    reason: 'Against any other baseline it would be paid for what it does every day anyway.',
  },
  {
    deviceClass: 'charger, managed, nobody told before the window begins',
    method: 'state-based-ev',
    reason:
      'How many cars charge differs more from day to day than when they stop: the fleet’s own ' +
      'meter right before the window knows the level. Open to whoever knows of the window.',
  },
  {
    deviceClass: 'charger, driver or aggregator can know of the window',
    method: 'mean-10-of-10-notified',
    reason:
      'What is read ends with the notification and its effect is capped, so that loading up ' +
      'before the window earns next to nothing.',
  },
  {
    deviceClass: 'charger settled one by one, or with too few others for a fleet',
    method: 'mean-10-of-10',
    reason: 'Without a bias on average; of one charger in one period it still tells very little.',
  },
  {
    deviceClass: 'new device without a history',
    method: 'deemed-profile',
    reason: 'There is nothing of its own to go by; a lower payment factor belongs to it.',
  },
  {
    deviceClass: 'site with load that follows the weather',
    method: 'weather-match-4-of-90',
    reason: 'Days as warm or as cold tell more than the newest days.',
  },
  {
    deviceClass: 'feeder or substation',
    method: 'mean-10-of-10-add-3h',
    reason:
      'Nobody can move a whole feeder before a window; the level of the day is worth reading.',
  },
]
