import caches from './caches.ts'
import calls from './calls.ts'
import claims from './claims.ts'
import errors from './errors.ts'
import handles from './handles.ts'
import limits from './limits.ts'
import lists from './lists.ts'
import notifications from './notifications.ts'
import offboarding from './offboarding.ts'
import race from './race.ts'
import sessions from './sessions.ts'
import spoofing from './spoofing.ts'

export default [lists, calls, spoofing, claims, sessions, handles, caches, notifications, errors, limits, offboarding, race]
