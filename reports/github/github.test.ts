import { expect, test } from 'vitest'
import { exampleRun } from '../example.ts'
import { github, stepSummary } from './github.ts'

const context = { width: 100, color: false }

test('the example run', async () => {
  await expect(github(exampleRun(), context)).toMatchFileSnapshot('github.golden')
  await expect(stepSummary(exampleRun(), context)).toMatchFileSnapshot('summary.golden')
})

test('ten annotations at most, the last of them saying how many are left', () => {
  const run = exampleRun()
  const [failure] = run.findings
  run.findings = Array.from({ length: 30 }, () => failure!)
  const annotations = github(run, context)
    .split('\n')
    .filter((line) => line.startsWith('::'))
  expect(annotations).toHaveLength(10)
  expect(annotations.at(-1)).toContain('22 more')
})

test('a target cannot add a command of its own', () => {
  expect(
    github(exampleRun(), context)
      .split('\n')
      .filter((line) => line.startsWith('::error::')),
  ).toEqual([])
})
