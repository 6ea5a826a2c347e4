import { beforeAll, describe, expect, test } from 'vitest'
import defects from '../../../fixtures/defects/privileges.ts'
import { manifestFiles, manifestsDirectory } from '../../../fixtures/reference/manifests/index.ts'
import { readDocuments } from '../../../src/engine/documents.ts'
import type { DeploymentDocument, UnitFacts } from '../../../src/model/index.ts'
import sections from './index.ts'

const checks = sections.flat()

const judge = (documents: DeploymentDocument[]) =>
  checks.map((check) => ({ id: check.id, ...check.judge({ documents: { documents } } as never, {} as UnitFacts) }))

const caughtBy = (documents: DeploymentDocument[]) =>
  judge(documents)
    .filter(({ kind }) => kind === 'broken')
    .map(({ id }) => id)

let reference: DeploymentDocument[]
beforeAll(async () => {
  reference = await readDocuments(manifestFiles, manifestsDirectory)
})

test('the description of the reference deployment is clean', () => {
  const unclean = judge(reference).filter(({ kind }) => kind !== 'holds' && kind !== 'not-applicable')
  expect(unclean.map(({ id, reason }) => `${id}: ${reason}`)).toEqual([])
})

test('nothing to judge is never green', () => {
  expect(judge([]).filter(({ kind }) => kind !== 'not-applicable')).toEqual([])
})

describe('every defect is caught by the checks it names and no other', () => {
  test.each(defects)('$id', ({ breaks, change }) => {
    const before = structuredClone(reference)
    expect(caughtBy(change(reference)).sort()).toEqual([...breaks].sort())
    expect(reference).toEqual(before)
  })
})

test('every check has a defect, and every id is its own', () => {
  const caught = new Set(defects.flatMap(({ breaks }) => breaks))
  expect(checks.map(({ id }) => id).filter((id) => !caught.has(id))).toEqual([])
  expect(new Set(checks.map(({ id }) => id)).size).toBe(checks.length)
  expect(new Set(defects.map(({ id }) => id)).size).toBe(defects.length)
})

test('a finding names file, line, document and path', () => {
  const change = defects.find(({ id }) => id === 'agent-has-all-of-bedrock')!.change
  const { reason } = judge(change(reference)).find(({ id }) => id === 'privileges/managed-policy')!
  expect(reason).toMatch(
    /^manifests\/cluster\.yaml:\d+ ClusterConfig ai-agents-production iam\.serviceAccounts\[0\]\.attachPolicyARNs\[1\]: /,
  )
})
