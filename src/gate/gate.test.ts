import { describe, expect, test } from 'vitest'
import type { Finding, Outcome } from '../model/index.ts'
import { type Accepted, applyBaseline, applyWaivers, decide, defaultPolicy, fits, pruneBaseline, updateBaseline } from './index.ts'

const today = '2026-03-01'
const finding = (check: string, outcome: Outcome, extra: Partial<Finding> = {}): Finding => ({
  check,
  suite: 'conformance',
  title: check,
  target: 'gw',
  revision: '2025-11-25',
  identity: null,
  outcome,
  keyword: outcome === 'warn' ? 'SHOULD' : 'MUST',
  clause: { spec: 'mcp', page: 'x', says: 'be so', url: 'https://x' },
  fix: 'Do so.',
  ...extra,
})
const entry = (extra: Partial<Accepted> = {}): Accepted => ({
  check: 'a/b',
  reason: 'upgrade in May',
  owner: 'platform',
  expires: '2026-06-01',
  ...extra,
})

describe('decide', () => {
  test.each<[string, Finding[], Partial<typeof defaultPolicy>, string, RegExp]>([
    ['all pass', [finding('a/b', 'pass')], {}, 'passed', /1 finding passes on gw/],
    ['nothing judged', [], {}, 'inconclusive', /no check passed/],
    ['only not applicable', [finding('a/b', 'not-applicable')], {}, 'inconclusive', /no check passed/],
    ['a MUST broken', [finding('a/b', 'fail'), finding('c/d', 'pass')], {}, 'failed', /1 check fails on gw: a\/b/],
    ['a SHOULD broken', [finding('a/b', 'warn'), finding('c/d', 'pass')], {}, 'passed', /1 warning/],
    ['a SHOULD broken, and held to it', [finding('a/b', 'warn'), finding('c/d', 'pass')], { failOn: ['warn'] }, 'failed', /1 check warns/],
    ['too many warnings', [finding('a/b', 'warn'), finding('c/d', 'pass')], { maxWarnings: 0 }, 'failed', /1 warning, and 0 allowed/],
    ['inconclusive', [finding('a/b', 'inconclusive'), finding('c/d', 'pass')], {}, 'inconclusive', /1 check is inconclusive/],
    ['inconclusive allowed', [finding('a/b', 'inconclusive'), finding('c/d', 'pass')], { failOn: ['fail'] }, 'passed', /1 inconclusive/],
    ['a failure outweighs doubt', [finding('a/b', 'inconclusive'), finding('c/d', 'fail')], {}, 'failed', /2 further reasons/],
    [
      'required, not testable',
      [finding('a/b', 'not-testable'), finding('c/d', 'pass')],
      { require: ['a/b'] },
      'failed',
      /a\/b is required/,
    ],
    ['required, absent', [finding('c/d', 'pass')], { require: ['a/b'] }, 'failed', /was not judged/],
    [
      'another revision does not decide',
      [finding('a/b', 'fail', { revision: '2024-11-05' }), finding('a/b', 'pass')],
      { requirements: '2025-11-25' },
      'passed',
      /1 finding/,
    ],
    [
      'the required revision is not served',
      [finding('a/b', 'pass')],
      { requirements: '2026-07-28' },
      'inconclusive',
      /nothing was judged at 2026-07-28/,
    ],
  ])('%s', (_, findings, policy, verdict, sentence) => {
    const decision = decide(findings, { ...defaultPolicy, name: 'release', ...policy })
    expect(decision.verdict).toBe(verdict)
    expect(decision.sentence).toMatch(sentence)
  })

  test('a target on which nothing could be judged leaves the rest inconclusive', () => {
    const decision = decide([finding('a/b', 'pass')], defaultPolicy, { failedTargets: [{ name: 'other', message: 'does not answer' }] })
    expect(decision).toMatchObject({ verdict: 'inconclusive', sentence: expect.stringContaining('other: does not answer') })
  })

  test('a waiver that cannot stand fails the gate', () => {
    const { findings, problems } = applyWaivers([finding('a/b', 'pass')], [entry()], today)
    expect(decide(findings, defaultPolicy, { problems })).toMatchObject({ verdict: 'failed', sentence: expect.stringContaining('entry 1') })
  })
})

describe('waivers', () => {
  test('annotate and do not hide', () => {
    const { findings, problems } = applyWaivers([finding('a/b', 'fail'), finding('c/d', 'pass')], [entry({ check: 'a/*' })], today)
    expect(problems).toEqual([])
    expect(findings[0]).toMatchObject({ outcome: 'fail', waiver: { owner: 'platform' } })
    expect(decide(findings).verdict).toBe('passed')
  })

  test.each<[string, unknown, string, RegExp]>([
    ['a missing owner', { ...entry(), owner: undefined }, 'E_WAIVER_INVALID', /lacks owner/],
    ['a misspelt member', { ...entry(), targte: 'gw' }, 'E_WAIVER_INVALID', /"targte"/],
    ['no mapping', 'a/b', 'E_WAIVER_INVALID', /not a mapping/],
    ['no date', entry({ expires: 'soon' }), 'E_WAIVER_INVALID', /no date/],
    ['more than a year', entry({ expires: '2027-06-01' }), 'E_WAIVER_INVALID', /more than a year/],
    ['expired', entry({ expires: '2026-02-28' }), 'E_WAIVER_EXPIRED', /a\/b, platform\) expired on 2026-02-28/],
    ['another target', entry({ target: 'other' }), 'E_WAIVER_STALE', /matches nothing/],
    ['mended', entry({ check: 'c/d' }), 'E_WAIVER_STALE', /no longer needed/],
  ])('%s is named', (_, waiver, code, message) => {
    const { findings, problems } = applyWaivers([finding('a/b', 'fail'), finding('c/d', 'pass')], [waiver], today)
    expect(problems).toEqual([{ code, message: expect.stringMatching(message) }])
    expect(findings[0]!.waiver).toBeUndefined()
  })

  test('what could not be judged cannot be waived', () => {
    expect(applyWaivers([finding('a/b', 'inconclusive')], [entry()], today).problems).toHaveLength(1)
  })

  test('the last day counts', () => {
    expect(applyWaivers([finding('a/b', 'fail')], [entry({ expires: today })], today).problems).toEqual([])
  })
})

describe('baseline', () => {
  const terms = { reason: 'before the gate', owner: 'platform', expires: '2026-05-30' }

  test('takes in what fails, once, and marks it known', () => {
    const findings = [finding('a/b', 'fail'), finding('c/d', 'pass')]
    const entries = updateBaseline(findings, [], terms)
    expect(entries).toEqual([{ check: 'a/b', target: 'gw', revision: '2025-11-25', ...terms }])
    expect(updateBaseline(findings, entries, terms)).toEqual(entries)
    expect(applyBaseline(findings, entries, today).findings[0]!.known).toBe(true)
  })

  test('forgets what is mended', () => {
    expect(pruneBaseline([finding('a/b', 'pass')], [entry()])).toEqual([])
  })
})

test('patterns', () => {
  expect(fits('security/token-*', 'security/token-audience')).toBe(true)
  expect(fits('*', 'a/b')).toBe(true)
  expect(fits('a*a', 'a')).toBe(false)
  expect(fits('a/*/c*d', 'a/b/cxd')).toBe(true)
  expect(fits('a/b', 'a/bc')).toBe(false)
})
