import {
  all,
  check,
  type Exchange,
  holds,
  holdsIf,
  inconclusive,
  type Judgement,
  probe,
  section,
  statusOf,
  summaryOf,
} from '../../../src/model/index.ts'

const hidden = 'GET /assay-hidden HTTP/1.1\r\nHost: assay-hidden.example\r\n\r\n'

type Line = string

interface Shape {
  what: string
  lines: (host: string, message: string) => Line[]
  body: (message: string) => string
}

const host = (own: string): Line => `Host: ${own}`
const lengthOf = (text: string): Line => `Content-Length: ${Buffer.byteLength(text)}`
const whole = (message: string): string => message
const chunked = (message: string): string => `${Buffer.byteLength(message).toString(16)}\r\n${message}\r\n0\r\n\r\n`
const followed = (message: string): string => chunked(message) + hidden

const plain: Shape = { what: 'a message as it should be', lines: (own, message) => [host(own), lengthOf(message)], body: whole }

const both: Shape[] = [
  {
    what: 'Content-Length and Transfer-Encoding',
    lines: (own, message) => [host(own), lengthOf(followed(message)), 'Transfer-Encoding: chunked'],
    body: followed,
  },
  {
    what: 'Transfer-Encoding and Content-Length',
    lines: (own, message) => [host(own), 'Transfer-Encoding: chunked', lengthOf(chunked(message))],
    body: chunked,
  },
]

const lengths: Shape[] = [
  {
    what: 'two lengths that differ',
    lines: (own, message) => [host(own), lengthOf(message), lengthOf(message + hidden)],
    body: (message) => message + hidden,
  },
  {
    what: 'a list of lengths that differ',
    lines: (own, message) => [host(own), `${lengthOf(message)}, ${Buffer.byteLength(message + hidden)}`],
    body: (message) => message + hidden,
  },
  { what: 'a length with a sign', lines: (own, message) => [host(own), lengthOf(message).replace(': ', ': +')], body: whole },
  { what: 'a negative length', lines: (own) => [host(own), 'Content-Length: -1'], body: whole },
  {
    what: 'a length in hexadecimal',
    lines: (own, message) => [host(own), `Content-Length: 0x${Buffer.byteLength(message).toString(16)}`],
    body: whole,
  },
]

const codings: Shape[] = ['xchunked', 'chunked, identity', 'identity', 'chunked-false'].map((coding) => ({
  what: `the coding "${coding}"`,
  lines: (own) => [host(own), `Transfer-Encoding: ${coding}`],
  body: followed,
}))

const spaced: Shape[] = [
  { what: 'a blank before the colon', lines: (own) => [host(own), 'Transfer-Encoding : chunked'], body: followed },
  { what: 'a tabulator before the colon', lines: (own, message) => [host(own), lengthOf(message).replace(':', '\t:')], body: whole },
]

const hosts: Shape[] = [
  { what: 'no Host', lines: (_, message) => [lengthOf(message)], body: whole },
  {
    what: 'two Host fields',
    lines: (own, message) => [host(own), host('assay-foreign.example'), lengthOf(message)],
    body: whole,
  },
]

interface Sent {
  what: string
  exchange: Exchange
}

const own = /^(authorization|host|content-length|connection|transfer-encoding)$/i

/** Openings whose end two hops may see in different places, between two that are as they should be. They carry no token. */
const framed = probe('messages whose framing is ambiguous', { over: 'http', waits: true }, async ({ request, facts, connect }) => {
  const { opening } = await connect({ hold: true })
  const { host: name, pathname, search } = new URL(facts.url)
  const message = opening.request.body ?? '{}'
  const fields = opening.request.headers.filter(([field]) => !own.test(field)).map(([field, value]) => `${field}: ${value}`)
  const send = async ({ what, lines, body }: Shape): Promise<Sent> => {
    const content = body(message)
    const head = [`POST ${pathname}${search} HTTP/1.1`, ...lines(name, message), ...fields]
    const bytes = `${head.join('\r\n')}\r\n\r\n${content}`
    // A second answer can only follow where a second message is hidden.
    return { what, exchange: await request({ bytes, untilAnswered: !content.includes(hidden) }) }
  }
  const group = (shapes: Shape[]) => Promise.all(shapes.map(send))
  const before = await send(plain)
  const [twofold, unclear, unknown, blank, named] = await Promise.all([both, lengths, codings, spaced, hosts].map(group))
  return { before, both: twofold!, lengths: unclear!, codings: unknown!, spaced: blank!, hosts: named!, after: await send(plain) }
})

/** A message as it should be is answered, and not in the way in which the others are to be refused. */
const spoken = ({ before, after }: { before: Sent; after: Sent }, judge: () => Judgement): Judgement => {
  const odd = [before, after].find(({ exchange }) => exchange.response === undefined || [400, 501].includes(statusOf(exchange)!))
  return odd ? inconclusive('the control, a message as it should be, is not answered as one', odd.exchange) : judge()
}

const refused = ({ what, exchange }: Sent, ...statuses: number[]): Judgement =>
  exchange.response === undefined && exchange.failure?.code === 'reset'
    ? holds
    : exchange.response === undefined
      ? inconclusive(`no answer: ${exchange.failure?.message}`, exchange)
      : holdsIf(statuses.includes(statusOf(exchange)!), `takes a message with ${what}`, {
          expected: `HTTP ${statuses.join(' or ')}`,
          actual: summaryOf(exchange),
          exchange,
        })

/** What follows the first answer on the same connection. */
const answers = ({ response }: Exchange): number =>
  response === undefined ? 0 : 1 + [...response.body.matchAll(/HTTP\/1\.[01] \d{3} /g)].length

export default section(
  {
    spec: 'rfc9112',
    page: '6.3',
    revisions: 'all',
    over: 'http',
    threat: 'request-confusion',
    weakness: ['CWE-444', 'API8:2023'],
  },
  [
    check('exposure/host-field', {
      page: '3.2',
      title: 'A message without Host, or with two, is answered with 400',
      must: 'answer 400 to a message that lacks Host or has more than one',
      needs: { framed },
      judge: ({ framed }) => spoken(framed, () => all(framed.hosts.map((sent) => refused(sent, 400)))),
      fix: 'Count the Host fields of the message as it came, before a framework joins or drops them.',
    }),

    check('exposure/field-whitespace', {
      page: '5.1',
      title: 'A blank before the colon is answered with 400',
      must: 'answer 400 to a message with whitespace between the name of a field and the colon',
      needs: { framed },
      judge: ({ framed }) => spoken(framed, () => all(framed.spaced.map((sent) => refused(sent, 400)))),
      fix: 'Use a parser that refuses it; forward no message it was found in.',
    }),

    check('exposure/coding', {
      title: 'A coding that does not end in chunked is refused',
      must: 'answer 400 to a message whose Transfer-Encoding does not end in chunked, or 501 where it does not know the coding',
      needs: { framed },
      judge: ({ framed }) => spoken(framed, () => all(framed.codings.map((sent) => refused(sent, 400, 501)))),
      fix: 'Accept Transfer-Encoding: chunked alone, compared as a whole.',
    }),

    check('exposure/length', {
      title: 'A message of unclear length is refused',
      must: 'answer 400 to a message with an invalid Content-Length or several that differ',
      needs: { framed },
      judge: ({ framed }) => spoken(framed, () => all(framed.lengths.map((sent) => refused(sent, 400)))),
      fix: 'Accept one Content-Length of digits alone.',
    }),

    check('exposure/hidden-request', {
      page: '11.2',
      title: 'No message is found within another',
      policy: 'answer one message once, however it is framed',
      needs: { framed },
      judge: ({ framed }) =>
        spoken(framed, () =>
          all(
            [...framed.both, ...framed.lengths, ...framed.codings, ...framed.spaced].map(({ what, exchange }) =>
              holdsIf(answers(exchange) <= 1, `answers a second message within one with ${what}`, {
                expected: 'one answer',
                actual: `${answers(exchange)} answers`,
                exchange,
              }),
            ),
          ),
        ),
      fix: 'Close the connection after a message whose end is unclear, and read nothing more from it.',
    }),
  ],
)
