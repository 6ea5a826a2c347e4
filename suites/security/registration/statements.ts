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
  notApplicable,
  section,
  statusOf,
  summaryOf,
} from '../../../src/model/index.ts'
import { encodeJwt, hmacJwt } from '../tokens/jwt.ts'
import { application, clientIn, controlledHttp, registering } from './desk.ts'

const vouched = 'Assay vouched for'

const claims = { iss: 'https://software.assay.example', software_id: 'assay', client_name: vouched }

/** Statements nobody stands behind. */
const forged: Record<string, string> = {
  'that nobody has signed': encodeJwt({ header: { alg: 'none' }, claims, signature: '' }),
  'of somebody who is not known here': hmacJwt({ header: { typ: 'JWT' }, claims }, 'assay-assay-assay-assay-assay-assay'),
  'whose signature is nonsense': encodeJwt({ header: { alg: 'RS256', kid: 'assay' }, claims, signature: 'YXNzYXk' }),
}

const statements = registering('software statements nobody stands behind', async (desk) => {
  const before = await desk.register(application)
  const tried = await Promise.all(
    Object.entries(forged).map(async ([what, statement]) => ({
      what,
      answer: await desk.register({ ...application, software_statement: statement }),
    })),
  )
  const nothing = await desk.register({ ...application, software_statement: 'assay' })
  const stranger = await desk.register({ ...application, assay_statement: 'assay' })
  return { controls: [before, await desk.register(application)], tried, nothing, stranger }
})

const codes = ['invalid_software_statement', 'unapproved_software_statement']

/** Whether the registration rests on the statement: what was used is returned (RFC 7591 3.2.1), and its claims win. */
const isUsed = (answer: Exchange): boolean => {
  const said = clientIn(answer)?.said
  return said !== undefined && (said.software_statement !== undefined || said.client_name === vouched)
}

export default section(
  {
    of: 'authorization-server',
    spec: 'rfc7591',
    page: '2.3',
    revisions: '2025-03-26..',
    requires: 'registration',
    weakness: ['CWE-347', 'CWE-345', 'API2:2023'],
    threat: 'rogue-registration',
  },
  [
    check('registration/statement', {
      title: 'Software statements nobody stands behind count for nothing',
      must: 'use a software statement only when it is signed by an issuer it trusts',
      needs: { statements },
      judge: ({ statements: { controls, tried, nothing } }) =>
        controlledHttp(controls, () =>
          all(
            [...tried, { what: 'that is no JWT', answer: nothing }].map(({ what, answer }) =>
              answered(answer, () =>
                holdsIf(!isUsed(answer), `uses a software statement ${what}`, {
                  expected: 'HTTP 400, or a statement that is ignored',
                  actual: summaryOf(answer),
                  exchange: answer,
                }),
              ),
            ),
          ),
        ),
      fix: 'Verify the signature with the keys of an approved issuer, and refuse unsigned statements; or ignore them all.',
    }),

    check('registration/statement-error', {
      page: '3.2.2',
      title: 'A refused software statement is named as the reason',
      should: 'answer with invalid_software_statement or unapproved_software_statement to a statement it refuses',
      needs: { statements },
      judge: ({ statements: { controls, tried, stranger } }) =>
        controlledHttp(controls, () => {
          if (clientIn(stranger) === undefined) return notApplicable('every unknown member is refused, statements among them')
          return all(tried.map(({ answer }) => answered(answer, () => named(answer))))
        }),
      fix: 'Answer `400 {"error":"invalid_software_statement"}`, or unapproved_software_statement for an issuer that is not approved.',
      weakness: 'API8:2023',
    }),
  ],
)

function named(answer: Exchange): Judgement {
  if (statusOf(answer)! < 400) return notApplicable('software statements are ignored')
  const error = bodyOf(answer)?.error
  return codes.includes(String(error))
    ? holds
    : broken('does not say that the software statement is wrong', {
        expected: codes.join(' or '),
        actual: summaryOf(answer),
        exchange: answer,
      })
}
