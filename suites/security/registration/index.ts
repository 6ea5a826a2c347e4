import documents from './documents.ts'
import limits from './limits.ts'
import management from './management.ts'
import pages from './pages.ts'
import privilege from './privilege.ts'
import redirects from './redirects.ts'
import requests from './requests.ts'
import response from './response.ts'
import statements from './statements.ts'
import values from './values.ts'

export default [values, statements, response, redirects, privilege, requests, documents, pages, management, limits]
