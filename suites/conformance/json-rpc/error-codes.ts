import { check, each, holdsIf, section, transcript, type UnitFacts } from '../../../src/model/index.ts'
import { errorProbe } from './errors.ts'
import { codeOf, type Frame, framesOf, noneInForce } from './frames.ts'

const defined = [-32020, -32021, -32022]
const retired = [-32002, -32042]
const standard = [-32700, -32600, -32601, -32602, -32603]

type Transcript = Parameters<typeof framesOf>[0]

/** Judges the code of every error that was sent under the revision of the unit. */
const eachCode = (transcript: Transcript, about: UnitFacts, fits: (code: number) => boolean, otherwise: string, expected: string) =>
  each(
    framesOf(transcript, about).filter((frame): frame is Frame => frame.inForce && typeof codeOf(frame) === 'number'),
    noneInForce('error', about.revision),
    (frame) => {
      const code = codeOf(frame) as number
      return holdsIf(fits(code), `${otherwise} ${code}`, { expected, actual: frame.message, exchange: frame.exchange })
    },
  )

export default [
  ...section({ spec: 'json-rpc', page: 'error_object', revisions: 'all' }, [
    check('json-rpc/error-code-range', {
      title: 'Error codes keep out of the range JSON-RPC reserves',
      should: 'use no code from -32768 to -32100 that JSON-RPC does not define',
      needs: { misdirected: errorProbe, transcript },
      judge: ({ transcript }, about) =>
        eachCode(
          transcript,
          about,
          (code) => code < -32768 || code > -32100 || standard.includes(code),
          'sends the reserved error code',
          'a code JSON-RPC defines, or one outside -32768 to -32100',
        ),
      fix: 'Use codes above -32000 or below -32768 for errors of your own.',
    }),
  ]),
  ...section({ spec: 'mcp', page: 'basic#error-codes', revisions: '2026-07-28' }, [
    check('json-rpc/legacy-error-codes', {
      title: 'Error codes of the legacy range are not used',
      should: 'use no code from -32000 to -32019',
      needs: { misdirected: errorProbe, transcript },
      judge: ({ transcript }, about) =>
        eachCode(
          transcript,
          about,
          (code) => code < -32019 || code > -32000 || retired.includes(code),
          'sends the legacy error code',
          'a code outside -32000 to -32019',
        ),
      fix: 'Use a JSON-RPC standard code, or one outside -32768 to -32000 for errors of your own.',
      covers: 'rpc.error.legacy-range',
    }),

    check('json-rpc/mcp-error-codes', {
      title: 'Only codes the specification defines come from its range',
      must: 'use no code from -32020 to -32099 but -32020, -32021 and -32022',
      needs: { misdirected: errorProbe, transcript },
      judge: ({ transcript }, about) =>
        eachCode(
          transcript,
          about,
          (code) => code < -32099 || code > -32020 || defined.includes(code) || retired.includes(code),
          'sends an error code reserved for the specification:',
          'one of -32020, -32021, -32022, or a code outside the range',
        ),
      fix: 'Use a code outside -32768 to -32000 for errors of your own.',
      covers: 'rpc.error.reserved-range',
    }),

    check('json-rpc/retired-error-codes', {
      title: 'Error codes of earlier revisions are not used',
      must: 'not use -32002 and -32042, which belong to earlier revisions',
      needs: { misdirected: errorProbe, transcript },
      judge: ({ transcript }, about) =>
        eachCode(
          transcript,
          about,
          (code) => !retired.includes(code),
          'sends the retired error code',
          'another code, such as -32602 for an unknown resource',
        ),
      fix: 'Answer -32602 for a resource that does not exist, and ask for input by a result instead of -32042.',
      covers: 'rpc.error.retired-codes',
    }),
  ]),
]
