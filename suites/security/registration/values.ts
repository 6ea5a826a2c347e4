import {
  all,
  answered,
  bodyOf,
  broken,
  check,
  type Exchange,
  holds,
  holdsIf,
  type Judgement,
  mediaTypeOf,
  notApplicable,
  section,
  statusOf,
  summaryOf,
} from '../../../src/model/index.ts'
import { application, clientIn, controlledHttp, eachTried, type Json, listOf, registering } from './desk.ts'

interface Attempts {
  controls: Exchange[]
  tried: { what: string; answer: Exchange }[]
}

const registrations = (name: string, changes: Record<string, Json>) =>
  registering(name, async (desk): Promise<Attempts> => {
    const before = await desk.register(application)
    const tried = await Promise.all(
      Object.entries(changes).map(async ([what, change]) => ({ what, answer: await desk.register({ ...application, ...change }) })),
    )
    return { controls: [before, await desk.register(application)], tried }
  })

const stranger = 'assay_unknown_member'

const unknown = registrations('a registration with a member nobody knows', { 'a member nobody knows': { [stranger]: 'assay' } })

const keys = registrations('a registration with two key sets', {
  'jwks beside jwks_uri': {
    jwks: { keys: [] },
    jwks_uri: 'https://client.assay.example/jwks.json',
    token_endpoint_auth_method: 'private_key_jwt',
  },
})

const inconsistent = registrations('registrations whose grants and responses do not fit', {
  'the response type of the implicit grant for codes': { grant_types: ['authorization_code'], response_types: ['token'] },
  'a response type for no grant that has one': { grant_types: ['client_credentials'], response_types: ['code'] },
})

const unsupported = registrations('registrations with values nobody supports', {
  token_endpoint_auth_method: { token_endpoint_auth_method: 'assay_unknown' },
  grant_types: { grant_types: ['authorization_code', 'urn:assay:unknown'] },
  response_types: { response_types: ['assay'] },
})

const deep = `${'['.repeat(2_000)}${']'.repeat(2_000)}`

const malformed = registering('registrations that are no metadata', async (desk) => {
  const before = await desk.register(application)
  const tried = await Promise.all([
    desk.register([application]).then((answer) => ({ what: 'a list', answer })),
    desk.register('assay').then((answer) => ({ what: 'a string', answer })),
    desk.register(null).then((answer) => ({ what: 'null', answer })),
    desk.register(undefined, { text: '{"client_name":' }).then((answer) => ({ what: 'half an object', answer })),
    desk.register(undefined, { text: '<client/>' }).then((answer) => ({ what: 'XML', answer })),
  ])
  return { controls: [before, await desk.register(application)], tried }
})

const mistyped = registrations('registrations whose members are of the wrong type', {
  'redirect_uris that are a string': { redirect_uris: 'http://127.0.0.1:8787/callback' },
  'redirect_uris that are objects': { redirect_uris: [{ uri: 'http://127.0.0.1:8787/callback' }] },
  'grant_types that are a number': { grant_types: 5 },
  'a client_name that is an object': { client_name: { assay: true } },
  'jwks that are a string': { jwks: 'assay', token_endpoint_auth_method: 'private_key_jwt' },
  'deep contacts': { contacts: JSON.parse(deep.slice(1_900, 2_100)) },
})

/** What only the inside of a program is called, or where it lies. */
const internals =
  /\bat [\w$.<>]+\s?\([^)]*:\d+|\b(?:org|com|io|java|javax|net)\.[a-z]\w*(?:\.\w+)*\.[A-Z]\w+|Traceback \(most recent|node_modules|\/(?:usr|opt|home|var|app|srv)\/[\w./-]+|\b(?:SQLSTATE|ORA-\d{5}|syntax error at or near)|NullPointerException|\bpanic: |TypeError: |\.(?:js|ts|py|java|go|rb|php):\d+/

const urls: Record<string, string> = {
  logo_uri: 'javascript:alert(1)',
  client_uri: 'javascript:alert(1)',
  policy_uri: 'data:text/html,assay',
  tos_uri: 'javascript:alert(1)',
}

const shown = registrations(
  'registrations with links that are code',
  Object.fromEntries(Object.entries(urls).map(([name, value]) => [name, { [name]: value }])),
)

export default section(
  {
    of: 'authorization-server',
    spec: 'rfc7591',
    page: '2',
    revisions: '2025-03-26..',
    requires: 'registration',
    weakness: ['CWE-20', 'API8:2023'],
    threat: 'rogue-registration',
  },
  [
    check('registration/unknown-member', {
      title: 'Members nobody knows are ignored',
      must: 'ignore metadata members it does not understand',
      needs: { unknown },
      judge: ({ unknown }) =>
        eachTried(unknown, ({ answer }) =>
          holdsIf(clientIn(answer) !== undefined, 'refuses a registration for a member it does not know', {
            expected: 'HTTP 201',
            actual: summaryOf(answer),
            exchange: answer,
          }),
        ),
      fix: 'Ignore unknown members: clients send what newer specifications define.',
      weakness: 'API8:2023',
    }),

    check('registration/two-key-sets', {
      title: 'A client has one place for its keys',
      must: 'not register jwks and jwks_uri together',
      needs: { keys },
      judge: ({ keys }) =>
        eachTried(keys, ({ answer }) => {
          const said = clientIn(answer)?.said ?? {}
          return holdsIf(!('jwks' in said && 'jwks_uri' in said), 'registers two key sets for one client', {
            expected: 'HTTP 400, or one of them',
            actual: summaryOf(answer),
            exchange: answer,
          })
        }),
      fix: 'Refuse metadata that has both jwks and jwks_uri.',
      weakness: ['CWE-436', 'API8:2023'],
    }),

    check('registration/consistent-types', {
      page: '2.1',
      title: 'Grants and responses of a client fit together',
      should: 'not let a client register response types whose grant it does not have',
      needs: { inconsistent },
      judge: ({ inconsistent }) => eachTried(inconsistent, ({ what, answer }) => fits(what, answer)),
      fix: 'Refuse such metadata, or complete it and say so in the response.',
    }),

    check('registration/unsupported-values', {
      spec: 'policy',
      page: 'registration',
      title: 'What is not supported is not registered',
      policy: 'refuse or replace values it does not support, rather than confirm them',
      needs: { unsupported },
      judge: ({ unsupported }) =>
        eachTried(unsupported, ({ what, answer }) =>
          holdsIf(
            !/assay_unknown|urn:assay:unknown|"assay"/.test(valueText(answer, what)),
            `confirms a value of ${what} that nobody supports`,
            {
              expected: 'HTTP 400, or another value',
              actual: summaryOf(answer),
              exchange: answer,
            },
          ),
        ),
      fix: 'Check the values against what the metadata of the server names.',
    }),

    check('registration/malformed', {
      page: '3.2.2',
      title: 'What is no metadata is refused',
      must: 'answer 400 to what is no metadata',
      needs: { malformed },
      judge: ({ malformed: { controls, tried } }) =>
        controlledHttp(controls, () => all(tried.map(({ what, answer }) => refused(what, answer)))),
      fix: 'Parse the body before anything else, and answer 400 with invalid_client_metadata when it is no JSON object.',
    }),

    check('registration/wrong-types', {
      page: '3.2.2',
      title: 'Members of the wrong type do not make the server fail',
      must: 'answer 400 to members of the wrong type, where it does not replace them',
      needs: { mistyped },
      judge: ({ mistyped: { controls, tried } }) =>
        controlledHttp(controls, () =>
          all(tried.map(({ what, answer }) => (clientIn(answer) === undefined ? refused(what, answer) : holds))),
        ),
      fix: 'Check the type of every member, and answer 400 with invalid_client_metadata.',
    }),

    check('registration/error-code', {
      page: '3.2.2',
      title: 'Errors have a code that programs can read',
      must: 'answer errors as JSON with a single ASCII code in the member error',
      needs: { unknown, keys, inconsistent, unsupported, malformed, mistyped },
      judge: (found) => {
        const refusals = Object.values(found)
          .flatMap(({ tried }) => tried)
          .filter(({ answer }) => statusOf(answer) === 400)
        return refusals.length === 0 ? notApplicable('nothing was refused with 400') : all(refusals.map(({ answer }) => coded(answer)))
      },
      fix: 'Answer with `{"error":"invalid_client_metadata","error_description":"…"}`.',
    }),

    check('registration/error-detail', {
      spec: 'policy',
      page: 'registration',
      title: 'Errors tell nothing of the inside of the server',
      policy: 'answer errors without stack traces, class names, paths and queries',
      needs: { unknown, malformed, mistyped },
      judge: (found) =>
        all(
          Object.values(found)
            .flatMap(({ tried }) => tried)
            .map(({ answer }) => answered(answer, () => discreet(answer))),
        ),
      fix: 'Log the detail, and answer with a code and a sentence of your own.',
      weakness: ['CWE-209', 'API8:2023'],
      threat: 'exposed-internals',
    }),

    check('registration/dangerous-links', {
      spec: 'rfc6749',
      page: '10.14',
      title: 'Links of a client are addresses, not code',
      must: 'validate the links that it shows to people, and take none that a browser would run',
      needs: { shown },
      judge: ({ shown }) =>
        eachTried(shown, ({ what, answer }) =>
          holdsIf(!/javascript:|data:/.test(valueText(answer, what)), `registers a ${what} that is code`, {
            expected: 'HTTP 400, or no such member',
            actual: summaryOf(answer),
            exchange: answer,
          }),
        ),
      fix: 'Take https links only for logo_uri, client_uri, policy_uri and tos_uri.',
      weakness: ['CWE-79', 'API8:2023'],
      threat: 'browser-attack',
    }),
  ],
)

/** What was registered for a member, as text. */
const valueText = (answer: Exchange, member: string): string => JSON.stringify(clientIn(answer)?.said[member] ?? '')

function fits(what: string, answer: Exchange): Judgement {
  const said = clientIn(answer)?.said
  if (said === undefined) return holds
  const grants = listOf(said.grant_types) ?? ['authorization_code']
  const responses = (listOf(said.response_types) ?? []).flatMap((each) => each.split(' '))
  const lacking = responses.filter(
    (type) => (type === 'token' && !grants.includes('implicit')) || (type === 'code' && !grants.includes('authorization_code')),
  )
  return lacking.length === 0
    ? holds
    : broken(`registers ${what}`, { expected: 'HTTP 400, or grants that fit', actual: summaryOf(answer), exchange: answer })
}

function refused(what: string, answer: Exchange): Judgement {
  return answered(answer, () => {
    const status = statusOf(answer)!
    return holdsIf(status >= 400 && status < 500, `does not refuse ${what}`, {
      expected: 'HTTP 400',
      actual: summaryOf(answer),
      exchange: answer,
    })
  })
}

function coded(answer: Exchange): Judgement {
  const error = bodyOf(answer)?.error
  // The characters RFC 6749 5.2 allows in a code.
  const isCode = typeof error === 'string' && /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/.test(error)
  return holdsIf(isCode && mediaTypeOf(answer) === 'application/json', 'answers an error without a code', {
    expected: '{"error":"invalid_client_metadata"} as application/json',
    actual: summaryOf(answer),
    exchange: answer,
  })
}

function discreet(answer: Exchange): Judgement {
  const found = clientIn(answer) === undefined ? internals.exec(answer.response?.body ?? '')?.[0] : undefined
  return found === undefined
    ? holds
    : broken('tells of its inside in an error', { expected: 'a code and a sentence', actual: found, exchange: answer })
}
