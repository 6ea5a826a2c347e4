import { expect, test } from 'vitest'
import { exampleRun } from '../example.ts'
import { junit } from './junit.ts'

test('the example run', async () => {
  await expect(junit(exampleRun(), { width: 100, color: false })).toMatchFileSnapshot('junit.golden')
})
