import earlierRevisions from './earlier-revisions.ts'
import endpoint from './endpoint.ts'
import eventStreams from './event-streams.ts'
import listening from './listening.ts'
import resumability from './resumability.ts'
import robustness from './robustness.ts'
import securityWarning from './security-warning.ts'
import sendingMessages from './sending-messages.ts'
import sessions from './sessions.ts'

export default [endpoint, securityWarning, sendingMessages, listening, eventStreams, resumability, sessions, earlierRevisions, robustness]
