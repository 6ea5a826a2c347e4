import { expect, test } from 'vitest'
import { numbered, outputArguments } from './outputs.ts'
import { segmentArguments } from './segments.ts'

test('the segments of the shards make up the whole', () => {
  expect(segmentArguments(0, 1)).toEqual([])
  expect(segmentArguments(2, 4)).toEqual(['--execution-segment', '2/4:3/4', '--execution-segment-sequence', '0,1/4,2/4,3/4,1'])
})

test('only files are numbered, from the second process on', () => {
  const outputs = ['experimental-prometheus-rw', 'json=out/k6.json.gz']
  expect(outputArguments(outputs, 1)).toEqual(['--out', 'experimental-prometheus-rw', '--out', 'json=out/k6.json.gz'])
  expect(outputArguments(outputs, 2)).toEqual(['--out', 'experimental-prometheus-rw', '--out', 'json=out/k6-2.json.gz'])
  expect(numbered('report', 3)).toBe('report-3')
})
