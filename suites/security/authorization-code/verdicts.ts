import {
  answered,
  bodyOf,
  broken,
  type Exchange,
  holds,
  holdsIf,
  inconclusive,
  type Judgement,
  notApplicable,
  statusOf,
  summaryOf,
} from '../../../src/model/index.ts'
import { formsIn } from '../html.ts'
import { type Answer, endOf, goesTo, tokensIn } from './flow.ts'

/** Says something only when the same, undamaged, brought tokens. */
export function controlledByTokens(controls: readonly Exchange[], judge: () => Judgement): Judgement {
  if (controls.length === 0) return inconclusive('no control was sent')
  const failed = controls.find((control) => tokensIn(control) === undefined)
  return failed ? inconclusive(`the control, the same request undamaged, brings no token: ${summaryOf(failed)}`, failed) : judge()
}

/** The authorization request leads to no code; `what` is what the server does where it leads to one. */
export function bringsNoCode(answer: Answer, what: string): Judgement {
  if (answer.code !== undefined) return broken(what, { expected: 'an error', actual: endOf(answer), exchange: answer.last })
  return turnedDown(answer)
}

/** Neither a code nor an error is sent to an address nobody has registered. */
export function staysAway(answer: Answer, what: string, uri = answer.redirectUri): Judgement {
  const arrived = answer.redirect !== undefined && goesTo(answer.redirect, uri)
  return holdsIf(!arrived, what, { expected: 'an error page', actual: `a redirect to ${uri}`, exchange: answer.last })
}

/** An authorization request that came to nothing was refused, unless it came to nothing for another reason. */
function turnedDown(answer: Answer): Judgement {
  return answered(answer.last, () => {
    const status = statusOf(answer.last)!
    if (answer.redirect !== undefined) return holds
    if (status === 429 || status >= 500) return inconclusive(`nothing is decided: ${endOf(answer)}`, answer.last)
    const asks = status < 400 && formsIn(answer.last).some(({ inputs }) => inputs.some(({ type }) => type === 'password'))
    return asks ? inconclusive('signing in does not lead on', answer.last) : holds
  })
}

/** The token endpoint hands nothing out; `what` is what the server does where it does. */
export function bringsNoToken(exchange: Exchange, what: string): Judgement {
  return answered(exchange, () => {
    const status = statusOf(exchange)!
    if (status === 429 || status >= 500) return inconclusive(`nothing is decided: ${summaryOf(exchange)}`, exchange)
    if (tokensIn(exchange) === undefined) return holds
    return broken(what, { expected: 'HTTP 400', actual: summaryOf(exchange), exchange })
  })
}

/** The `error` member of a token response. */
export const errorCode = (exchange: Exchange): unknown => bodyOf(exchange)?.error

/** For what only a server with refresh tokens can get wrong. */
export const noRefreshToken = notApplicable('the server gives no refresh token to this client')
