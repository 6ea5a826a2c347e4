import bypass from './bypass.ts'
import disclosure from './disclosure.ts'
import endpoints from './endpoints.ts'
import fields from './fields.ts'
import forgery from './forgery.ts'
import framing from './framing.ts'
import paths from './paths.ts'

export default [paths, fields, framing, bypass, forgery, endpoints, disclosure]
