import { describe, expect, test } from 'vitest'
import type { Measured } from '../../src/engine/types.ts'
import type { LoadResult, Objective } from '../../src/model/index.ts'
import { exampleRun } from '../example.ts'
import { exampleLoads } from './example.ts'
import { html } from './html.ts'

const context = { width: 100, color: false }
const page = (loads?: readonly Measured[]) => html({ ...exampleRun(), loads }, context)

/** Names of elements that have no end. */
const empty = new Set(['!doctype', 'meta', 'br'])

/** Every element with its attributes; throws where elements are not ended in order. */
function elementsOf(text: string): { name: string; attributes: Record<string, string> }[] {
  const open: string[] = []
  const elements = []
  for (const [, end, name, rest = '', itself] of text.matchAll(/<(\/?)([!a-zA-Z0-9]+)((?:[^"<>]|"[^"]*")*?)(\/?)>/g)) {
    if (end === '/') expect(open.pop()).toBe(name)
    else {
      if (itself !== '/' && !empty.has(name!)) open.push(name!)
      const attributes = Object.fromEntries([...rest.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, key, value]) => [key!, value!]))
      elements.push({ name: name!, attributes })
    }
  }
  expect(open).toEqual([])
  return elements
}

/** Without the whole page in the message. */
const holds = (text: string, part: string) => expect(text.includes(part), part).toBe(true)

/** The rows of the table with this caption: a text for each cell, or the number that stands in it. */
function tableOf(text: string, id: string): (string | number)[][] {
  const table = text.split(`<caption id="${id}">`)[1]!.split('</table>')[0]!
  return [...table.split('<tbody>')[1]!.matchAll(/<tr>(.*?)<\/tr>/gs)].map(([, row]) =>
    [...row!.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/gs)].map(([, cell]) => {
      const value = /<data value="([^"]+)">/.exec(cell!)?.[1]
      return value === undefined ? cell! : Number(value)
    }),
  )
}

const numbersOf = (text: string): string[] => [...text.matchAll(/\b(NaN|Infinity|undefined|null|\[object)/g)].map(([found]) => found)

describe.each(Object.entries(exampleLoads()))('%s', (_, load) => {
  const text = page([load])

  test('is well-formed, asks nothing of anyone, and runs nothing', () => {
    const elements = elementsOf(text)
    const names = new Set(elements.map(({ name }) => name))
    for (const name of ['script', 'link', 'img', 'iframe', 'object', 'image', 'use', 'foreignObject', 'base', 'form'])
      expect(names).not.toContain(name)
    const keys = elements.flatMap(({ attributes }) => Object.keys(attributes))
    expect(keys.filter((key) => key === 'src' || key === 'style' || key.startsWith('on'))).toEqual([])
    for (const { attributes } of elements) if (attributes.href) expect(attributes.href).toMatch(/^#load-\d+$/)
    expect(text).not.toMatch(/url\(|@import/)
    const ids = elements.flatMap(({ attributes }) => attributes.id ?? [])
    expect(new Set(ids).size).toBe(ids.length)
    for (const { attributes } of elements) for (const id of attributes['aria-labelledby']?.split(' ') ?? []) expect(ids).toContain(id)
  })

  test('draws only what is a number', () => {
    for (const { name, attributes } of elementsOf(text))
      for (const [key, value] of Object.entries(attributes))
        if (/^(x|y|cx|cy|d|width|height|fill-opacity|value)$/.test(key)) expect(numbersOf(value), `${name} ${key}`).toEqual([])
  })

  test('every number of the tables is that of the data', () => {
    const { flows } = load.result
    expect(tableOf(text, 'load-1-flows').map((row) => row.slice(0, 5))).toEqual(
      Object.entries(flows).map(([name, { arrivals, late }]) => [name, arrivals.due, arrivals.dropped, late.p50, late.p99]),
    )
    const all = seriesOf(load.result)
    if (all.length === 0) return holds(text, 'No request was counted')
    const seen = tableOf(text, 'load-1-series')
    expect(seen.map(([flow, as, ...cells]) => [flow, as, ...cells.filter((cell) => typeof cell === 'number')])).toEqual(
      all.map(({ flow, as, series: { count, good, latency } }) => [flow, as, count, good, ...Object.values(latency)]),
    )
    all.forEach(({ series }, at) => {
      if (series.seconds.length > 60) return
      const rows = tableOf(text, `load-1-${at + 1}-seconds`)
      expect(rows.map((row) => row.filter((cell) => typeof cell === 'number'))).toEqual(
        series.seconds.map(({ count, good, p50, p99 }) => [count, good, p50, p99]),
      )
    })
  })

  test('every request is in the heatmap', () => {
    const drawn = text.split('<svg').filter((svg) => svg.includes('-heat-title"'))
    expect(drawn.map((svg) => sum([...svg.matchAll(/: (\d+) of \d+ requests?<\/title>/g)].map(([, count]) => Number(count))))).toEqual(
      seriesOf(load.result).map(({ series }) => series.count),
    )
  })
})

const seriesOf = ({ flows }: LoadResult) =>
  Object.entries(flows).flatMap(([flow, { series }]) =>
    Object.entries(series)
      .map(([as, each]) => ({ flow, as, series: each }))
      .sort((a, b) => b.series.count - a.series.count),
  )

const sum = (values: number[]): number => values.reduce((all, value) => all + value, 0)

test('objectives are drawn where they are about the method, and their budgets told', () => {
  const { burst, steady } = exampleLoads()
  const cells = tableOf(page([steady!]), 'load-1-series').map((row) => row.at(-1))
  expect(cells[0]).toContain('calls in time p99: 98.8 %, and 99 % is wanted; 125 % of the budget spent')
  expect(cells[1]).toBe('')
  holds(page([steady!]), '99 % within 500 ms')
  expect(page([burst!])).not.toContain('class="wanted"')
})

test('errors and refusals are told apart, and other flows are shaded', () => {
  const text = page([exampleLoads().burst!])
  holds(text, '<path class="refusal"')
  holds(text, '<path class="error"')
  holds(text, '<text class="phase"')
  expect(text).toMatch(/second \d: \d+ requests, \d+ good \(\d+ × HTTP 429/)
})

test('a long run is drawn in columns of some seconds, and says so', () => {
  const text = page([exampleLoads().soak!])
  holds(text, 'p99 and p50 of the requests sent in each 10 seconds, of the worst second')
  holds(text, 'seconds 10 to 19')
  expect(tableOf(text, 'load-1-1-seconds')).toHaveLength(60)
})

test('conditions that are not sound are told', () => {
  const { steady } = exampleLoads()
  const conditions = {
    ...steady!.result.conditions,
    dropped: 3,
    lost: 2,
    cutShort: 'the run was interrupted',
    scriptErrors: ['TypeError: x'],
  }
  const text = page([{ ...steady!, result: { ...steady!.result, conditions } }])
  for (const told of ['3 arrivals, which found', '2 arrivals', 'the run was interrupted', 'TypeError: x']) holds(text, told)
})

test('what a target sends is text, and not for ever', () => {
  const evil = '"><script>alert(1)</script>\u0000\u202e\u001b[31m\' onload=x '
  const { steady } = exampleLoads()
  const { agents } = steady!.result.flows
  const series = agents!.series['tools/call']!
  const [first, ...seconds] = series.seconds
  const ways = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`error ${evil.repeat(at === 0 ? 5_000 : 1)}${at}`, 50 - at]))
  const objective: Objective = { name: evil, sli: 'latency', method: evil, within: 500, target: 0.99 }
  const hostile: Measured = {
    target: evil,
    revision: '2025-11-25',
    probe: evil,
    objectives: [objective],
    result: {
      ...steady!.result,
      generator: { name: 'k6', version: evil },
      flows: {
        [evil]: {
          ...agents!,
          series: { [evil]: { ...series, bad: ways, good: 1, seconds: [{ ...first!, good: 0, bad: ways }, ...seconds] } },
        },
        other: { ...agents!, series: { ping: { ...series, histogram: evil, seconds: series.seconds.slice(2, 4) } } },
      },
    },
  }
  const text = page([hostile])
  const tame = page([{ ...hostile, result: steady!.result }])
  const names = (of: string) => new Set(elementsOf(of).map(({ name }) => name))
  expect([...names(text)].filter((name) => !names(tame).has(name))).toEqual([])
  expect(text).not.toMatch(/<script|[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/)
  holds(text, 'otherwise')
  holds(text, 'The histogram cannot be read')
  expect(text.length).toBeLessThan(400_000)
})

test('a run without traffic is findings and the gate', () => {
  const text = page()
  elementsOf(text)
  holds(text, 'Gate &quot;release&quot; failed')
  holds(text, 'transport/ended-session')
  holds(text, 'no slow tool is configured')
  holds(text, 'accepted by platform until 2026-06-01')
  expect(text).not.toContain('id="load"')
})
