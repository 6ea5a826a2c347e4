import {
  all,
  check,
  controlled,
  type Exchange,
  type Forgery,
  holds,
  inconclusive,
  isRefused,
  type Judgement,
  probe,
  resultOf,
  section,
  summaryOf,
  Unfit,
} from '../../../src/model/index.ts'
import { allRefused, attempt } from './attempts.ts'

const unlisted = 'the operator names no clients that alone are let in: see `instruments.issuer.clients` of the target'

/** A token that a client has got for itself: it is its own subject (RFC 9068 §2.2). */
const ofMachine = (client: string): Forgery => ({ claims: { client_id: client, azp: client, sub: client } })

const others = probe('tokens of other clients', { over: 'http', requires: ['authorization', 'forging issuer'] }, async (context) => {
  const issuer = context.instruments.issuer!
  if (issuer.clients === undefined) throw new Unfit('not-applicable', unlisted)
  const [client] = issuer.clients
  const [right, other, longer] = await Promise.all(
    [client, 'assay-other-client', `${client}-assay`].map((each) => issuer.mint(ofMachine(each))),
  )
  return attempt(context, right!, { 'of another client of its issuer': other!, 'of a client whose id goes on': longer! })
})

const person: Forgery = { claims: { sub: 'assay-person' } }

/** The tool for people, called for a person before and after clients have tried. */
const personal = probe(
  'a tool for people, called by machines',
  { over: 'http', requires: ['authorization', 'forging issuer', 'personal tool'] },
  async (context) => {
    const issuer = context.instruments.issuer!
    const [client = 'assay-client'] = issuer.clients ?? []
    const { name, arguments: given } = await context.tool('personal')
    const call = async (forgery: Forgery) => {
      const connection = await context.connect({ token: await issuer.mint(forgery), forged: forgery !== person })
      return connection.send('tools/call', { name, arguments: given })
    }
    const before = await call(person)
    const unnamed: Forgery = { claims: { ...ofMachine(client).claims, sub: undefined } }
    const tried = [await call(ofMachine(client)), await call(unnamed)]
    return { before, tried, after: await call(person) }
  },
)

/** A tool may also say by itself that it is not for this caller. */
const isTurnedAway = (exchange: Exchange): Judgement =>
  resultOf(exchange)?.isError === true ? holds : isRefused(exchange, 'serves a machine what is for people only')

const isServed = (exchange: Exchange): boolean => resultOf(exchange) !== undefined && resultOf(exchange)?.isError !== true

export default section(
  {
    spec: 'policy',
    page: 'tokens',
    revisions: '2025-03-26..',
    over: 'http',
    requires: ['authorization', 'forging issuer'],
    threat: 'misdirected-token',
    weakness: ['CWE-863', 'API2:2023', 'MCP07:2025'],
  },
  [
    check('tokens/other-client', {
      title: 'Where clients are listed, no other client is let in',
      policy: 'refuse the tokens of clients that are not among those it is set to accept',
      needs: { others },
      judge: ({ others }) => allRefused(others),
      fix: 'Compare client_id (or azp) as a whole with the list; issuer and audience alone let in every client of the issuer.',
    }),

    check('tokens/machine-as-person', {
      spec: 'rfc9700',
      page: '4.15',
      requires: 'personal tool',
      title: 'A machine is not served what is for people',
      policy: 'tell the tokens of clients that act for themselves from those of people, and refuse them what is for people only',
      needs: { personal },
      judge: ({ personal: { before, tried, after } }) =>
        controlled([before, after], () =>
          [before, after].every(isServed)
            ? all(tried.map(isTurnedAway))
            : inconclusive(`the control, the same call for a person, fails: ${summaryOf(before)}`, before),
        ),
      fix: 'Take nobody for a person whose token has its client as the subject, or none; do not go by sub alone.',
      threat: 'scope-bypass',
      weakness: ['CWE-863', 'CWE-290', 'API5:2023', 'MCP07:2025'],
    }),
  ],
)
