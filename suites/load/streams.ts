import {
  all,
  check,
  inconclusive,
  type Judgement,
  type LoadResult,
  notApplicable,
  type ProbeContext,
  probe,
  resultOf,
  type StreamsResult,
  section,
} from '../../src/model/index.ts'
import { scriptedTool } from '../scripted.ts'
import { usual } from './requests.ts'
import { echoed, fromBehind, ofLoad, sending, traffic } from './scenario.ts'
import { allCame, allKept, inTime, limitsOf, offered, soundStreams, timedStreams } from './stream-verdicts.ts'
import { allServed, asFast, sound, timed, wordsOf } from './verdicts.ts'

/** Seconds of calls without streams, and beside them. */
const [quiet, beside] = [4, 6]
/** Resources whose change is announced while streams are open, one after the other, in milliseconds after the first call. */
const notes = Array.from({ length: 4 }, (_, at) => `scripted://note/assay-${at + 1}`)
const [settling, announcing] = [2_000, 800]
/** The server reports its progress so often, at intervals of so many milliseconds. */
const [steps, rhythm] = [8, 250]
/** Streams that are cut, after how many events, and for how many milliseconds. */
const cuts = { most: 20, after: 3, pause: 700 }
/** Milliseconds an event may take beyond what its source takes. */
const allowance = 1_000

/** Thousands of streams take minutes to be opened. */
const options = { ...sending, deadline: 1_800_000 } as const
/** Milliseconds that streams are open at most: for themselves, and for each that is opened before what goes on beside them. */
const [longest, opening] = [90_000, 60]

/** Resources whose changes can be announced: the harness stands behind the target, and clients of the target can subscribe to them. */
async function announceable({ facts: { facilities }, era, session }: ProbeContext): Promise<string[]> {
  if (facilities['scripted upstream'] !== true || facilities['resources.subscribe'] !== true) return []
  if (era === 'stateless') return notes
  const own = await session()
  const subscribed = await own.send('resources/subscribe', { uri: notes[0] })
  await own.send('resources/unsubscribe', { uri: notes[0] })
  return resultOf(subscribed) === undefined ? [] : notes
}

const held = probe('calls without open streams and beside many', { ...options, requires: echoed }, async (context) => {
  const { rate, streams } = context.nominal
  const flow = { arrivals: 'calls', rate, requests: await usual(context) } as const
  const calls = (name: string, seconds: number) => context.load({ warmUp: 1_000, flows: [{ ...flow, name, seconds: seconds + 1 }] })
  const resources = await announceable(context)
  const alone = await calls('alone', quiet)
  let among: LoadResult | undefined
  const listening = await context.streams(
    {
      lasts: longest + streams * opening,
      within: limitsOf(context.facts),
      flows: [{ name: 'listening', count: streams, opens: { resources } }],
    },
    async ({ announced }) => {
      const sent = calls('beside', beside)
      await announce(context, resources, announced)
      among = await sent
    },
  )
  return { alone, beside: among, listening }
})

async function announce({ instruments, pause }: ProbeContext, resources: string[], announced: (uri: string) => void): Promise<void> {
  await pause(settling)
  for (const uri of resources) {
    announced(uri)
    await instruments.upstream!.notify('notifications/resources/updated', { uri })
    await pause(announcing)
  }
}

const speaking = probe('many answers that are streams, some of them cut', { ...options, requires: fromBehind }, async (context) => {
  const { streams } = context.nominal
  const { name } = await scriptedTool(context)
  const progress = Array.from({ length: steps }, (_, at) => at + 1)
  const script = await context.instruments.upstream!.script({ progress, delay: rhythm * (steps + 1) })
  const opens = { request: { method: 'tools/call', params: { name, arguments: { script } } }, steps }
  const cut = { name: 'cut', count: Math.min(cuts.most, streams), opens, cut: cuts }
  return context.streams({
    lasts: longest + streams * opening,
    within: limitsOf(context.facts),
    flows: [{ name: 'calls', count: streams, opens }, ...(context.era === 'session' ? [cut] : [])],
  })
})

/** What says that streams cannot be resumed, where every one is answered so. */
const notResumable = ['HTTP 400', 'HTTP 404', 'HTTP 405', 'HTTP 501', 'no stream']

const noListening = 'the target offers no stream to listen on'
const noStreams = 'the target answers without streams'

/** What is said of calls beside streams, given that there were streams. */
function besideStreams({ alone, beside, listening }: { alone: LoadResult; beside?: LoadResult; listening: StreamsResult }): Judgement {
  return offered(listening.flows.listening, noListening, ({ streams }) => {
    if (streams.opened === 0 || beside === undefined) return inconclusive(`there were no streams: ${wordsOf(streams.refused)}`)
    const undisturbed = allServed(alone.flows.alone)
    if (undisturbed.kind === 'broken') return inconclusive(`it fails without streams too: ${undisturbed.reason}`)
    return all([
      timed(alone, () => timed(beside, () => asFast(alone.flows.alone, beside.flows.beside, 'becomes slow while streams are open'))),
      sound(alone, () => undisturbed),
      sound(beside, () => allServed(beside.flows.beside)),
    ])
  })
}

/** Nothing is said of a resumption that is not offered: it is optional (2025-11-25, basic/transports#resumability-and-redelivery). */
function resumedWell({ flows: { calls, cut } }: StreamsResult): Judgement {
  return offered(cut, noStreams, (flow) => {
    const { resumption } = flow
    if (resumption === undefined || resumption.cut === 0) return inconclusive(`no stream could be cut: ${wordsOf(flow.streams.ended)}`)
    if (resumption.unnamed === resumption.cut) return notApplicable('the target attaches no ids to events')
    if (resumption.resumed === 0 && Object.keys(resumption.refused).every((how) => notResumable.includes(how)))
      return notApplicable(`the target does not resume streams: ${wordsOf(resumption.refused)}`)
    if (resumption.resumed > 0 && resumption.brought === 0) return notApplicable('the target attaches ids to events, and resumes no stream')
    const uncut = offered(calls, noStreams, (each) => allCame(each, 'on streams that nobody cuts'))
    if (uncut.kind === 'broken') return inconclusive(`${uncut.reason} either: ${uncut.actual}`)
    return allKept({ ...flow, streams: { ...flow.streams, ended: { ...flow.streams.ended, ...resumption.refused } } }).and(
      allCame(flow, 'over a cut'),
    )
  })
}

const head = { ...ofLoad, page: 'streams', requires: traffic } as const

export default [
  ...section(head, [
    check('load/streams-held', {
      title: 'Many streams stay open',
      objective: 'keep the streams of many clients open for as long as they listen',
      requires: 'echo tool',
      needs: { held },
      judge: ({ held: { listening } }) => soundStreams(listening, () => offered(listening.flows.listening, noListening, allKept)),
      fix: 'Raise the limits on connections and files, and the time after which a proxy ends a connection that is silent; send comments meanwhile.',
    }),
    check('load/streams-beside', {
      title: 'Open streams cost calls nothing',
      objective: 'answer calls as well and as fast while many streams are open',
      requires: 'echo tool',
      needs: { held },
      judge: ({ held }) => besideStreams(held),
      fix: 'Give streams no place in the pool that serves calls, and let no call look through all of them.',
    }),
    check('load/stream-events', {
      title: 'Each of many streams gets its own events, once',
      objective: 'send each event on the stream it is meant for, once and in order',
      requires: 'scripted upstream',
      needs: { speaking },
      judge: ({ speaking }) =>
        soundStreams(speaking, () =>
          offered(speaking.flows.calls, noStreams, (flow) => allKept(flow).and(allCame(flow, 'on the streams of answers'))),
        ),
      fix: 'Keep what is waiting to be sent with the stream it is for; nothing that streams share may say where an event goes.',
    }),
    check('load/stream-updates', {
      title: 'Each of many listeners hears of a change, once',
      objective: 'tell every client that has subscribed to a resource of its change, once',
      requires: ['echo tool', 'scripted upstream', 'resources.subscribe'],
      needs: { held },
      judge: ({ held: { listening } }) =>
        soundStreams(listening, () =>
          offered(listening.flows.listening, noListening, (flow) => allCame(flow, 'on the streams of listeners')),
        ),
      fix: 'Go through all who have subscribed for each change; one of them that fails must not end the round.',
    }),
    check('load/stream-first-event', {
      title: 'The first event of a stream comes when it is sent',
      objective: `send the first event within ${allowance} ms of when its source sends it`,
      requires: 'scripted upstream',
      needs: { speaking },
      judge: ({ speaking }, facts) =>
        timedStreams(speaking, () => offered(speaking.flows.calls, noStreams, (flow) => inTime(flow, 'first', rhythm + allowance, facts))),
      fix: 'Send the head of a stream at once, and flush after each event; turn the buffering of proxies off.',
    }),
    check('load/stream-rhythm', {
      title: 'Events come in the rhythm of their source',
      objective: `send an event within ${allowance} ms of when its source sends it`,
      requires: 'scripted upstream',
      needs: { speaking },
      judge: ({ speaking }, facts) =>
        timedStreams(speaking, () => offered(speaking.flows.calls, noStreams, (flow) => inTime(flow, 'gaps', rhythm + allowance, facts))),
      fix: 'Flush after each event, and compress no stream in blocks.',
    }),
    check('load/stream-delay', {
      title: 'Changes are heard of when they are announced',
      objective: `tell those who listen of a change within ${allowance} ms`,
      requires: ['echo tool', 'scripted upstream', 'resources.subscribe'],
      needs: { held },
      judge: ({ held: { listening } }, facts) =>
        timedStreams(listening, () => offered(listening.flows.listening, noListening, (flow) => inTime(flow, 'delays', allowance, facts))),
      fix: 'Pass a change on when it comes; let no client that reads slowly hold up the others.',
    }),
  ]),
  ...section({ ...head, revisions: '2025-03-26..2025-11-25' }, [
    check('load/stream-resumption', {
      title: 'Streams that were cut go on where they were',
      objective: 'send exactly what was missed when a client resumes a stream, where streams can be resumed',
      requires: 'scripted upstream',
      needs: { speaking },
      judge: ({ speaking }) => soundStreams(speaking, () => resumedWell(speaking)),
      fix: 'Number the events of each stream, keep the last few hundred, and send those after the one the client names.',
    }),
  ]),
]
