import codes from './codes.ts'
import pages from './pages.ts'
import pkce from './pkce.ts'
import redirects from './redirects.ts'
import refresh from './refresh.ts'
import resources from './resources.ts'
import responses from './responses.ts'

export default [pkce, codes, redirects, responses, refresh, resources, pages]
