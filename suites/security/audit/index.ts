import injection from './injection.ts'
import records from './records.ts'
import secrets from './secrets.ts'

export default [records, secrets, injection]
