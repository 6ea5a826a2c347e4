import challenge from './challenge.ts'
import document from './document.ts'

export default [challenge, document]
