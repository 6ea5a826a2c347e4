import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { defects } from '../fixtures/defects/index.ts'
import { linkOf, type Probe, revisions } from '../src/model/index.ts'
import conformance from '../suites/conformance/index.ts'
import { loadChecks } from '../suites/index.ts'
import { coverageBy, requirements } from '../suites/requirements/index.ts'
import security from '../suites/security/index.ts'
import { threats } from '../suites/security/threats.ts'

const checks = await loadChecks()

const repeated = (values: readonly string[]): string[] => values.filter((value, at) => values.indexOf(value) !== at)

test('an id stands once', () => {
  expect(repeated(checks.map(({ id }) => id))).toEqual([])
})

test('an id is made of nouns in kebab case', () => {
  expect(checks.filter(({ id }) => !/^[a-z0-9-]+\/[a-z0-9-]+$/.test(id)).map(({ id }) => id)).toEqual([])
})

test('a check says everything a finding needs', () => {
  for (const check of checks) {
    expect(check.title, check.id).toMatch(/^\S.*[^.]$/)
    expect(check.says, check.id).not.toBe('')
    expect(check.fix, check.id).toMatch(/^[A-Z].*\.$/)
    expect(check.revisions.length, check.id).toBeGreaterThan(0)
    expect(Object.keys(check.needs).length, check.id).toBeGreaterThan(0)
    expect(URL.canParse(linkOf(check.cites, check.revisions[0]!)), check.id).toBe(true)
  }
})

test('different probes have different names, as evidence is kept by name', () => {
  const probes = new Set<Probe>(checks.flatMap(({ needs }) => Object.values(needs)))
  expect(repeated([...probes].map(({ name }) => name))).toEqual([])
})

test('a check covers requirements that exist, at revisions they have', () => {
  const known = new Map(requirements.map((requirement) => [requirement.id, requirement]))
  for (const check of checks) {
    for (const id of check.covers) {
      expect(known.has(id), `${check.id} covers ${id}`).toBe(true)
      expect(
        check.revisions.some((revision) => known.get(id)!.revisions.includes(revision)),
        `${check.id} covers ${id} at none of its revisions`,
      ).toBe(true)
    }
  }
})

test('every requirement has a check, or a reason why it has none', () => {
  expect(
    coverageBy(checks)
      .filter(({ checks, reason }) => checks.length === 0 && reason === undefined)
      .map(({ requirement }) => requirement.id),
  ).toEqual([])
})

test('every folder is registered, and no area stands in two', () => {
  const folders = { conformance, security }
  for (const [suite, registered] of Object.entries(folders)) {
    const there = readdirSync(`suites/${suite}`, { withFileTypes: true }).filter((entry) => entry.isDirectory())
    expect(Object.keys(registered).sort()).toEqual(there.map(({ name }) => name).sort())
  }
  const areas = [...Object.values(conformance), ...Object.values(security)].map((sections) =>
    sections.flat().map(({ id }) => id.split('/')[0]!),
  )
  expect(repeated(areas.flatMap((each) => [...new Set(each)]))).toEqual([])
})

test('every check of security names a threat that exists and a weakness, and every threat is looked for', () => {
  const own = checks.filter(({ suite }) => suite === 'security')
  expect(own.filter(({ threat }) => threat === undefined || !Object.hasOwn(threats, threat)).map(({ id }) => id)).toEqual([])
  for (const { id, weakness } of own) {
    expect(weakness.length, id).toBeGreaterThan(0)
    for (const each of weakness) expect(each, id).toMatch(/^(CWE-\d+|API([1-9]|10):2023|(LLM|MCP)(0[1-9]|10):2025)$/)
  }
  expect(Object.keys(threats).filter((name) => !own.some(({ threat }) => threat === name))).toEqual([])
})

test('what a check of load cites stands in its page', () => {
  const headings = [...readFileSync('docs/load.md', 'utf8').matchAll(/^## (.+)$/gm)].map(([, heading]) => heading)
  const cited = checks.filter(({ cites }) => cites.spec === 'load').map(({ cites }) => cites.page)
  expect([...new Set(cited)].toSorted()).toEqual(headings.toSorted())
})

test('there are checks for every revision', () => {
  for (const revision of revisions) expect(checks.filter((check) => check.revisions.includes(revision)).length).toBeGreaterThan(20)
})

test('a defect names checks that exist, and its name stands once', () => {
  const ids = new Set(checks.map(({ id }) => id))
  const all = Object.values(defects).flat()
  expect(repeated(all.map(({ id }) => id))).toEqual([])
  for (const { id, breaks } of all) expect(breaks.length > 0 && breaks.every((check) => ids.has(check)), id).toBe(true)
})

test('every check has a defect', () => {
  const broken = new Set(
    Object.values(defects)
      .flat()
      .flatMap(({ breaks }) => breaks),
  )
  expect(checks.filter(({ id }) => !broken.has(id)).map(({ id }) => id)).toEqual([])
})
