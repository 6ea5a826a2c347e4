import { broken, check, holds, holdsIf, type Judgement, notApplicable, notTestable, section } from '../../../src/model/index.ts'
import { audienceOf, between, codeOf, eachOf, heedsResource, refused, type TokenAnswer, tokenOf, toldBy } from './machine.ts'
import { type Requests, requests } from './requests.ts'

const heeds = ({ before, resources }: Requests): boolean => resources.unknown.some((answer) => heedsResource(before, answer))

function heeding(evidence: Requests, judge: () => Judgement): Judgement {
  const { before, after, asked } = evidence
  return between([before.exchange, after.exchange], () => {
    if (asked.resource === undefined)
      return notTestable('the server gives no token for the resource of the target: see `authority.resource`')
    if (before.claims === undefined) return notTestable('the token is opaque: its audience cannot be seen')
    if (audienceOf(before).length === 0) return notApplicable('the token has no audience')
    return heeds(evidence) ? judge() : notApplicable('the server takes no notice of resources')
  })
}

const rejected = (attempt: TokenAnswer): Judgement => {
  const { exchange, what } = attempt
  if (tokenOf(exchange) !== undefined)
    return broken(`gives a token to a request ${what}`, { expected: 'error invalid_target', actual: audienceOf(attempt), exchange })
  return refused(attempt).and(
    codeOf(exchange) === 'invalid_target'
      ? holds
      : broken(`refuses a request ${what} under another code`, { expected: 'error invalid_target', actual: toldBy(exchange), exchange }),
  )
}

export default section(
  {
    of: 'authorization-server',
    spec: 'rfc8707',
    page: '2',
    revisions: '2025-06-18..',
    requires: ['client', 'resource'],
    weakness: ['CWE-863', 'API2:2023', 'MCP07:2025'],
    threat: 'misdirected-token',
  },
  [
    check('m2m/resource-audience', {
      title: 'A token is for the resource it was asked for',
      should: 'restrict the audience of a token to the resource it was asked for',
      needs: { requests },
      judge: (evidence) => {
        const { before, after, asked } = evidence.requests
        return between([before.exchange, after.exchange], () => {
          if (asked.resource === undefined)
            return notTestable('the server gives no token for the resource of the target: see `authority.resource`')
          if (before.claims === undefined) return notTestable('the token is opaque: its audience cannot be seen')
          const audience = audienceOf(before)
          return holdsIf(
            audience.includes(asked.resource) || (audience.length > 0 && heeds(evidence.requests)),
            'issues tokens that are not for the resource they were asked for',
            {
              expected: asked.resource,
              actual: audience.length > 0 ? audience : 'no aud',
              exchange: before.exchange,
            },
          )
        })
      },
      fix: 'Put the resource into aud; a token without an audience opens every door.',
    }),

    check('m2m/resource-named', {
      spec: 'rfc9068',
      page: '3',
      title: 'The audience is the resource by its own name',
      should: 'give aud the value of the parameter resource',
      needs: { requests },
      judge: (evidence) =>
        heeding(evidence.requests, () => {
          const { before, asked } = evidence.requests
          return holdsIf(audienceOf(before).includes(asked.resource!), 'gives the audience another name than the client used', {
            expected: asked.resource,
            actual: audienceOf(before),
            exchange: before.exchange,
          })
        }),
      fix: 'Use the URL of the MCP endpoint as its identifier: servers compare aud with their own URL.',
    }),

    check('m2m/resource-unknown', {
      page: '2.1',
      title: 'An unknown resource is refused',
      should: 'refuse a resource it does not consider acceptable as invalid_target',
      needs: { requests },
      judge: (evidence) =>
        heeding(evidence.requests, () =>
          eachOf(evidence.requests.resources.unknown, 'it was not tried', (attempt) => rejected(attempt as TokenAnswer)),
        ),
      fix: 'Keep a list of resources, and answer 400 with invalid_target to all others.',
    }),

    check('m2m/resource-malformed', {
      title: 'A malformed resource is refused',
      should: 'refuse a resource that has a fragment or is no absolute URI as invalid_target',
      needs: { requests },
      judge: (evidence) =>
        heeding(evidence.requests, () =>
          eachOf(evidence.requests.resources.malformed, 'it was not tried', (attempt) => rejected(attempt as TokenAnswer)),
        ),
      fix: 'Parse the resource, and answer 400 with invalid_target.',
      weakness: ['CWE-20', 'API2:2023'],
    }),
  ],
)
