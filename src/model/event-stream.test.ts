import { expect, test } from 'vitest'
import { EventStreamParser } from './event-stream.ts'

function eventsOf(...chunks: string[]) {
  const events: object[] = []
  const parser = new EventStreamParser((event) => events.push(event))
  for (const chunk of chunks) parser.push(chunk)
  return events
}

test('reads fields, with or without a space after the colon', () => {
  expect(eventsOf('id:1\nevent: message\ndata: a\n\n')).toEqual([{ id: '1', event: 'message', data: 'a' }])
})

test('joins the lines of one event', () => {
  expect(eventsOf('data: a\ndata: b\n\n')).toEqual([{ data: 'a\nb' }])
})

test.each(['data: a\r\n\r\n', 'data: a\r\r', 'data: a\n\n'])('takes the line ends of %j', (text) => {
  expect(eventsOf(text)).toEqual([{ data: 'a' }])
})

test('does not take the two halves of CRLF, cut apart, for two line ends', () => {
  expect(eventsOf('data: a\r', '\ndata: b\r', '\n\r', '\n')).toEqual([{ data: 'a\nb' }])
})

test('reads an event cut anywhere', () => {
  const text = 'id: 7\r\ndata: {"a":1}\r\n\r\n'
  for (let at = 1; at < text.length; at += 1) expect(eventsOf(text.slice(0, at), text.slice(at))).toEqual([{ id: '7', data: '{"a":1}' }])
})

test('leaves out comments, a byte order mark and an event the stream ends in', () => {
  expect(eventsOf('\uFEFF: hello\ndata: a\n\ndata: cut off')).toEqual([{ data: 'a' }])
})

test('keeps what a client resumes with, though there is no data', () => {
  expect(eventsOf('id: 3\ndata:\n\n', 'retry: 100\n\n')).toEqual([
    { id: '3', data: '' },
    { retry: '100', data: '' },
  ])
})
