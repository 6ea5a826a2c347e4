import { expect, test } from 'vitest'
import { exampleRun } from '../example.ts'
import { json } from './json.ts'

test('the example run', async () => {
  await expect(json(exampleRun(), { width: 100, color: false })).toMatchFileSnapshot('json.golden')
})
