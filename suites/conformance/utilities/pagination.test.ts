import { describe, expect, it } from 'vitest'
import type { Exchange } from '../../../src/model/index.ts'
import pagination from './pagination.ts'

const list = { name: 'tools', method: 'tools/list', member: 'tools', key: 'name' }

const page = (answer: Record<string, unknown>): Exchange => ({
  id: 1,
  connection: 1,
  via: 'http',
  request: { method: 'POST', url: 'http://127.0.0.1/mcp', headers: [], rpc: { id: 1, method: 'tools/list' } },
  response: { status: 200, headers: {}, body: '', size: 0, head: 0 },
  messages: [{ at: 1, message: { jsonrpc: '2.0', id: 1, ...answer } }],
  started: 0,
  ended: 1,
})

const tools = (nextCursor: string | undefined, ...names: string[]) =>
  page({ result: { tools: names.map((name) => ({ name })), nextCursor } })

const verdict = (id: string, pages: Exchange[], stopped?: string) => {
  const { judge } = pagination.find((check) => check.id === id)!
  return judge({ walked: [{ list, pages, stopped }] } as never, {} as never).kind
}

describe('pagination/walk', () => {
  it('holds when the last page has no cursor', () => {
    expect(verdict('pagination/walk', [tools('a', 'one'), tools(undefined, 'two')])).toBe('holds')
  })
  it('is broken when a cursor comes back', () => {
    expect(verdict('pagination/walk', [tools('a', 'one'), tools('a', 'two')], 'nextCursor "a" comes back')).toBe('broken')
  })
  it('is broken when an issued cursor is refused as invalid', () => {
    const refused = page({ error: { code: -32602, message: 'Invalid cursor' } })
    expect(verdict('pagination/walk', [tools('a', 'one'), refused], 'page 2 of tools/list has no result')).toBe('broken')
  })
  it('says nothing when a later page fails otherwise, or the list is longer than is read', () => {
    const failed = page({ error: { code: -32603, message: 'Internal error' } })
    expect(verdict('pagination/walk', [tools('a', 'one'), failed], 'page 2 of tools/list has no result')).toBe('inconclusive')
    expect(verdict('pagination/walk', [tools('a', 'one'), tools('b', 'two')], 'more than 100 pages')).toBe('inconclusive')
  })
  it('does not apply to a list that is not answered', () => {
    const failed = page({ error: { code: -32601, message: 'Method not found' } })
    expect(verdict('pagination/walk', [failed], 'page 1 of tools/list has no result')).toBe('not-applicable')
  })
})

describe('pagination/overlap', () => {
  it('is broken by an item on two pages, not by one that stands twice on one', () => {
    expect(verdict('pagination/overlap', [tools('a', 'one', 'two'), tools(undefined, 'two')])).toBe('broken')
    expect(verdict('pagination/overlap', [tools('a', 'one', 'one'), tools(undefined, 'two')])).toBe('holds')
  })
})

describe('pagination/empty-cursor', () => {
  it('holds when an empty cursor leads to another page', () => {
    expect(verdict('pagination/empty-cursor', [tools('', 'one'), tools(undefined, 'two')])).toBe('holds')
  })
  it('is broken when it leads back to the start', () => {
    expect(verdict('pagination/empty-cursor', [tools('', 'one'), tools('', 'one')])).toBe('broken')
  })
})
