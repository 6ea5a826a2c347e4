import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { defects } from '../fixtures/defects/index.ts'
import { linkOf, type Probe, revisions } from '../src/model/index.ts'
import { loadChecks } from '../suites/index.ts'
import { coverageBy, requirements } from '../suites/requirements/index.ts'

const checks = await loadChecks()

const repeated = (values: readonly string[]): string[] => values.filter((value, at) => values.indexOf(value) !== at)

test('an id stands once and begins with its area', () => {
  expect(repeated(checks.map(({ id }) => id))).toEqual([])
  expect(checks.filter(({ id, area }) => !id.startsWith(`${area}/`)).map(({ id }) => id)).toEqual([])
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

test('every area folder is registered', () => {
  const folders = ['conformance', 'security'].flatMap((suite) =>
    readdirSync(`suites/${suite}`, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => `${suite}/${name}`),
  )
  expect([...new Set(checks.map(({ suite, area }) => `${suite}/${area}`))].sort()).toEqual(folders.sort())
})

test('there are checks for every revision', () => {
  for (const revision of revisions) expect(checks.filter((check) => check.revisions.includes(revision)).length).toBeGreaterThan(20)
})

test('a defect names checks that exist, and stands in the area of one of them', () => {
  const ids = new Set(checks.map(({ id }) => id))
  for (const [area, list] of Object.entries(defects)) {
    for (const { id, breaks } of list) {
      expect(
        breaks.filter((check) => !ids.has(check)),
        id,
      ).toEqual([])
      expect(
        breaks.some((check) => check.startsWith(`${area}/`)),
        id,
      ).toBe(true)
    }
  }
})

test('every check has a defect', () => {
  const broken = new Set(
    Object.values(defects)
      .flat()
      .flatMap(({ breaks }) => breaks),
  )
  expect(checks.filter(({ id }) => !broken.has(id)).map(({ id }) => id)).toEqual([])
})
