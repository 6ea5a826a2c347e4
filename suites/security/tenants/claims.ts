import {
  all,
  type Connection,
  check,
  type Exchange,
  type Judgement,
  notTestable,
  type Probe,
  type ProbeContext,
  probe,
  section,
} from '../../../src/model/index.ts'
import { decodeJwt } from '../tokens/jwt.ts'
import { isResult, showsNone } from './crossing.ts'
import { pairOf } from './pair.ts'
import { type Question, tellingQuestions, type Views, viewsOf } from './views.ts'

interface Claimed {
  /** Completes "a token …". */
  what: string
  answers: Exchange[]
}

interface Claims {
  words: Views['words']
  /** With a right token: shows things of the tenant it is for. */
  controls: Exchange[]
  claimed: Claimed[]
}

type Variants = (about: { claim: string; own: string; other: string }) => Record<string, Record<string, unknown>>

const required = ['second tenant', 'authorization', 'forging issuer'] as const

/** The claim that holds the name of the tenant in tokens of the forging issuer; another than the target believes shows nothing. */
export async function tenantClaim(context: ProbeContext): Promise<string | undefined> {
  const { own } = pairOf(context)
  const right = decodeJwt(await context.instruments.issuer!.mint())
  return Object.entries(right?.claims ?? {}).find(([, value]) => value === own.tenant)?.[0]
}

/** The answers a token gets to questions that show whose it is; the opening if it was not let in. */
export async function answersFor(
  { connect }: ProbeContext,
  token: string,
  questions: readonly Question[],
  forged = true,
): Promise<Exchange[]> {
  const client: Connection = await connect({ token, forged })
  if (!isResult(client.opening)) return [client.opening]
  return Promise.all(questions.map(({ method, params }) => client.send(method, params)))
}

function tokens(name: string, variants: Variants): Probe<Claims> {
  return probe(name, { requires: required, over: 'http' }, async (context): Promise<Claims> => {
    const [seen, claim] = [await viewsOf(context), await tenantClaim(context)]
    const issuer = context.instruments.issuer!
    // Each token is a client of its own: one question is enough, and a call is the least to ask.
    const questions = tellingQuestions(seen).slice(-1)
    if (claim === undefined || questions.length === 0) return { words: seen.words, controls: [], claimed: [] }
    const { own, other } = pairOf(context)
    const controls = await answersFor(context, await issuer.mint(), questions, false)
    const claimed: Claimed[] = []
    for (const [what, claims] of Object.entries(variants({ claim, own: own.tenant, other: other.tenant })))
      claimed.push({ what, answers: await answersFor(context, await issuer.mint({ claims }), questions) })
    return { words: seen.words, controls, claimed }
  })
}

const untold = notTestable(
  'tokens of the forging issuer do not show whose they are here: their tenant is not that of the identity, or all tenants see the same',
)

/** The right token shows its tenant's own; those under test show none of these words. */
const shows =
  (pick: (words: Views['words']) => readonly string[]) =>
  ({ probe: { words, controls, claimed } }: { probe: Claims }): Judgement => {
    const known = controls.some((control) => showsNone(words.own, control).kind === 'broken')
    if (!known || controls.some((control) => !isResult(control))) return untold
    return all(claimed.flatMap(({ what, answers }) => answers.map((answer) => showsNone(pick(words), answer, `to a token ${what}`))))
  }

const otherNames = tokens('tokens with a tenant in other claims', ({ claim, other }) => {
  const names = ['tenant', 'tenant_id', 'tid', 'org', 'org_id', 'organization', 'account', 'realm', 'workspace', 'groups', 'act']
  const claims = Object.fromEntries(names.filter((name) => name !== claim).map((name) => [name, other]))
  return { 'with another tenant in other claims': { ...claims, groups: [other], act: { sub: other, [claim]: other } } }
})

const several = tokens('tokens for several tenants', ({ claim, own, other }) => ({
  'for a list of tenants': { [claim]: [own, other] },
  'for an object of tenants': { [claim]: { [own]: true, [other]: true } },
  'for two tenants, separated by a comma': { [claim]: `${own},${other}` },
  'for two tenants, separated by a blank': { [claim]: `${own} ${other}` },
}))

const nobody = tokens('tokens for no tenant', ({ claim }) => ({
  'without a tenant': { [claim]: undefined },
  'whose tenant is null': { [claim]: null },
  'whose tenant is empty': { [claim]: '' },
  'whose tenant is true': { [claim]: true },
}))

const patterns = tokens('tokens for tenants of similar names', ({ claim, own, other }) => ({
  'for every tenant': { [claim]: '*' },
  'for a pattern of tenants': { [claim]: `${other.slice(0, 2)}%` },
  'for a tenant with a blank after its name': { [claim]: `${other} ` },
  'for a tenant whose name is cut short': { [claim]: other.slice(0, -1) },
  'for a tenant of a longer name': { [claim]: `${other}-assay` },
  'for a tenant by a path': { [claim]: `${own}/../${other}` },
  'for a tenant with a line break in its name': { [claim]: `${own}\r\nX-Tenant-Id: ${other}` },
  'for a tenant that ends in a null': { [claim]: `${other}\u0000` },
}))

export default section(
  {
    spec: 'policy',
    page: 'tenants',
    revisions: '2025-03-26..',
    over: 'http',
    requires: required,
    weakness: ['CWE-863', 'CWE-346', 'CWE-639', 'API2:2023', 'MCP07:2025'],
    threat: 'tenant-spoofing',
  },
  [
    check('tenants/claim-elsewhere', {
      title: 'The tenant is read from one claim',
      policy: 'not take the tenant from a claim that happens to hold a name, beside the one that says it',
      needs: { probe: otherNames },
      judge: shows(({ other }) => other),
      fix: 'Configure the one claim that names the tenant, for each issuer, and read no other.',
    }),

    check('tenants/claim-list', {
      title: 'A token for several tenants opens none of the others',
      policy: 'serve no other tenant to a token whose tenant is a list or an object',
      needs: { probe: several },
      judge: shows(({ other }) => other),
      fix: 'Require the claim to be one string; refuse the token otherwise.',
    }),

    check('tenants/claim-missing', {
      title: 'A token without a tenant is nobody’s',
      policy: 'show nothing of any tenant to a token that names none',
      needs: { probe: nobody },
      judge: shows(({ own, other }) => [...own, ...other]),
      fix: 'Refuse tokens without a tenant, or show them what is meant for everyone; have no default tenant.',
    }),

    check('tenants/claim-exact', {
      title: 'The name of a tenant is compared as a whole',
      policy: 'show nothing of a tenant to a token for a tenant whose name resembles its own',
      needs: { probe: patterns },
      judge: shows(({ own, other }) => [...own, ...other]),
      fix: 'Compare the name as a whole with the tenants there are, and use no text of a token in a pattern, a path or a header before that.',
    }),
  ],
)
