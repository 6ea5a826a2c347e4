import { expect, test } from 'vitest'
import { contractChanges, contractsOf } from './contract.ts'

const tool = { name: 'echo', description: 'Returns its text.', inputSchema: { type: 'object', properties: { text: {} } } }
const told = { tools: [tool], prompts: [], templates: [] }

test('a contract is the same whatever the order of its members', () => {
  const turned = { inputSchema: { properties: { text: {} }, type: 'object' }, description: tool.description, name: 'echo' }
  expect(contractsOf({ ...told, tools: [turned] })).toEqual(contractsOf(told))
})

test('what no model is told is no part of a contract', () => {
  expect(contractsOf({ ...told, tools: [{ ...tool, _meta: { at: 1 }, icons: [] }] })).toEqual(contractsOf(told))
})

test('changes are named', () => {
  const now = { ...told, tools: [{ ...tool, description: 'Sends its text.' }], prompts: [{ name: 'new' }], instructions: 'Be kind.' }
  expect(contractChanges(contractsOf(told), contractsOf(now))).toEqual({
    added: ['prompts new', 'server instructions'],
    changed: ['tools echo'],
    gone: [],
  })
  expect(contractChanges(contractsOf(now), contractsOf({ ...now, prompts: [] })).gone).toEqual(['prompts new'])
})
