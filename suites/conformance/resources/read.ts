import { validateResult } from '../../../src/model/frames/index.ts'
import { answered, check, each, holdsIf, inconclusive, notApplicable, resultOf, section, summaryOf } from '../../../src/model/index.ts'
import { contentsOf, nothingListed, read, succeeded } from './probes.ts'

/** A wrong encoding is `blob-encoding`'s to tell. */
const isEncoding = ({ path, keyword }: { path: string; keyword: string }) => keyword === 'format' && path.endsWith('/blob')

const isBase64 = (text: unknown): boolean => typeof text === 'string' && text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text)

export default section({ spec: 'mcp', page: 'server/resources#reading-resources', revisions: 'all', requires: 'resources' }, [
  check('resources/read-listed', {
    title: 'Every listed resource can be read',
    policy: 'give the contents of each resource it lists',
    needs: { read },
    judge: ({ read }) =>
      read.length === 0
        ? nothingListed
        : each(read, '', ({ uri, exchange }) => {
            if (exchange.response?.cut !== undefined || exchange.failure?.code === 'oversize')
              return inconclusive(`${uri} is too large to be read here`, exchange)
            return answered(exchange, () =>
              holdsIf(
                Array.isArray(resultOf(exchange)?.contents) || resultOf(exchange)?.resultType === 'input_required',
                `lists ${uri} and does not give it`,
                {
                  expected: 'a result with contents',
                  actual: summaryOf(exchange),
                  exchange,
                },
              ),
            )
          }),
    fix: 'List only what the caller may read; a gateway routes a read to the server that listed the URI.',
    covers: ['resources.read.listed', 'gw.uri.roundtrip'],
  }),

  check('resources/contents-valid', {
    title: 'Contents have the shape of the revision',
    page: 'server/resources#resource-contents',
    must: 'give contents as an array of texts or blobs, each with its URI',
    needs: { read },
    judge: ({ read }, { revision }) =>
      succeeded(read, (exchanges) =>
        each(exchanges, '', (exchange) => {
          const problems = validateResult(revision, 'resources/read', resultOf(exchange))
          const problem = problems.find((each) => each.path.startsWith('/contents') && !isEncoding(each))
          return holdsIf(problem === undefined, `${problem?.path} ${problem?.message}`, { actual: summaryOf(exchange), exchange })
        }),
      ),
    fix: 'Compare the contents with TextResourceContents and BlobResourceContents of the revision.',
  }),

  check('resources/blob-encoding', {
    title: 'Binary contents are base64',
    page: 'server/resources#security-considerations',
    must: 'encode binary data properly, as base64 in blob',
    needs: { read },
    judge: ({ read }) =>
      succeeded(read, (exchanges) => {
        const blobs = exchanges.flatMap((exchange) =>
          contentsOf(exchange).flatMap(({ blob }) => (blob === undefined ? [] : [{ blob, exchange }])),
        )
        return blobs.length === 0
          ? notApplicable('no resource that was read is binary')
          : each(blobs, '', ({ blob, exchange }) =>
              holdsIf(isBase64(blob), 'gives a blob that is not base64', {
                expected: 'RFC 4648 base64 with padding',
                actual: String(blob).slice(0, 80),
                exchange,
              }),
            )
      }),
    fix: 'Encode the bytes with a standard, padded base64 encoder.',
    covers: 'resources.read.binary-encoded',
  }),
])
