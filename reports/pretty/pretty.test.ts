import { expect, test } from 'vitest'
import { exampleRun } from '../example.ts'
import { pretty } from './pretty.ts'

test('the example run', async () => {
  await expect(pretty(exampleRun(), { width: 100, color: false })).toMatchFileSnapshot('pretty.golden')
})

test('no escape code but our own reaches the terminal', () => {
  expect(pretty(exampleRun(), { width: 100, color: false })).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/)
  const painted = pretty(exampleRun(), { width: 100, color: true })
  expect(painted.replace(/\u001b\[\d+m/g, '')).not.toContain('\u001b')
})
