import { writeFile } from 'node:fs/promises'
import { BUILT_IN_METHODS } from '#domain/baseline/methods.ts'
import { machine, versions } from '../bench/machine.ts'
import type { Measurement } from '../bench/measurement.ts'
import { playFair } from './fair-play.ts'
import { type BaselinesOptions, readOptions } from './options.ts'
import { picture } from './picture.ts'
import { describeFairPlay, describeStudies, describeZeroResponse } from './report.ts'
import { accuracyResults, type Bars, fairPlayResults, zeroResults } from './results.ts'
import { best, isStateBased, methodsFor, studyWindow, type WindowStudy } from './study.ts'
import { zeroResponse } from './zero-response.ts'

const BARS: Readonly<Record<BaselinesOptions['source'], Bars>> = {
  sessions: { stateBased: { rrmse: 13, bias: 1, ratio: 0.75 }, zeroResponse: 2 },
  feeder: { bestMethod: { rrmse: 3.5 } },
  meter: {},
}
/** The window that they are asked in. */
const ASKED_WINDOW = { sessions: '10:00-12:00', feeder: '17:00-19:00', meter: '' } as const

/** `gridcall backtest baselines`: every method on days on which nothing was dispatched. */
export async function backtestBaselines(args: string[]): Promise<number> {
  const options = await readOptions(args)
  const methods = methodsFor(options.methods)
  const studies = options.windows.map((window) => studyWindow(options.trial, window, methods))
  const [main] = studies
  if (main === undefined) return 0 // there is always one: the options have a window at least
  const isAsked = main.window.name === ASKED_WINDOW[options.source]
  const bars = isAsked ? BARS[options.source] : {}
  const results = accuracyResults(studies, bars)
  const words = [describeStudies(options, studies)]
  // Payment and fair play are about a fleet that is settled, not about the feeder beside it.
  if (options.source !== 'feeder') {
    const settled = settledResults(options, main, bars)
    results.push(...settled.results)
    words.push(...settled.words)
  }
  if (options.svg !== null) await writeFile(options.svg, draw(options, studies, bars))
  if (options.json) {
    const report = {
      bench: 'backtest baselines',
      machine: machine(),
      versions: versions(['csv-parse', 'temporal-polyfill']),
      seed: options.seed,
      results,
    }
    process.stdout.write(`${JSON.stringify(report)}\n`)
  } else {
    process.stdout.write(words.join('\n'))
  }
  return 0
}

function settledResults(
  options: BaselinesOptions,
  main: WindowStudy,
  bars: Bars,
): { results: Measurement[]; words: string[] } {
  const builtIn = new Set(BUILT_IN_METHODS)
  const paid = main.methods.flatMap((study) => {
    const response = builtIn.has(study.method) ? zeroResponse(study.run.outcomes) : null
    return response === null ? [] : [{ study, response }]
  })
  const ours = best(main.methods.filter(isStateBased))
  const fairPlay = playFair(options.trial, main, builtIn, options.seed)
  const { name } = main.window
  return {
    results: [
      ...paid.flatMap(({ study, response }) =>
        zeroResults(
          study.method.name,
          name,
          response,
          study === ours ? bars.zeroResponse : undefined,
        ),
      ),
      ...fairPlayResults(fairPlay, name),
    ],
    words: [
      describeZeroResponse(
        paid.map(({ study, response }) => [study.method.name, response]),
        name,
      ),
      describeFairPlay(fairPlay),
    ],
  }
}

function draw(options: BaselinesOptions, studies: readonly WindowStudy[], bars: Bars): string {
  const [main, ...others] = studies
  const minutes = options.trial.series.intervalSeconds / 60
  const rows = (main?.methods ?? []).flatMap((study, index) => {
    if (study.accuracy === null) return []
    const beside = others.map(({ methods }) => methods[index]?.accuracy?.rrmsePercent ?? null)
    return [
      {
        name: study.method.name,
        rrmsePercent: study.accuracy.rrmsePercent,
        biasPercent: study.accuracy.biasPercent,
        others: beside.filter((percent) => percent !== null),
        isOwn: isStateBased(study),
      },
    ]
  })
  return picture({
    title: `Baselines on days without a call, ${main?.window.name ?? ''} local`,
    subtitle:
      `${main?.placebos.windows.length ?? 0} working days, intervals of ${minutes} min, ` +
      `${options.trial.timeZone}; % of the mean load; figures: RRMSE / bias`,
    mainWindow: main?.window.name ?? '',
    otherWindows: others.map(({ window }) => window.name),
    barPercent: bars.stateBased?.rrmse ?? bars.bestMethod?.rrmse ?? null,
    rows,
  })
}
