import { check, probe, section } from '../../../src/model/index.ts'
import { allRefused, attempt, forgeries } from './attempts.ts'
import { acceptedJwt } from './jwt.ts'

const variants = probe('other spellings of a token', { over: 'http', requires: 'authorization' }, async (context) => {
  const { token } = await acceptedJwt(context)
  const [header, ...rest] = token.split('.')
  return attempt(context, token, {
    'with padding': `${token}==`,
    'with a fourth part': `${token}.e30`,
    'that ends in a full stop': `${token}.`,
    'with padding inside': `${header}=.${rest.join('.')}`,
  })
})

const twice = forgeries('tokens with duplicate claims', (right) => {
  const claims = JSON.stringify(right).slice(1)
  return {
    'with two subjects': { payload: `{"sub":"assay-somebody-else",${claims}` },
    'with two tenants': { payload: `{"tenant":"assay-other",${claims.slice(0, -1)},"tenant":${JSON.stringify(right.tenant ?? 'assay')}}` },
  }
})

export default section({ spec: 'rfc7519', page: '4', revisions: '2025-03-26..', over: 'http', requires: 'authorization' }, [
  check('tokens/spelling', {
    spec: 'rfc7515',
    page: '5.2',
    title: 'A token has one spelling only',
    policy: 'refuse a token in another spelling than the canonical one, which denies caches and revocation lists a second name for it',
    needs: { variants },
    judge: ({ variants }) => allRefused(variants),
    fix: 'Decode base64url strictly: no padding, no further parts.',
  }),

  check('tokens/duplicate-claims', {
    title: 'A token that says a claim twice is refused',
    policy: 'refuse a token with duplicate claims, which two hops may read differently',
    needs: { twice },
    judge: ({ twice }) => allRefused(twice),
    fix: 'Parse the claims with a parser that refuses duplicate names.',
  }),
])
