import { check, holdsIf, notApplicable, section } from '../../../src/model/index.ts'
import { documents, eachDocument } from '../authority/documents.ts'
import { listed } from '../m2m/machine.ts'
import { jwtBearer } from './grants.ts'

const profile = 'urn:ietf:params:oauth:grant-profile:id-jag'

export default section(
  {
    of: 'authorization-server',
    spec: 'id-jag',
    page: '7.2',
    revisions: '2025-11-25..',
    weakness: ['CWE-684', 'API8:2023'],
    threat: 'false-metadata',
  },
  [
    check('enterprise/discovery', {
      title: 'Who offers grants of identity providers lists their grant type',
      must: 'list the grant type jwt-bearer in grant_types_supported when it lists the grant profile id-jag',
      needs: { documents },
      judge: ({ documents }) =>
        eachDocument(documents, (metadata, exchange) => {
          if (!listed({ metadata }, 'authorization_grant_profiles_supported')?.includes(profile))
            return notApplicable('its metadata does not offer grants of identity providers')
          const types = listed({ metadata }, 'grant_types_supported') ?? []
          return holdsIf(types.includes(jwtBearer), 'offers the grant profile id-jag without the grant type it is used with', {
            expected: jwtBearer,
            actual: types.length > 0 ? types : 'no grant_types_supported',
            exchange,
          })
        }),
      fix: `List ${jwtBearer} in grant_types_supported, or take the profile out.`,
    }),
  ],
)
