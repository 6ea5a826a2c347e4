import {
  answered,
  broken,
  type Exchange,
  errorOf,
  holds,
  holdsIf,
  inconclusive,
  type Judgement,
  notApplicable,
  notTestable,
  resultOf,
  statusOf,
  summaryOf,
} from '../../../src/model/index.ts'
import { credentialsIn, membersOf } from './agent.ts'
import type { Flow } from './probes.ts'

type Talked = NonNullable<Flow['talked']>
type Through = NonNullable<Talked['through']>

const untried = 'the authorization server offers no registration'

/** Judges a registration that was made; one that is closed to the harness is the operator's to open. */
export function registered(evidence: Exchange | undefined, judge: (registration: Exchange) => Judgement): Judgement {
  if (evidence === undefined) return notApplicable(untried)
  return answered(evidence, () => {
    const [status, sent] = [statusOf(evidence)!, evidence.request.headers.some(([name]) => name.toLowerCase() === 'authorization')]
    if (!sent && (status === 401 || status === 403))
      return notTestable('registration is closed to strangers: see `authority.initialAccessToken` of the target')
    if (status === 429 || status === 503) return inconclusive('the authorization server takes no registrations now', evidence)
    return judge(evidence)
  })
}

export const isRegistered = (registration: Exchange): Judgement =>
  holdsIf(statusOf(registration) === 201, 'does not register an agent', {
    expected: 'HTTP 201',
    actual: summaryOf(registration),
    exchange: registration,
  })

/** Judges what comes after the registration. */
export function asked(flow: Flow, judge: (asked: NonNullable<Flow['asked']>) => Judgement): Judgement {
  if (flow.asked !== undefined) return judge(flow.asked)
  if (flow.registration === undefined) return notTestable('needs a client with a secret: see `authority.clients` of the target')
  return credentialsIn(flow.registration) === undefined
    ? inconclusive('the step before, the registration, gave no credentials', flow.registration)
    : inconclusive('the step before, the request for a token, was not made')
}

/** Judges what the gateway does, once the agent has its token. */
export const talking = (flow: Flow, judge: (talked: Talked) => Judgement): Judgement =>
  asked(flow, ({ token }) =>
    flow.talked === undefined ? inconclusive('the step before, the request for a token, brought none', token) : judge(flow.talked),
  )

/** Judges what happens behind the gateway, once it has let the agent in. */
export const admitted = (flow: Flow, judge: (talked: Talked) => Judgement): Judgement =>
  talking(flow, (talked) =>
    resultOf(talked.opening) === undefined
      ? inconclusive('the step before fails: the gateway does not let the agent in', talked.opening)
      : judge(talked),
  )

const arrivedNowhere = 'the step before fails: nothing of the call arrives at the upstream'

/** Judges the call the scripted upstream was to see; what the operator's own agent cannot do says nothing. */
export const calling = (flow: Flow, judge: (through: Through) => Judgement): Judgement =>
  admitted(flow, ({ through }) => {
    if (through === undefined) return notTestable('needs the tool of the scripted upstream among the tools of the target')
    if (resultOf(through.control) === undefined)
      return inconclusive(
        `the control, the same call by the operator's agent, does not succeed: ${summaryOf(through.control)}`,
        through.control,
      )
    return judge(through)
  })

/** Judges what arrived at the upstream. */
export const arriving = (flow: Flow, judge: (first: Through['arrivals'][number], through: Through) => Judgement): Judgement =>
  calling(flow, (through) =>
    through.arrivals.length === 0 ? inconclusive(arrivedNowhere, through.call) : judge(through.arrivals[0]!, through),
  )

/** The request was turned away, and not by a crash. */
export const turnedAway = (exchange: Exchange, what: string): Judgement =>
  answered(exchange, () => {
    const status = statusOf(exchange)!
    const refused = resultOf(exchange) === undefined && ((status >= 400 && status < 500) || errorOf(exchange) !== undefined)
    if (status === 503) return inconclusive('the service is not available', exchange)
    return holdsIf(refused, what, { expected: 'HTTP 401', actual: summaryOf(exchange), exchange })
  })

/** A statement of a stranger is refused, or ignored altogether. */
export const strangerRefused = (statement: Exchange, words: string): Judgement => {
  const status = statusOf(statement)!
  if (status >= 400 && status < 500) return holds
  const { client_name, software_statement } = membersOf(statement)
  if (status === 201 && client_name !== words && software_statement === undefined)
    return notApplicable('the authorization server ignores software statements')
  return broken('registers an agent on the word of somebody it does not know', {
    expected: 'HTTP 400 with unapproved_software_statement or invalid_software_statement',
    actual: summaryOf(statement),
    exchange: statement,
  })
}
