import { expect, test } from 'vitest'
import type { Exchange } from '../../../src/model/index.ts'
import { internalsIn } from './internals.ts'

const answer = (message: object | undefined, body = '', sent = '{}'): Exchange => ({
  id: 1,
  connection: 1,
  via: 'http',
  request: { method: 'POST', url: 'http://target.test/mcp', headers: [], body: sent },
  response: { status: message ? 200 : 500, headers: {}, body, size: 1, head: 1 },
  messages: message ? [{ at: 1, message }] : [],
  started: 0,
  ended: 1,
})

const error = (message: string, sent?: string) => answer({ jsonrpc: '2.0', id: 1, error: { code: -32603, message } }, '', sent)

test.each([
  ['Error: no\n    at dispatch (/srv/gateway/router.js:12:34)', 'a stack trace'],
  ['Error: no\n    at async file:///gateway/router.js:12:34', 'a stack trace'],
  ['Traceback (most recent call last):', 'a stack trace'],
  ['at com.example.Router.dispatch(Router.java:12)', 'a stack trace'],
  ['goroutine 1 [running]:', 'a stack trace'],
  ['cannot open /home/gateway/keys.json', 'a path of the file system'],
  ['postgres://gateway:secret@db/main refused', 'a connection string with a password'],
])('%s', (text, what) => {
  expect(internalsIn(error(text))?.what).toBe(what)
})

test.each([
  'Method not found: tools/unknown',
  'no route for https://api.test/usr/items',
  'retry at 10:20:30',
  'see the section on var/let',
])('%s says nothing', (text) => {
  expect(internalsIn(error(text))).toBeUndefined()
})

test('what the request said itself may be repeated', () => {
  expect(internalsIn(error('not found: /etc/x /home/me/notes', '{"uri":"/home/me/notes"}'))).toBeUndefined()
})

test('a tool error may speak of paths, not of stacks', () => {
  const tool = (text: string) => answer({ jsonrpc: '2.0', id: 1, result: { isError: true, content: [{ type: 'text', text }] } })
  expect(internalsIn(tool('no such file: /home/me/notes'))).toBeUndefined()
  expect(internalsIn(tool('File "/app/tool.py", line 3'))?.what).toBe('a stack trace')
})

test('a page that reports a crash is searched too', () => {
  expect(internalsIn(answer(undefined, '<pre>Error<br> at parse (/srv/app/node_modules/parser/index.js:1:2)</pre>'))?.what).toBe(
    'a stack trace',
  )
})
