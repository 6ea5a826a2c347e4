import pico from 'picocolors'
import { plain, plainLine } from '../../reports/plain.ts'
import type { RunEvent } from '../engine/types.ts'
import { formatError } from '../messages/index.ts'
import { type LoadProgress, type Objective, percent, spendingOf } from '../model/index.ts'
import type { Context } from './context.ts'

const redrawEvery = 100
const heartbeatEvery = 30_000

interface TargetProgress {
  probes: number
  done: number
  failures: number
  units: number
  finished: number
  failed: boolean
  /** Traffic that is being sent. */
  load?: { progress: LoadProgress; objectives?: readonly Objective[] }
}

export interface Progress {
  event(event: RunEvent): void
  close(): void
}

/** Shows a run on stderr: a live line per target on a terminal, lines that stay elsewhere. */
export function showProgress(context: Context): Progress {
  return context.terminal.err && !context.env.CI ? liveProgress(context) : plainProgress(context)
}

/** What each target has come to so far, a fold of the events. */
function tally() {
  const targets = new Map<string, TargetProgress>()
  const of = (name: string): TargetProgress => {
    const known = targets.get(name) ?? { probes: 0, done: 0, failures: 0, units: 0, finished: 0, failed: false }
    targets.set(name, known)
    return known
  }
  const take = (event: RunEvent) => {
    if (event.type === 'run-started') for (const name of event.targets) of(name)
    if (event.type === 'unit-started') {
      of(event.target).probes += event.probes
      of(event.target).units += 1
    }
    if (event.type === 'probe-finished') {
      of(event.target).done += 1
      of(event.target).load = undefined
    }
    if (event.type === 'load-progress') of(event.target).load = event
    if (event.type === 'unit-finished') of(event.target).finished += 1
    if (event.type === 'target-failed') of(event.target).failed = true
    if (event.type === 'finding' && event.finding.outcome === 'fail') of(event.finding.target).failures += 1
  }
  return { targets, take }
}

/** `12/20 s of agents: 50/s, p99 41 ms of 500, 0 bad, 3 % of the budget`. */
export function loadLine({ at, of, flows, count, bad, p99, series, counted }: LoadProgress, objectives: readonly Objective[] = []): string {
  // Only the time of an objective about this percentile is one to compare it with.
  const wanted = objectives.find(({ within, target, method }) => within !== undefined && target === 0.99 && series[method] !== undefined)
  const spent = spentOf(series, objectives, counted)
  return [
    `${Math.min(at, Math.round(of))}/${Math.round(of)} s of ${flows.map(plainLine).join(', ') || 'load'}: ${count}/s`,
    `p99 ${Math.round(wanted ? series[wanted.method]!.p99 : p99)} ms${wanted ? ` of ${Math.round(wanted.within!)}` : ''}`,
    `${bad} bad`,
    ...(spent === undefined ? [] : [`${percent(spent)} of the budget`]),
  ].join(', ')
}

/** The share of the budget of the whole traffic that is spent so far, of the objective that has spent most. */
function spentOf(series: LoadProgress['series'], objectives: readonly Objective[], counted: number): number | undefined {
  const shares = objectives.flatMap((objective) => {
    const soFar = series[objective.method]
    if (soFar === undefined) return []
    const { missed, allowed } = spendingOf(objective, soFar)
    return missed === 0 ? 0 : (missed / allowed) * counted
  })
  return shares.length === 0 ? undefined : Math.max(...shares)
}

const lineOf = (name: string, { probes, done, failures, units, failed, load }: TargetProgress): string =>
  failed
    ? `${plainLine(name)}  not judged`
    : units === 0
      ? `${plainLine(name)}  connecting`
      : `${plainLine(name)}  ${done}/${probes} probes  ${failures === 0 ? 'no failures so far' : `${failures} failures so far`}${load ? `  ${loadLine(load.progress, load.objectives)}` : ''}`

function failureOf(event: RunEvent, context: Context): string | undefined {
  const colors = pico.createColors(context.color.err)
  if (event.type === 'target-failed') return plain(formatError(event.error))
  if (event.type !== 'finding' || event.finding.outcome !== 'fail') return undefined
  const { check, target, revision, reason } = event.finding
  return `${colors.red('FAIL')} ${plainLine(`${check} ${target} at ${revision}: ${reason ?? ''}`)}`
}

function plainProgress(context: Context): Progress {
  const { targets, take } = tally()
  const beat = setInterval(() => {
    for (const [name, state] of targets) context.err(`… ${lineOf(name, state)}\n`)
  }, heartbeatEvery)
  beat.unref()
  return {
    event: (event) => {
      take(event)
      const failure = failureOf(event, context)
      if (failure) context.err(`${failure}\n`)
      if (event.type === 'unit-finished')
        context.err(`${plainLine(event.target)} at ${event.revision}: done in ${(event.took / 1000).toFixed(1)} s\n`)
    },
    close: () => clearInterval(beat),
  }
}

function liveProgress(context: Context): Progress {
  const { targets, take } = tally()
  let drawn = 0
  let shown = ''
  const clear = () => {
    if (drawn > 0) context.err(`\u001b[${drawn}A\u001b[0J`)
    drawn = 0
  }
  const draw = () => {
    const lines = [...targets].map(([name, state]) => lineOf(name, state).slice(0, context.terminal.width - 1))
    const text = lines.map((line) => `${line}\n`).join('')
    if (text === shown && drawn > 0) return
    clear()
    context.err(text)
    shown = text
    drawn = lines.length
  }
  const timer = setInterval(draw, redrawEvery)
  timer.unref()
  return {
    event: (event) => {
      take(event)
      const failure = failureOf(event, context)
      if (!failure) return
      clear()
      context.err(`${failure}\n`)
      draw()
    },
    close: () => {
      clearInterval(timer)
      clear()
    },
  }
}
